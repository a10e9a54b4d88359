using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Campaigns;

public sealed class TemplateFunctions(WorkspaceStore<Template> templates, SaveTemplate save, RenderContent render, Cursors cursors)
{
    [Function("ListTemplates")]
    [RequireRole(Role.Viewer)]
    [Describe("List templates, newest first"), Paged, Answers(200, typeof(Page<TemplateView>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/templates")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, "templates");
        var found = await templates.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, "templates", t => TemplateView.Of(t.Value), t => t.Value.Id));
    }

    [Function("CreateTemplate")]
    [RequireRole(Role.Marketer), Idempotent]
    [Describe("Create a template", "Handlebars placeholders over the customer, checked when saved; campaigns copy it by `templateId`.")]
    [Body(typeof(TemplateInput)), Answers(201, typeof(TemplateView)), Problems(413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/templates")] HttpRequest request, CancellationToken cancellation)
    {
        var created = await save.CreateAsync(await request.ReadAsync<TemplateInput>(cancellation), request.Caller(), cancellation, request.EffectId());
        return Reply.Created($"/api/templates/{created.Value.Id}", TemplateView.Of(created.Value), created.ETag);
    }

    [Function("GetTemplate")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a template"), Answers(200, typeof(TemplateView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/templates/{id}")] HttpRequest request, string id, CancellationToken cancellation) =>
        Answer(await templates.ReadAsync(id, cancellation) ?? throw new TemplateNotFound(id).ToException());

    [Function("UpdateTemplate")]
    [RequireRole(Role.Marketer)]
    [Describe("Change a template", "Needs If-Match. Campaigns made with it stay as they are."), Body(typeof(TemplateInput)), Answers(200, typeof(TemplateView)), Problems(404, 412, 413, 415, 428)]
    public async Task<IResult> Update(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "api/templates/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var ifMatch = request.RequireIfMatch();
        return Answer(await save.ReplaceAsync(id, ifMatch, await request.ReadAsync<TemplateInput>(cancellation), cancellation));
    }

    [Function("DeleteTemplate")]
    [RequireRole(Role.Marketer)]
    [Describe("Delete a template", "Needs If-Match. Campaigns made with it stay as they are."), Answers(204), Problems(404, 412, 428)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/templates/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await save.DeleteAsync(id, request.RequireIfMatch(), cancellation);
        return Reply.NoContent();
    }

    [Function("RenderTemplate")]
    [RequireRole(Role.Viewer, Reads = true)]
    [Describe("See what a customer would get", "Renders a stored template, or a content that is not saved, for a customer or a made-up one; says which fields are empty, and how many SMS parts it takes.")]
    [Body(typeof(RenderInput)), Answers(200, typeof(RenderView)), Problems(404, 413, 415)]
    public async Task<IResult> Render(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/templates/render")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await render.HandleAsync(await request.ReadAsync<RenderInput>(cancellation), cancellation));

    private static IResult Answer(Versioned<Template> template) => Reply.Ok(TemplateView.Of(template.Value), template.ETag);
}
