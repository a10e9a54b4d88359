using System.Text.Json;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Creates and changes segments. The tags follow in the background; the answer says <see cref="SegmentState.Building"/> until then.</summary>
public sealed class SaveSegment(
    WorkspaceStore<Segment> segments, WorkspaceStore<SegmentBuild> builds, SegmentDirectory directory, SegmentLinks links,
    RuleParser parser, SegmentTagger tagger, SegmentRebuild rebuild, Ids ids, TimeProvider clock)
{
    public async Task<(SegmentView View, string ETag)> CreateAsync(SegmentInput input, CancellationToken cancellation, string? requestId = null)
    {
        var now = clock.GetUtcNow();
        var segment = new Segment
        {
            Id = requestId ?? ids.New(),
            Name = input.Name!.Trim(),
            Description = Text(input.Description),
            Rule = input.Rule!.Value,
            Version = 1,
            CreatedAt = now,
            UpdatedAt = now,
        };
        await parser.RefreshAsync(cancellation);
        var uses = parser.Parse(segment.Rule, isNew: true).Segments;
        var etag = await links.SaveAsync(
            segment.Id, uses, async () => (await segments.CreateOnceAsync(segment, cancellation)).ETag, cancellation);
        tagger.Invalidate();
        await rebuild.EnqueueAsync(segment, cancellation);
        return (SegmentView.Of(segment, null), etag);
    }

    /// <param name="ifMatch">The ETag the caller has seen, or <c>*</c>.</param>
    public async Task<(SegmentView View, string ETag)> ReplaceAsync(string id, SegmentInput input, string ifMatch, CancellationToken cancellation)
    {
        var current = await directory.RequireAsync(id, cancellation);
        var rule = input.Rule!.Value;
        await parser.RefreshAsync(cancellation);

        // A new name leaves every tag as it is.
        var changed = !JsonElement.DeepEquals(rule, current.Value.Rule);
        var uses = parser.Parse(rule, isNew: changed).Segments;
        var segment = current.Value with
        {
            Name = input.Name!.Trim(),
            Description = Text(input.Description),
            Rule = rule,
            Version = current.Value.Version + (changed ? 1 : 0),
            UpdatedAt = clock.GetUtcNow(),
        };
        var etag = await links.SaveAsync(
            id, changed ? uses : [], () => segments.ReplaceAsync(segment, ifMatch == "*" ? current.ETag : ifMatch, cancellation), cancellation);
        if (changed)
        {
            tagger.Invalidate();
            await rebuild.EnqueueAsync(segment, cancellation);
        }

        return (SegmentView.Of(segment, (await builds.ReadAsync(id, cancellation))?.Value), etag);
    }

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
