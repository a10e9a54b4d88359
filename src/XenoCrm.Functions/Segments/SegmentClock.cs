using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>
/// Finds out when time alone will next bring a customer into or out of a segment, by asking for the first stored time that is
/// yet to pass an edge of a window: two queries for one row each per comparison with the clock, whatever the number of
/// customers. Only customers for whom the comparison decides are asked for. With several such comparisons in one rule the
/// answer may be early, never late; then a rebuild finds nothing to do.
/// </summary>
public sealed class SegmentClock(CustomerTags customers)
{
    /// <param name="since">What has passed up to this moment is done.</param>
    /// <returns>Null when nothing will change while no customer does.</returns>
    public async Task<DateTimeOffset?> NextChangeAsync(CompiledRule rule, DateTimeOffset since, CancellationToken cancellation)
    {
        var from = new Moment(since);
        DateTime? next = null;
        foreach (var test in rule.ClockTests)
        {
            foreach (var future in test.Operator == RuleOperator.AnniversaryWithin ? [false] : new[] { false, true })
            {
                if (await PassesAsync(rule, test, from, future, cancellation) is { } at && (next is null || at < next))
                {
                    next = at;
                }
            }
        }

        return next is { } found ? new DateTimeOffset(found, TimeSpan.Zero) : null;
    }

    private async Task<DateTime?> PassesAsync(CompiledRule rule, TimeTest test, Moment from, bool future, CancellationToken cancellation)
    {
        if (test.Operator == RuleOperator.AnniversaryWithin)
        {
            return await customers.AnyAsync(rule.ToFilterOpen(from), cancellation) ? from.Today.AddDays(1) : null;
        }

        var first = await customers.LowestAsync(rule.ToFilterNext(test, from, future), test.Field.Path, cancellation);
        return first is not null && Stamp.TryRead(first, out var stamp) ? test.PassesAt(stamp, from, future) : null;
    }
}
