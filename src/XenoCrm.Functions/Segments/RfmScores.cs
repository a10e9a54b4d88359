using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>
/// Where the quintiles of one dimension end. The k-th bound is the value at rank ⌈k·n/5⌉ of all values in ascending order, and
/// a value scores one more than the number of bounds below it. Equal values therefore always score the same, whichever
/// fifth their neighbours fall into: with two thirds of all customers at one order, one order scores 1.
/// </summary>
public sealed record RfmBounds(long B1, long B2, long B3, long B4)
{
    public int Score(long value) => 1 + (value > B1 ? 1 : 0) + (value > B2 ? 1 : 0) + (value > B3 ? 1 : 0) + (value > B4 ? 1 : 0);

    /// <summary>The 1-based rank of bound <paramref name="k"/> (1 to 4) among <paramref name="count"/> values.</summary>
    public static long Rank(int k, long count) => ((k * count) + 4) / 5;
}

/// <summary>Scores and names. Recency counts in whole days (UTC): orders of one day are equally recent.</summary>
/// <param name="Recency">Days of the last order since 0001-01-01: later is better, so more.</param>
/// <param name="Frequency">Number of orders.</param>
/// <param name="Monetary">Total spend in minor units.</param>
public sealed record RfmScores(RfmBounds Recency, RfmBounds Frequency, RfmBounds Monetary)
{
    public static readonly IReadOnlyList<string> Names =
    [
        "Champions", "Loyal Customers", "Potential Loyalists", "New Customers", "Promising", "Need Attention",
        "About To Sleep", "At Risk", "Can't Lose Them", "Hibernating", "Lost",
    ];

    // By recency (5 first) and by the mean of frequency and monetary value, halves up (1 first).
    private static readonly string[][] Table =
    [
        ["New Customers", "Potential Loyalists", "Potential Loyalists", "Champions", "Champions"],
        ["Promising", "Potential Loyalists", "Potential Loyalists", "Loyal Customers", "Loyal Customers"],
        ["About To Sleep", "About To Sleep", "Need Attention", "Loyal Customers", "Loyal Customers"],
        ["Hibernating", "Hibernating", "At Risk", "At Risk", "Can't Lose Them"],
        ["Lost", "Hibernating", "At Risk", "At Risk", "Can't Lose Them"],
    ];

    public static string NameOf(int recency, int frequency, int monetary) => Table[5 - recency][((frequency + monetary + 1) / 2) - 1];

    public static int DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime).DayNumber;

    /// <summary>Null without orders; <paramref name="old"/> itself when the scores are those already.</summary>
    public Rfm? Of(int orderCount, long totalSpend, DateTimeOffset? lastOrderAt, Rfm? old, DateTimeOffset at)
    {
        if (orderCount <= 0 || lastOrderAt is not { } last)
        {
            return null;
        }

        var (r, f, m) = (Recency.Score(DayOf(last)), Frequency.Score(orderCount), Monetary.Score(totalSpend));
        var name = NameOf(r, f, m);
        return old is not null && (old.Recency, old.Frequency, old.Monetary, old.Segment) == (r, f, m, name) ? old : new(r, f, m, name, at);
    }
}
