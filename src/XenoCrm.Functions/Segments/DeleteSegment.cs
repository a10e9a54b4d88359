using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Deletes a segment for everyone at once, unless it is needed; its tags go in the background, then the rest of it.</summary>
public sealed class DeleteSegment(
    WorkspaceStore<Segment> segments, SegmentDirectory directory, SegmentLinks links, SegmentTagger tagger, SegmentRebuild rebuild, TimeProvider clock)
{
    /// <param name="ifMatch">The ETag the caller has seen, or <c>*</c>.</param>
    public async Task HandleAsync(string id, string ifMatch, CancellationToken cancellation)
    {
        var current = await directory.RequireAsync(id, cancellation);
        var deleted = current.Value with { Deleted = true, Version = current.Value.Version + 1, UpdatedAt = clock.GetUtcNow() };
        await links.DeleteAsync(id, () => segments.ReplaceAsync(deleted, ifMatch == "*" ? current.ETag : ifMatch, cancellation), cancellation);
        tagger.Invalidate();
        await rebuild.EnqueueAsync(deleted, cancellation);
    }
}
