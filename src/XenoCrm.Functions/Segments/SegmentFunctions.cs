using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

public sealed class SegmentFunctions(ListSegments list, SaveSegment save, DeleteSegment delete, ExportMembers export, SegmentGrowth growth, Cursors cursors)
{
    [Function("ListSegments")]
    [RequireRole(Role.Viewer)]
    [Describe("List segments, newest first"), Paged, Answers(200, typeof(Page<SegmentView>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await list.PageAsync(PageRequest.From(request, cursors, ListSegments.Cursor), cancellation));

    [Function("CreateSegment")]
    [RequireRole(Role.Marketer), Idempotent]
    [Describe("Create a segment"), Body(typeof(SegmentInput)), Answers(201, typeof(SegmentView)), Problems(409, 413, 415)]
    public async Task<IResult> Create(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/segments")] HttpRequest request, CancellationToken cancellation)
    {
        var (view, etag) = await save.CreateAsync(await request.ReadAsync<SegmentInput>(cancellation, Json.StrictTree), cancellation, request.EffectId());
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
        var (view, etag) = await save.ReplaceAsync(id, await request.ReadAsync<SegmentInput>(cancellation, Json.StrictTree), ifMatch, cancellation);
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
    [Describe("List the members of a segment", "As CSV: all of them, in the order of the customers' ids.")]
    [Paged, Query("format", typeof(string), "csv for CSV, as with Accept: text/csv."), Answers(200, typeof(Page<SegmentMember>)), Answers(200, typeof(string), ContentType = "text/csv"), Problems(404)]
    public async Task<IResult> Members(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/{id}/members")] HttpRequest request, string id, CancellationToken cancellation) =>
        request.WantsCsv()
            ? await export.HandleAsync(id, cancellation)
            : Reply.Ok(await list.MembersAsync(id, PageRequest.From(request, cursors, ListSegments.MembersCursor(id)), cancellation));

    [Function("GetSegmentGrowth")]
    [RequireRole(Role.Viewer)]
    [Describe("Show how many members a segment had on each day", "The last count of each day (UTC). Without from: the last 30 days.")]
    [Query("from", typeof(DateOnly), "The first day."), Query("to", typeof(DateOnly), "The last day; today when absent.")]
    [Answers(200, typeof(GrowthResponse)), Problems(404)]
    public async Task<IResult> Growth(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/segments/{id}/growth")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await growth.ReadAsync(id, Day(request, "from"), Day(request, "to"), cancellation));

    private static DateOnly? Day(HttpRequest request, string name)
    {
        if (request.Query[name].ToString() is not { Length: > 0 } text)
        {
            return null;
        }

        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw RequestInvalid.At("/" + name, "A date is expected, such as 2026-01-31.").ToException();
    }
}
