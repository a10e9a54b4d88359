namespace XenoCrm.Customers;

/// <summary>
/// Says which segments a customer is in. Customers owns the interface and Segments implements it, because every write
/// of a customer stores the answer in the same item, and Customers must not depend on it.
/// </summary>
public interface ISegmentTagger
{
    /// <summary>Makes sure the rules in memory are recent; at most one query every few seconds. Call once before a run of writes.</summary>
    ValueTask RefreshAsync(CancellationToken cancellation);

    /// <summary>The ids of the segments that the customer satisfies, sorted. Pure, in memory, microseconds.</summary>
    IReadOnlyList<string> SegmentsOf(Customer customer);

    /// <summary>The segment's name as of the last refresh; null when it is unknown: deleted, or too new.</summary>
    string? NameOf(string segmentId);
}
