using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Segments for other features and for this one's handlers. Deleted ones are not there.</summary>
public sealed class SegmentDirectory(WorkspaceStore<Segment> segments)
{
    public async Task<Segment?> ReadAsync(string id, CancellationToken cancellation) =>
        await segments.ReadAsync(id, cancellation) is { Value: { Deleted: false } segment } ? segment : null;

    /// <exception cref="Platform.Errors.ProblemException"><see cref="SegmentNotFound"/></exception>
    public async Task<Versioned<Segment>> RequireAsync(string id, CancellationToken cancellation) =>
        await segments.ReadAsync(id, cancellation) is { Value.Deleted: false } segment ? segment : throw new SegmentNotFound(id).ToException();

    public async Task<IReadOnlyList<Segment>> AllAsync(CancellationToken cancellation)
    {
        var all = new List<Segment>();
        await foreach (var (segment, _) in segments.AllAsync(cancellation))
        {
            if (!segment.Deleted)
            {
                all.Add(segment);
            }
        }

        return all;
    }
}

/// <summary>Who a campaign goes to: the customers that satisfy the rule itself, whatever the tags say while they are being rebuilt.</summary>
public sealed class SegmentAudience(SegmentDirectory directory, RuleParser parser)
{
    /// <param name="at">
    /// The instant that clock-dependent rules are evaluated at. A planner that pages over the audience passes the same one for
    /// each page, so that the audience does not move while it is read.
    /// </param>
    /// <exception cref="Platform.Errors.ProblemException"><see cref="SegmentNotFound"/></exception>
    public async Task<CustomerFilter> FilterAsync(string segmentId, DateTimeOffset at, CancellationToken cancellation)
    {
        await parser.RefreshAsync(cancellation);
        return Filter((await directory.RequireAsync(segmentId, cancellation)).Value, at);
    }

    /// <summary>As <see cref="FilterAsync"/>, for a segment that was read before: an audience frozen at launch keeps the rule of then.</summary>
    public CustomerFilter Filter(Segment segment, DateTimeOffset at) => parser.Parse(segment.Rule).ToFilter(new Moment(at));
}
