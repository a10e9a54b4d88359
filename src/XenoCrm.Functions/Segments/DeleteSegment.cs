using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Deletes a segment for everyone at once; its tags go in the background, then the rest of it.</summary>
public sealed class DeleteSegment(
    WorkspaceStore<Segment> segments, SegmentDirectory directory, RuleParser parser, SegmentTagger tagger, SegmentRebuild rebuild, TimeProvider clock)
{
    /// <param name="ifMatch">The ETag the caller has seen, or <c>*</c>.</param>
    public async Task HandleAsync(string id, string ifMatch, CancellationToken cancellation)
    {
        var current = await directory.RequireAsync(id, cancellation);
        if ((await directory.AllAsync(cancellation)).FirstOrDefault(s => s.Id != id && parser.Parse(s.Rule).Segments.Contains(id)) is { } user)
        {
            throw new SegmentInUse(user.Id).ToException();
        }

        var deleted = current.Value with { Deleted = true, Version = current.Value.Version + 1, UpdatedAt = clock.GetUtcNow() };
        await segments.ReplaceAsync(deleted, ifMatch == "*" ? current.ETag : ifMatch, cancellation);
        tagger.Invalidate();
        await rebuild.EnqueueAsync(deleted, cancellation);
    }
}
