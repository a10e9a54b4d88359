using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Segments;

public sealed class SegmentFunctions(ListSegments list, SaveSegment save, DeleteSegment delete, Cursors cursors)
{
    [Function("ListSegments")]
    [RequireRole(Role.Viewer)]
    [Describe("List segments, newest first"), Paged, Answers(200, typeof(Page<SegmentView>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await list.PageAsync(PageRequest.From(request, cursors, ListSegments.Cursor), cancellation));

    [Function("CreateSegment")]
    [RequireRole(Role.Marketer)]
    [Describe("Create a segment"), Body(typeof(SegmentInput)), Answers(201, typeof(SegmentView)), Problems(409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/segments")] HttpRequest request, CancellationToken cancellation)
    {
        var (view, etag) = await save.CreateAsync(await request.ReadAsync<SegmentInput>(cancellation), cancellation);
        return Reply.Created($"/api/segments/{view.Id}", view, etag);
    }

    [Function("GetSegment")]
    [RequireRole(Role.Viewer)]
    [Describe("Read a segment"), Answers(200, typeof(SegmentView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var (view, etag) = await list.ReadAsync(id, cancellation);
        return Reply.Ok(view, etag);
    }

    [Function("ReplaceSegment")]
    [RequireRole(Role.Marketer)]
    [Describe("Change a segment"), Body(typeof(SegmentInput)), Answers(200, typeof(SegmentView)), Problems(404, 409, 412, 413, 415, 428)]
    public async Task<IResult> Replace(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "api/segments/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var ifMatch = request.RequireIfMatch();
        var (view, etag) = await save.ReplaceAsync(id, await request.ReadAsync<SegmentInput>(cancellation), ifMatch, cancellation);
        return Reply.Ok(view, etag);
    }

    [Function("DeleteSegment")]
    [RequireRole(Role.Marketer)]
    [Describe("Delete a segment", "It is gone at once; the customers' tags follow in the background."), Answers(204), Problems(404, 409, 412, 428)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/segments/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await delete.HandleAsync(id, request.RequireIfMatch(), cancellation);
        return Reply.NoContent();
    }

    [Function("ListSegmentMembers")]
    [RequireRole(Role.Viewer)]
    [Describe("List the members of a segment"), Paged, Answers(200, typeof(Page<SegmentMember>)), Problems(404)]
    public async Task<IResult> Members(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/{id}/members")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await list.MembersAsync(id, PageRequest.From(request, cursors, ListSegments.MembersCursor(id)), cancellation));
}
