namespace XenoCrm.Segments;

/// <summary>Who needs a segment to be there.</summary>
/// <param name="Kind"><c>segment</c>, <c>campaign</c>.</param>
public sealed record SegmentUse(string Kind, string Id, string Name);

/// <summary>
/// Answers for a feature that refers to segments. Segments owns the interface and those features implement it, because
/// deleting a segment asks all of them and must not depend on any.
/// </summary>
public interface ISegmentUser
{
    Task<IReadOnlyList<SegmentUse>> UsesOfAsync(string segmentId, CancellationToken cancellation);
}
