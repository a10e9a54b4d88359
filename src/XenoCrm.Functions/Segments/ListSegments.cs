using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Segments;

/// <summary>Segments and their members.</summary>
public sealed class ListSegments(
    WorkspaceStore<Segment> segments, WorkspaceStore<SegmentBuild> builds, SegmentDirectory directory,
    CustomerStore customers, Cursors cursors, IOptions<WorkspaceOptions> workspace)
{
    public const string Cursor = "segments";

    public static string MembersCursor(string id) => $"segments/{id}/members";

    public async Task<Page<SegmentView>> PageAsync(PageRequest page, CancellationToken cancellation)
    {
        // Those on their way out leave a page shorter than asked for.
        var found = page.Of(await segments.PageAsync(page.Position, page.Limit + 1, cancellation), cursors, Cursor, s => s.Value, s => s.Value.Id);
        var shown = found.Items.Where(s => !s.Deleted).ToList();
        var built = await Task.WhenAll(shown.Select(s => builds.ReadAsync(s.Id, cancellation)));
        return new([.. shown.Zip(built, (segment, build) => SegmentView.Of(segment, build?.Value))], found.Next);
    }

    public async Task<(SegmentView View, string ETag)> ReadAsync(string id, CancellationToken cancellation)
    {
        var (segment, etag) = await directory.RequireAsync(id, cancellation);
        return (SegmentView.Of(segment, (await builds.ReadAsync(id, cancellation))?.Value), etag);
    }

    /// <summary>By tag, in the order of the customers' ids: who joins or leaves meanwhile moves nobody else.</summary>
    public async Task<Page<SegmentMember>> MembersAsync(string id, PageRequest page, CancellationToken cancellation)
    {
        await directory.RequireAsync(id, cancellation);
        var found = await customers.PageAsync(CompiledRule.ToFilterTagged(id), page.Position, page.Limit + 1, cancellation);
        return page.Of(found, cursors, MembersCursor(id), m => SegmentMember.Of(m.Value, workspace.Value.Currency), m => m.Value.Id);
    }
}
