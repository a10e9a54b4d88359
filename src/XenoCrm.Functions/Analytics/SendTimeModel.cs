using XenoCrm.Delivery;

namespace XenoCrm.Analytics;

public enum SendTimeEvidence
{
    /// <summary>Their answers come at that time more often than is to be expected, and not by chance.</summary>
    Found,

    /// <summary>There are enough answers, and no time stands out.</summary>
    NoPreference,
    NotEnoughData,
}

/// <summary>A share of the answers, and where it lies at 95 %.</summary>
/// <param name="Value">The mean of what is to be believed, drawn towards what is expected the more, the fewer answers there are.</param>
/// <param name="Expected">Of somebody of whom nothing is known.</param>
public sealed record AnswerShare(double Value, double Low, double High, double Expected);

/// <summary>Answers by the clocks of those who gave them.</summary>
/// <param name="Hours">24, from midnight.</param>
/// <param name="Days">7, from Monday.</param>
/// <param name="Messages">That were answered: each is counted once, when it was clicked first, else when it was opened.</param>
/// <param name="Customers">Who gave them.</param>
/// <param name="IsPart">There are more customers than were looked at.</param>
public sealed record AnswerTimes(IReadOnlyList<int> Hours, IReadOnlyList<int> Days, int Messages, int Customers, bool IsPart)
{
    public static AnswerTimes Of(EngagementTimesView times)
    {
        var (hours, days) = (new int[24], new int[7]);
        foreach (var hour in times.Hours)
        {
            hours[hour.Hour] += hour.Messages;
            days[hour.Day - 1] += hour.Messages;
        }

        return new(hours, days, hours.Sum(), times.Customers, times.IsPart);
    }
}

/// <param name="At">The hour, or the day from 0; null unless found.</param>
/// <param name="Share">Of the answers around it; null without any answer.</param>
/// <param name="Shares">Of each hour or day, drawn towards the expected ones.</param>
public sealed record Peak(SendTimeEvidence Evidence, int? At, AnswerShare? Share, IReadOnlyList<double> Shares);

/// <summary>
/// When somebody answers, from few answers. What is known of everybody counts as so many answers of their own (the strength;
/// a Dirichlet prior), so that one open at three in the morning makes no night owl. A time is found when the share of the answers
/// around it (for hours: it and its neighbours) is above the expected one by a tenth at least, at a level that holds for all
/// times together: of people who answer at any time, fewer than one in twenty is found to have one.
/// </summary>
/// <remarks>
/// When people answer also follows from when they were written to. Whoever always sends at ten finds that people answer at ten:
/// <c>bestTime</c> for a part of the campaigns, or different hours, tells more.
/// </remarks>
public static class SendTimeModel
{
    /// <summary>What is known of everybody counts as so many answers of a customer's own; they have ten messages at most.</summary>
    public const double CustomerStrength = 5;

    /// <summary>… of a segment.</summary>
    public const double SegmentStrength = 50;

    /// <summary>… of everybody: what is known of nobody, all times alike.</summary>
    public const double PopulationStrength = 24;

    public const int CustomerMinimum = 4;
    public const int SegmentMinimum = 30;
    public const int PopulationMinimum = 100;

    private const double Error = 0.05;
    private const double Margin = 1.1;

    /// <summary>An hour and its neighbours: who opens at nine one day opens at ten another.</summary>
    private const int HourWindow = 3;

    private static readonly double[] AnyHour = [.. Enumerable.Repeat(1 / 24.0, 24)];
    private static readonly double[] AnyDay = [.. Enumerable.Repeat(1 / 7.0, 7)];

    public static (Peak Hour, Peak Day) OfEverybody(AnswerTimes times) => (
        Find(times.Hours, AnyHour, PopulationStrength, HourWindow, PopulationMinimum),
        Find(times.Days, AnyDay, PopulationStrength, 1, PopulationMinimum));

    public static (Peak Hour, Peak Day) Of(AnswerTimes times, (Peak Hour, Peak Day) everybody, double strength, int minimum) => (
        Find(times.Hours, everybody.Hour.Shares, strength, HourWindow, minimum),
        Find(times.Days, everybody.Day.Shares, strength, 1, minimum));

    /// <summary>A customer's own hour, else everybody's; null: neither is known. For each recipient of a campaign: without what only people read.</summary>
    public static int? BestHour(AnswerTimes customer, Peak everybody)
    {
        if (customer.Messages < CustomerMinimum)
        {
            return everybody.At;
        }

        var belief = Believe(customer.Hours, everybody.Shares, CustomerStrength, HourWindow);
        return belief.StandsOut ? belief.At : everybody.At;
    }

    /// <param name="expected">The shares of those of whom more is known; they sum up to 1.</param>
    /// <param name="window">How many neighbouring times count as one; odd.</param>
    private static Peak Find(IReadOnlyList<int> counts, IReadOnlyList<double> expected, double strength, int window, int minimum)
    {
        var belief = Believe(counts, expected, strength, window);
        var all = counts.Sum();
        if (all == 0)
        {
            return new(SendTimeEvidence.NotEnoughData, null, null, belief.Shares);
        }

        var (a, b) = (belief.A, belief.B);
        var estimate = new AnswerShare(Round(a / (a + b)), Round(BetaDistribution.Quantile(0.025, a, b)), Round(BetaDistribution.Quantile(0.975, a, b)), Round(belief.Expected));
        var evidence = all < minimum ? SendTimeEvidence.NotEnoughData : belief.StandsOut ? SendTimeEvidence.Found : SendTimeEvidence.NoPreference;
        return new(evidence, evidence == SendTimeEvidence.Found ? belief.At : null, estimate, belief.Shares);
    }

    /// <summary>What is believed of the time that stands out most: the share of the answers around it is Beta(a, b).</summary>
    private readonly record struct Belief(int At, double A, double B, double Expected, int Places, double[] Shares)
    {
        public bool StandsOut => BetaDistribution.Cdf(Margin * Expected, A, B) <= Error / Places;
    }

    private static Belief Believe(IReadOnlyList<int> counts, IReadOnlyList<double> expected, double strength, int window)
    {
        var all = counts.Sum();
        var shares = new double[counts.Count];
        for (var i = 0; i < shares.Length; i++)
        {
            shares[i] = (counts[i] + (strength * expected[i])) / (all + strength);
        }

        // The middle counts twice: of three windows that hold the same answers it is the one around them.
        var (best, highest) = (0, -1.0);
        for (var i = 0; i < shares.Length; i++)
        {
            var weight = Around(shares, i, window) + (window > 1 ? shares[i] : 0);
            (best, highest) = weight > highest ? (i, weight) : (best, highest);
        }

        var share = Around(expected, best, window);

        // Of the whole belief, that part is around it; the rest elsewhere.
        var (a, whole) = (Around(shares, best, window) * (all + strength), all + strength);
        return new(best, a, whole - a, share, (counts.Count + window - 1) / window, shares);
    }

    private static double Around(IReadOnlyList<double> values, int at, int window)
    {
        var sum = 0.0;
        for (var i = at - (window / 2); i <= at + (window / 2); i++)
        {
            sum += values[(i + values.Count) % values.Count];
        }

        return sum;
    }

    private static double Round(double x) => Math.Round(x, 6);
}
