using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Segments;

public sealed class RuleFunctions(PreviewSegment preview, ExplainSegment explain, RuleCatalogue catalogue)
{
    [Function("PreviewSegment")]
    [RequireRole(Role.Viewer, Reads = true)]
    [Describe("Count and show who a rule holds for"), Body(typeof(PreviewRequest)), Answers(200, typeof(PreviewResponse)), Problems(413, 415)]
    public async Task<IResult> Preview(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/segments/preview")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await preview.HandleAsync(await request.ReadAsync<PreviewRequest>(cancellation, Json.StrictTree), cancellation));

    [Function("ExplainSegment")]
    [RequireRole(Role.Viewer)]
    [Describe("Say why a customer is or is not in a segment"), Answers(200, typeof(ExplainResponse)), Problems(404)]
    public async Task<IResult> Explain(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/{id}/explain/{customerId}")] HttpRequest request,
        string id, string customerId, CancellationToken cancellation) =>
        Reply.Ok(await explain.HandleAsync(id, customerId, cancellation));

    [Function("ListRuleFields")]
    [RequireRole(Role.Viewer)]
    [Describe("List the fields, types and operators of rules", "Custom attributes that are known are there with their types; attributes.<key> stands for any other."), Answers(200, typeof(Page<FieldView>))]
    public async Task<IResult> Fields(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/fields")] HttpRequest request, CancellationToken cancellation)
    {
        await catalogue.RefreshAsync(cancellation);
        return Reply.Ok(new Page<FieldView>(FieldView.AllOf(catalogue), null));
    }

    [Function("ListSegmentTemplates")]
    [RequireRole(Role.Viewer)]
    [Describe("List rules to start from"), Answers(200, typeof(Page<SegmentTemplate>))]
    public IResult Templates([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/templates")] HttpRequest request) =>
        Reply.Ok(new Page<SegmentTemplate>(SegmentTemplate.All, null));
}
