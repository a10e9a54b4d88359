using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class AssignmentTests
{
    private static readonly CampaignContent Content = new("S", null, "T", null);
    private static readonly string[] Customers = [.. Enumerable.Range(1, 20_000).Select(n => Samples.Customer(n).Id)];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 1, 8)]
    [InlineData(5, 4, 3, 2, 1)]
    [InlineData(1000, 1)]
    public void Shares_are_as_the_weights(params int[] weights)
    {
        var campaign = Campaign([.. weights.Select((w, i) => ($"v{i}", w))]);
        var counts = new int[weights.Length];
        foreach (var id in Customers)
        {
            counts[Assignment.VariantOf(campaign, id)]++;
        }

        // Four standard deviations: the ids are given, so this holds always or never.
        foreach (var (weight, count) in weights.Zip(counts))
        {
            var share = (double)weight / weights.Sum();
            Math.Abs(count - (Customers.Length * share)).ShouldBeLessThan(4 * Math.Sqrt(Customers.Length * share * (1 - share)));
        }
    }

    [Fact]
    public void The_order_of_variants_does_not_matter_and_a_new_one_only_takes()
    {
        var before = Campaign([("red", 2), ("green", 1), ("blue", 3)]);
        var turned = Campaign([("blue", 3), ("red", 2), ("green", 1)]);
        var more = Campaign([("red", 2), ("green", 1), ("blue", 3), ("white", 2)]);
        var heavier = Campaign([("red", 2), ("green", 4), ("blue", 3)]);
        var moved = 0;
        foreach (var id in Customers)
        {
            var name = Name(before, id);
            Name(turned, id).ShouldBe(name);
            Name(more, id).ShouldBeOneOf(name, "white");
            Name(heavier, id).ShouldBeOneOf(name, "green");
            moved += Name(more, id) == name ? 0 : 1;
        }

        moved.ShouldBeInRange(Customers.Length * 23 / 100, Customers.Length * 27 / 100);
    }

    [Fact]
    public void Holdout_test_and_variant_have_nothing_to_do_with_each_other_nor_with_other_campaigns()
    {
        var campaign = Campaign([("a", 1), ("b", 1)]) with { Holdout = 0.2, Winner = new WinnerInput(WinnerMetric.Open, 0.3, "PT1H").Rule };
        var other = campaign with { Id = "another" };
        var held = Customers.Where(id => Assignment.IsHeldOut(campaign, id)).ToList();
        Share(held.Count, Customers.Length).ShouldBeInRange(0.19, 0.21);
        Share(held.Count(id => Assignment.IsTested(campaign, id)), held.Count).ShouldBeInRange(0.27, 0.33);
        Share(held.Count(id => Assignment.VariantOf(campaign, id) == 0), held.Count).ShouldBeInRange(0.47, 0.53);
        Share(held.Count(id => Assignment.IsHeldOut(other, id)), held.Count).ShouldBeInRange(0.17, 0.23);
        var tested = Customers.Where(id => Assignment.IsTested(campaign, id)).ToList();
        Share(tested.Count(id => Assignment.VariantOf(campaign, id) == 0), tested.Count).ShouldBeInRange(0.47, 0.53);
        var plain = Campaign([("a", 1)]);
        Customers.ShouldAllBe(id => !Assignment.IsHeldOut(plain, id) && Assignment.IsTested(plain, id));
    }

    /// <summary>A customer must not get another variant because a later version of the service draws differently.</summary>
    [Fact]
    public void Draws_never_change()
    {
        var campaign = Campaign([("a", 1), ("b", 1), ("c", 1)]) with { Holdout = 0.3, Winner = new WinnerInput(WinnerMetric.Open, 0.3, "PT1H").Rule };
        string.Concat(Customers.Take(20).Select(id => Name(campaign, id))).ShouldBe("cacbbccaaabcaabcbbcc");
        string.Concat(Customers.Take(20).Select(id => Assignment.IsHeldOut(campaign, id) ? 'h' : Assignment.IsTested(campaign, id) ? 't' : '-')).ShouldBe("h-h-hhhh--th-thtttht");
    }

    private static double Share(int part, int all) => (double)part / all;

    private static string Name(Campaign campaign, string id) => campaign.Variants[Assignment.VariantOf(campaign, id)].Name;

    private static Campaign Campaign(IEnumerable<(string Name, int Weight)> variants) =>
        Samples.Campaign() with { Variants = [.. variants.Select(v => new Variant(v.Name, v.Weight, Content))] };
}
