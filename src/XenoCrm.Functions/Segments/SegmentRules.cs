using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>One segment's rule in memory; null when it cannot be read any more.</summary>
public sealed record ActiveRule(string SegmentId, int Version, CompiledRule? Rule, string? Name = null);

/// <summary>All active rules at one time. Immutable.</summary>
public sealed class SegmentRules
{
    private readonly ActiveRule[] rules;
    private readonly int[] order;
    private readonly int independent;

    /// <param name="readAt">Timestamp (<see cref="TimeProvider.GetTimestamp"/>) before the rules were read.</param>
    public SegmentRules(IEnumerable<ActiveRule> active, long readAt)
    {
        rules = [.. active.OrderBy(r => r.SegmentId, StringComparer.Ordinal)];
        ReadAt = readAt;
        (order, independent) = Order(rules);
    }

    public long ReadAt { get; }

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<ActiveRule> Active => rules;

    /// <summary>Some rule's answer depends on other rules' answers.</summary>
    public bool AnyAsksAboutSegments => independent < rules.Length;

    public ActiveRule? Find(string segmentId) => Array.Find(rules, r => r.SegmentId == segmentId);

    /// <summary>
    /// The ids of the segments whose rule the customer satisfies, sorted; the customer's own list when it is that already.
    /// A segment whose rule cannot be read stays what it was for this customer.
    /// </summary>
    public IReadOnlyList<string> SegmentsOf(Customer customer, in Moment moment)
    {
        Span<bool> member = rules.Length <= 512 ? stackalloc bool[rules.Length] : new bool[rules.Length];
        var count = 0;
        for (var i = 0; i < independent; i++)
        {
            var at = order[i];
            if (member[at] = rules[at].Rule?.Matches(customer, moment) ?? customer.SegmentIds.Contains(rules[at].SegmentId))
            {
                count++;
            }
        }

        if (independent < rules.Length)
        {
            count += Dependent(customer, moment, member);
        }

        return Result(customer.SegmentIds, member, count);
    }

    /// <summary>Rules that ask about segments see this evaluation's answers, not those stored by an earlier one.</summary>
    private int Dependent(Customer customer, in Moment moment, Span<bool> member)
    {
        var ids = new List<string>(rules.Length);
        for (var i = 0; i < rules.Length; i++)
        {
            if (member[i])
            {
                ids.Add(rules[i].SegmentId);
            }
        }

        var before = ids.Count;
        var seen = customer with { SegmentIds = ids };
        for (var i = independent; i < order.Length; i++)
        {
            var at = order[i];
            if (member[at] = rules[at].Rule!.Matches(seen, moment))
            {
                ids.Add(rules[at].SegmentId);
            }
        }

        return ids.Count - before;
    }

    private IReadOnlyList<string> Result(IReadOnlyList<string> current, ReadOnlySpan<bool> member, int count)
    {
        if (count == 0)
        {
            return current.Count == 0 ? current : [];
        }

        var same = current.Count == count;
        var found = 0;
        for (var i = 0; same && i < member.Length; i++)
        {
            same = !member[i] || current[found++] == rules[i].SegmentId;
        }

        if (same)
        {
            return current;
        }

        var ids = new string[count];
        found = 0;
        for (var i = 0; i < member.Length; i++)
        {
            if (member[i])
            {
                ids[found++] = rules[i].SegmentId;
            }
        }

        return ids;
    }

    /// <summary>
    /// Rules that ask about no segment first, then each after those it asks about. A circle, which two saves at the same moment
    /// can still make, is cut where it is met.
    /// </summary>
    private static (int[] Order, int Independent) Order(ActiveRule[] rules)
    {
        var index = new Dictionary<string, int>(rules.Length);
        for (var i = 0; i < rules.Length; i++)
        {
            index.Add(rules[i].SegmentId, i);
        }

        var sorted = new List<int>(rules.Length);
        var visited = new bool[rules.Length];
        for (var i = 0; i < rules.Length; i++)
        {
            if (rules[i].Rule is not { Segments.Count: > 0 })
            {
                visited[i] = true;
                sorted.Add(i);
            }
        }

        var free = sorted.Count;
        for (var i = 0; i < rules.Length; i++)
        {
            Visit(i);
        }

        return ([.. sorted], free);

        void Visit(int at)
        {
            if (visited[at])
            {
                return;
            }

            visited[at] = true;
            foreach (var id in rules[at].Rule!.Segments)
            {
                if (index.TryGetValue(id, out var other))
                {
                    Visit(other);
                }
            }

            sorted.Add(at);
        }
    }
}
