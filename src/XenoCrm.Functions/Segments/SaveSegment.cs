using System.Text.Json;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Creates and changes segments. The tags follow in the background; the answer says <see cref="SegmentState.Building"/> until then.</summary>
public sealed class SaveSegment(
    WorkspaceStore<Segment> segments, WorkspaceStore<SegmentBuild> builds, SegmentDirectory directory,
    RuleParser parser, SegmentTagger tagger, SegmentRebuild rebuild, Ids ids, TimeProvider clock)
{
    public async Task<(SegmentView View, string ETag)> CreateAsync(SegmentInput input, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var segment = new Segment
        {
            Id = ids.New(),
            Name = input.Name!.Trim(),
            Description = Text(input.Description),
            Rule = input.Rule!.Value,
            Version = 1,
            CreatedAt = now,
            UpdatedAt = now,
        };
        await CheckAsync(segment.Id, segment.Rule, cancellation);
        var etag = await segments.TryCreateAsync(segment, cancellation) ?? throw new InvalidOperationException("A new id exists already.");
        tagger.Invalidate();
        await rebuild.EnqueueAsync(segment, cancellation);
        return (SegmentView.Of(segment, null), etag);
    }

    /// <param name="ifMatch">The ETag the caller has seen, or <c>*</c>.</param>
    public async Task<(SegmentView View, string ETag)> ReplaceAsync(string id, SegmentInput input, string ifMatch, CancellationToken cancellation)
    {
        var current = await directory.RequireAsync(id, cancellation);
        var rule = input.Rule!.Value;
        await CheckAsync(id, rule, cancellation);

        // A new name leaves every tag as it is.
        var changed = !JsonElement.DeepEquals(rule, current.Value.Rule);
        var segment = current.Value with
        {
            Name = input.Name!.Trim(),
            Description = Text(input.Description),
            Rule = rule,
            Version = current.Value.Version + (changed ? 1 : 0),
            UpdatedAt = clock.GetUtcNow(),
        };
        var etag = await segments.ReplaceAsync(segment, ifMatch == "*" ? current.ETag : ifMatch, cancellation);
        if (changed)
        {
            tagger.Invalidate();
            await rebuild.EnqueueAsync(segment, cancellation);
        }

        return (SegmentView.Of(segment, (await builds.ReadAsync(id, cancellation))?.Value), etag);
    }

    /// <summary>The rule can be read, the segments it asks about exist, and none of them depends on this one.</summary>
    private async Task CheckAsync(string id, JsonElement json, CancellationToken cancellation)
    {
        var rule = parser.Parse(json);
        if (rule.Segments.Count == 0)
        {
            return;
        }

        var all = (await directory.AllAsync(cancellation)).ToDictionary(s => s.Id);
        var missing = rule.Segments.Where(s => s != id && !all.ContainsKey(s)).ToList();
        if (missing.Count > 0)
        {
            throw new RuleInvalid(new Dictionary<string, string[]> { ["/rule"] = [.. missing.Select(m => $"There is no segment {m}.")] }).ToException();
        }

        var open = new Stack<string>(rule.Segments);
        var seen = new HashSet<string>();
        while (open.TryPop(out var other))
        {
            if (other == id)
            {
                throw new SegmentCycle(id).ToException();
            }

            if (seen.Add(other) && all.TryGetValue(other, out var segment))
            {
                foreach (var next in parser.Parse(segment.Rule).Segments)
                {
                    open.Push(next);
                }
            }
        }
    }

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
