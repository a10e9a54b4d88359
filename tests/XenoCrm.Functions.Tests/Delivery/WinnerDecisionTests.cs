using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using static XenoCrm.Delivery.WinnerDecision;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class WinnerDecisionTests
{
    private static readonly DateTimeOffset Launch = Samples.Noon;

    /// <summary>The examples of Newcombe, Statistics in Medicine 17 (1998), 857–872 and 873–890, method 3 there and method 10 here.</summary>
    [Fact]
    public void Intervals_are_the_published_ones()
    {
        var z = Proportions.Quantile(0.05);
        z.ShouldBe(1.959964, 1e-6);
        Proportions.Quantile(0.01).ShouldBe(2.575829, 1e-6);
        Proportions.Quantile(0.0005).ShouldBe(3.480756, 1e-6);
        Proportions.Quantile(0.5).ShouldBe(0.674490, 1e-6);

        Near(Proportions.Wilson(81, 263, z), 0.2553, 0.3662);
        Near(Proportions.Wilson(15, 148, z), 0.0624, 0.1605);
        Near(Proportions.Wilson(0, 20, z), 0, 0.1611);
        Near(Proportions.Wilson(1, 29, z), 0.0061, 0.1718);

        Near(Proportions.Newcombe(56, 70, 48, 80, z), 0.0524, 0.3339);
        Near(Proportions.Newcombe(9, 10, 3, 10, z), 0.1705, 0.8090);
        Near(Proportions.Newcombe(6, 7, 2, 7, z), 0.0582, 0.8062);
        Near(Proportions.Newcombe(5, 56, 0, 29, z), -0.0381, 0.1926);
        Near(Proportions.Newcombe(0, 10, 0, 10, z), -0.2775, 0.2775);
        Near(Proportions.Newcombe(10, 10, 0, 10, z), 0.6075, 1);
        Proportions.Newcombe(0, 0, 5, 10, z).ShouldBe((-1, 1));
    }

    [Fact]
    public void A_clear_lead_wins_and_a_small_one_waits_for_the_next_look_until_the_deadline()
    {
        var rule = Rule("PT4H", "PT8H");
        var clear = Judge(rule, Launch, null, Counts((1000, 100), (1000, 200)), Launch.AddHours(4));
        (clear.State, clear.Variant, clear.Looks, clear.NextLookAt).ShouldBe((WinnerState.Decided, "B", 1, null));
        clear.Figures[1].ShouldBe(new VariantFigures("B", 1000, 200, 0.2, 0.1764, 0.2259));

        // Each look at the same small lead: five of them, at even steps, the last one with the deadline.
        WinnerResult? result = null;
        var times = new List<DateTimeOffset>();
        for (DateTimeOffset? at = Launch.AddHours(4); at is { } now; at = result.NextLookAt)
        {
            times.Add(now);
            result = Judge(rule, Launch, result, Counts((1000, 100), (1000, 110)), now);
        }

        times.ShouldBe([.. Enumerable.Range(4, WinnerRule.Looks).Select(h => Launch.AddHours(h))]);
        (result!.State, result.Variant, result.Looks).ShouldBe((WinnerState.Undecided, null, WinnerRule.Looks));
        Judge(rule with { Otherwise = WinnerFallback.Best }, Launch, null, Counts((1000, 100), (1000, 110)), Launch.AddHours(8)).Variant.ShouldBe("B");
        Judge(rule with { Otherwise = WinnerFallback.Best }, Launch, null, Counts((1000, 0), (1000, 0)), Launch.AddHours(8)).Variant.ShouldBeNull();
    }

    [Fact]
    public void Too_few_messages_are_not_judged_and_cost_no_look()
    {
        var rule = Rule("PT4H", "PT8H") with { MinCount = 500 };
        var few = Judge(rule, Launch, null, Counts((1000, 0), (499, 499)), Launch.AddHours(4));
        (few.State, few.Looks, few.NextLookAt).ShouldBe((WinnerState.Waiting, 0, Launch.AddHours(4) + (TimeSpan.FromHours(8) / 100)));
        Judge(rule, Launch, few, Counts((1000, 0), (500, 500)), few.NextLookAt!.Value).Variant.ShouldBe("B");

        // At the deadline it is judged all the same; without a single message nobody is better.
        Judge(rule, Launch, few, Counts((1000, 0), (499, 499)), Launch.AddHours(8)).Variant.ShouldBe("B");
        var none = Judge(rule, Launch, few, Counts((0, 0), (0, 0)), Launch.AddHours(8));
        (none.State, none.Variant, none.Figures[0].Rate).ShouldBe((WinnerState.Undecided, null, null));
    }

    [Fact]
    public void Of_many_variants_the_best_must_beat_each_other_one()
    {
        var rule = Rule("PT4H", "PT8H");
        Judge(rule, Launch, null, Counts((1000, 100), (1000, 200), (1000, 195)), Launch.AddHours(4)).State.ShouldBe(WinnerState.Waiting);
        Judge(rule, Launch, null, Counts((1000, 100), (1000, 300), (1000, 195)), Launch.AddHours(4)).Variant.ShouldBe("B");

        // A difference that two variants alone would show is not enough where it is one of ten.
        Judge(rule, Launch, null, Counts((1000, 130), (1000, 180)), Launch.AddHours(4)).Variant.ShouldBe("B");
        Judge(rule, Launch, null, Counts((1000, 130), (1000, 180), (1000, 130), (1000, 130), (1000, 130)), Launch.AddHours(4)).State.ShouldBe(WinnerState.Waiting);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Equal_variants_have_a_winner_no_more_often_than_the_confidence_allows(int variants)
    {
        var rule = Rule("PT1H", "PT5H");
        var random = new Random(7 + variants);
        const int trials = 1500;
        var won = Enumerable.Range(0, trials).Count(_ => Run(rule, random, [.. Enumerable.Repeat(0.2, variants)]).State == WinnerState.Decided);
        won.ShouldBeLessThan(trials * 5 / 100);
        Enumerable.Range(0, 50).ShouldAllBe(_ => Run(rule, random, new[] { 0.15, 0.3, 0.15, 0.15 }.Take(variants).ToArray()).Variant == "B");
    }

    /// <summary>A test that fills up between the looks.</summary>
    private static WinnerResult Run(WinnerRule rule, Random random, double[] rates)
    {
        var counts = new (int Sent, int Successes)[rates.Length];
        WinnerResult? result = null;
        for (DateTimeOffset? at = rule.FirstLook(Launch); at is { } now; at = result.NextLookAt)
        {
            for (var v = 0; v < rates.Length; v++)
            {
                counts[v] = (counts[v].Sent + 200, counts[v].Successes + Enumerable.Range(0, 200).Count(_ => random.NextDouble() < rates[v]));
            }

            result = Judge(rule, Launch, result, Counts(counts), now);
        }

        return result!;
    }

    private static VariantCounts[] Counts(params (int Sent, int Successes)[] counts) => [.. counts.Select((c, i) => new VariantCounts(((char)('A' + i)).ToString(), c.Sent, c.Successes))];

    private static WinnerRule Rule(string after, string deadline) => new WinnerInput(WinnerMetric.Open, 0.2, after, Deadline: deadline).Rule;

    private static void Near((double Low, double High) interval, double low, double high)
    {
        interval.Low.ShouldBe(low, 0.00006);
        interval.High.ShouldBe(high, 0.00006);
    }
}
