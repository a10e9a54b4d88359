using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>
/// Finds exact quintiles in one pass over all customers with orders. Days and order counts are counted value by value. Amounts
/// differ too much for that: they are counted by their leading 13 bits, and only the four groups that hold a bound are
/// read again. So memory stays at some megabytes for any number of customers (at most 4,096 groups per power of two).
/// </summary>
public sealed class RfmMeasure(CustomerTags customers)
{
    public const int PageSize = 2000;
    private const int LeadingBits = 13;

    /// <returns>Null when no customer has orders.</returns>
    /// <param name="seen">Called after each page.</param>
    public async Task<(RfmScores Scores, long Customers)?> MeasureAsync(Func<Task> seen, CancellationToken cancellation)
    {
        var days = new Dictionary<long, long>();
        var counts = new Dictionary<long, long>();
        var spends = new Dictionary<long, long>();
        var total = 0L;
        string? after = null;
        while (true)
        {
            var page = await customers.PageScoredAsync(after, PageSize, cancellation);
            foreach (var (customer, _) in page)
            {
                if (customer is { OrderCount: > 0, LastOrderAt: { } last })
                {
                    total++;
                    Count(days, RfmScores.DayOf(last));
                    Count(counts, customer.OrderCount);
                    Count(spends, GroupOf(customer.TotalSpend));
                }
            }

            if (page.Count < PageSize)
            {
                break;
            }

            after = page[^1].Value.Id;
            await seen();
        }

        if (total == 0)
        {
            return null;
        }

        var spend = Bounds(spends, total);
        var exact = new long[4];
        for (var i = 0; i < 4; i++)
        {
            exact[i] = await RefineAsync(spend[i].Value, spend[i].Rank, cancellation);
        }

        return (new RfmScores(Of(Bounds(days, total)), Of(Bounds(counts, total)), new(exact[0], exact[1], exact[2], exact[3])), total);
    }

    /// <summary>The lowest amount of the group: the amount with all bits after the leading ones cleared.</summary>
    public static long GroupOf(long spend) => spend & -WidthOf(spend);

    /// <summary>How many amounts are in the amount's group; 1 up to 8,191 minor units.</summary>
    public static long WidthOf(long spend) => 1L << Math.Max(0, 64 - (int)long.LeadingZeroCount(spend < 0 ? ~spend : spend) - LeadingBits);

    private static RfmBounds Of((long Value, long Rank)[] bounds) => new(bounds[0].Value, bounds[1].Value, bounds[2].Value, bounds[3].Value);

    private static void Count(Dictionary<long, long> histogram, long value) =>
        System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(histogram, value, out _)++;

    /// <summary>The four bounds, and the rank that each has within its value.</summary>
    private static (long Value, long Rank)[] Bounds(Dictionary<long, long> histogram, long total)
    {
        var bounds = new (long, long)[4];
        var found = 0;
        var below = 0L;
        foreach (var (value, count) in histogram.OrderBy(p => p.Key))
        {
            while (found < 4 && RfmBounds.Rank(found + 1, total) <= below + count)
            {
                bounds[found] = (value, RfmBounds.Rank(found + 1, total) - below);
                found++;
            }

            below += count;
        }

        return bounds;
    }

    private async Task<long> RefineAsync(long group, long rank, CancellationToken cancellation)
    {
        var width = WidthOf(group);
        if (width == 1)
        {
            return group;
        }

        var values = new Dictionary<long, long>();
        await foreach (var spend in customers.SpendsAsync(group, group + width, cancellation))
        {
            Count(values, spend);
        }

        var below = 0L;
        var value = group;
        foreach (var (next, count) in values.OrderBy(p => p.Key))
        {
            value = next;
            if ((below += count) >= rank)
            {
                break;
            }
        }

        return value;
    }
}
