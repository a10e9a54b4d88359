using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>The statistics, against figures that others have computed, naive ways of computing the same, and simulations.</summary>
public sealed class SignificanceTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 0.4795001221869535)]
    [InlineData(1, 0.15729920705028513)]
    [InlineData(3, 2.209049699858544e-5)]
    [InlineData(5, 1.5374597944280347e-12)]
    public void The_tail_of_the_normal_distribution_is_right_also_far_out(double x, double erfc) => (Significance.Erfc(x) / erfc).ShouldBe(1, 2e-7);

    [Fact]
    public void Two_shares_are_compared_as_in_the_books()
    {
        // 45 of 100 and 30 of 100: z = 2.19089, p = 0.02846.
        Significance.TwoProportions(45, 100, 30, 100)!.Value.ShouldBe(0.028460, 0.00001);
        Significance.TwoProportions(30, 100, 45, 100)!.Value.ShouldBe(0.028460, 0.00001);
        Significance.TwoProportions(20, 100, 20, 100)!.Value.ShouldBe(1, 1e-6);
        Significance.TwoProportions(3, 20, 1, 1000).ShouldBeNull("with less than one expected among twenty the test does not hold");
        Significance.TwoProportions(1, 1, 0, 0).ShouldBeNull();
    }

    [Fact]
    public void Many_comparisons_are_corrected_as_Benjamini_and_Hochberg_did()
    {
        // The example of their paper (1995, table 1): the four smallest of fifteen are rejected at 0.05.
        double[] p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000];
        var adjusted = Significance.Adjust(p);
        adjusted.Count(a => a <= 0.05).ShouldBe(4);
        adjusted[3].ShouldBe(0.0095 * 15 / 4, 1e-12);
        adjusted[5].ShouldBe(0.0298 * 15 / 7, 1e-12, "no p is adjusted to more than a larger one is");
        Significance.Adjust([.. p.Reverse()]).ShouldBe(adjusted.Reverse(), "in the order given");
        Significance.Adjust([]).ShouldBeEmpty();
    }

    [Fact]
    public void Lift_is_the_share_of_members_over_that_of_everyone()
    {
        // A tenth are members: everyone is 0.1 × 0.5 + 0.9 × 0.2 = 0.23.
        var (lift, low, high) = Significance.Lift(250, 500, 100, 500, 0.1);
        lift.ShouldBe(0.5 / 0.23, 1e-12);
        low.ShouldBeInRange(1.8, lift);
        high.ShouldBeInRange(lift, 2.6);
        Significance.Lift(0, 500, 100, 500, 0.1).Lift.ShouldBe(0);
        Significance.Lift(250, 500, 0, 500, 0.1).Lift.ShouldBe(10, 1e-9, "whoever has it is a member: ten times as common as among everybody");
    }

    [Fact]
    public void Intervals_of_lift_and_of_the_curve_hold_what_is_true_about_as_often_as_they_say()
    {
        var random = new Random(4);
        int lifts = 0, curves = 0;
        const int rounds = 1000;
        for (var i = 0; i < rounds; i++)
        {
            int Draw(int n, double p) => Enumerable.Range(0, n).Count(_ => random.NextDouble() < p);
            var (_, low, high) = Significance.Lift(Draw(300, 0.3), 300, Draw(400, 0.15), 400, 0.2);
            lifts += 0.3 / 0.18 >= low && 0.3 / 0.18 <= high ? 1 : 0;

            // Of two normal distributions a deviation apart: Φ(1/√2).
            double Normal(double mean) => mean + (Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
            var auc = RocCurve.Auc([.. Enumerable.Range(0, 80).Select(_ => Normal(1))], [.. Enumerable.Range(0, 120).Select(_ => Normal(0))]);
            curves += auc.Low <= 0.7602499 && auc.High >= 0.7602499 ? 1 : 0;
        }

        ((double)lifts / rounds).ShouldBeInRange(0.92, 0.98);
        ((double)curves / rounds).ShouldBeInRange(0.92, 0.98);
    }

    [Fact]
    public void The_area_is_how_often_a_member_is_above_another_and_ties_count_half()
    {
        var random = new Random(9);
        for (var i = 0; i < 50; i++)
        {
            double[] Some(int n) => [.. Enumerable.Range(0, n).Select(_ => (double)random.Next(12))];
            var (members, others) = (Some(random.Next(5, 40)), Some(random.Next(5, 40)));
            var wins = members.SelectMany(_ => others, (m, o) => m > o ? 1 : m == o ? 0.5 : 0).Average();
            RocCurve.Auc(members, others).Auc.ShouldBe(wins, 0.0001);
        }

        var apart = RocCurve.Auc([3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
        (apart.Auc, apart.High).ShouldBe((1, 1));
        apart.Low.ShouldBe(0.7, 1e-9, "ten are no certainty");
        RocCurve.Auc([], [1]).IsBetterThanChance.ShouldBeFalse();
    }

    /// <summary>Segments of people chosen by lot differ in nothing: what is found anyhow is what the level allows.</summary>
    [Fact]
    public void Nothing_is_found_where_there_is_nothing()
    {
        var aspects = Aspects.Of(new(Town.Attributes), new Dictionary<string, string>(), "USD", Town.Now);
        const int rounds = 60;
        var found = 0;
        for (var i = 0; i < rounds; i++)
        {
            var random = new Random(i);
            var sides = Town.Customers.ToLookup(_ => random.NextDouble() < 0.2);
            var (members, others) = (sides[true].ToList(), sides[false].ToList());
            var profile = SegmentProfile.Of(new(members, others, new(members.Count, Town.Customers.Count, SampleBasis.All, members.Count, others.Count, 0), null, Town.Now), aspects, []);
            profile.Test.Tested.ShouldBeGreaterThan(150);
            found += profile.Findings.Count > 0 ? 1 : 0;
        }

        found.ShouldBeLessThanOrEqualTo(rounds / 10);
    }

    [Fact]
    public void Numbers_are_cut_into_fifths_of_everybody_and_not_of_who_was_looked_at()
    {
        // Half of those looked at are members, and a tenth of everybody: the fifths are those of the others, nearly.
        double[] members = [.. Enumerable.Range(1000, 100).Select(i => (double)i)], others = [.. Enumerable.Range(0, 100).Select(i => (double)i)];
        var population = new Population([], [], new(1000, 10_000, SampleBasis.Sample, 100, 100, 0), null, Town.Now);
        SegmentProfile.Edges(members, others, population).ShouldBe([22, 44, 66, 88]);
        SegmentProfile.Edges([1, 1, 2], [3, 3, double.NaN], population).ShouldBe([1, 2], "few values are their own buckets");
        SegmentProfile.Edges([double.NaN], [double.NaN], population).ShouldBeEmpty();
    }

    [Fact]
    public void A_part_by_id_is_of_the_size_asked_for_and_the_parts_are_everybody_once()
    {
        foreach (var share in new[] { 0.9, 0.3, 0.05, 0.011, 0.0007 })
        {
            var parts = IdSlice.Parts(share, 123_456_789);
            var all = parts.SelectMany(p => p.Endings).ToList();
            all.ShouldBeUnique();
            all.Count.ShouldBe(parts[0].Of);
            ((double)parts[0].Endings.Count / parts[0].Of).ShouldBeInRange(share / 1.51, share * 1.51);
            parts[0].Endings.Count.ShouldBeLessThanOrEqualTo(16);
        }

        IdSlice.About(0.05, 1).Endings.ShouldNotBe(IdSlice.About(0.05, 2).Endings);
        IdSlice.About(0.05, 1).Endings.ShouldBe(IdSlice.About(0.05, 1).Endings);
    }
}
