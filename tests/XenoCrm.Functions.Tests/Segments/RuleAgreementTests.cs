using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

/// <summary>The two back ends of a rule agree: on who matches, and, below a NOT, on who does not.</summary>
public sealed class RuleAgreementTests
{
    private const int CustomerCount = 60;
    private const int RuleCount = 300;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Memory_and_Cosmos_agree_on_random_rules_and_customers(int seed)
    {
        var random = new RandomRules(seed);
        var customers = Enumerable.Range(0, CustomerCount).Select(random.Customer).ToList();
        var source = new StoredCustomers(customers);
        var reread = source.All.Select(i => JsonSerializer.Deserialize<Customer>(i.Json.Span, Json.Options)!).ToList();
        var tagged = new StoredCustomers(customers.Select(c => c with { SegmentIds = [.. c.SegmentIds, "tag"] }));
        var (pairs, held) = (0, 0);

        for (var i = 0; i < RuleCount; i++)
        {
            var json = random.Rule().ToJsonString();
            var moment = new Moment(random.Now());
            var rule = Rules.Parse(json);
            var filter = rule.ToFilter(moment);
            var found = Rules.Find(filter, source);
            var wrong = Rules.Find(rule.ToFilterWrongTag("tag", moment), tagged);
            for (var c = 0; c < customers.Count; c++)
            {
                var customer = customers[c];
                var matches = rule.Matches(customer, moment);
                pairs++;
                held += matches ? 1 : 0;
                if (found.Contains(customer.Id) != matches || wrong.Contains(customer.Id) == matches || rule.Matches(reread[c], moment) != matches)
                {
                    Assert.Fail($"""
                        In memory {matches}, read back {rule.Matches(reread[c], moment)}, found {found.Contains(customer.Id)}, found by its negation {wrong.Contains(customer.Id)}, at {moment.Now:O}
                        {json}
                        {filter.Where}
                        {JsonSerializer.Serialize(filter.Parameters, Json.Options)}
                        {JsonSerializer.Serialize(customer, Json.Options)}
                        {Guilty(rule.Root, customer, moment)}
                        """);
                }
            }
        }

        // A generator that finds nobody, or everybody, would prove nothing.
        pairs.ShouldBeGreaterThanOrEqualTo(10_000);
        held.ShouldBeInRange(pairs / 4, pairs * 3 / 4);
    }

    /// <summary>The same through the SDK, where the container's indexes answer, both ways and as a count.</summary>
    [Fact]
    public async Task Memory_and_the_indexes_of_the_container_agree()
    {
        await using var world = await SegmentWorld.StartAsync();
        var random = new RandomRules(11);
        var customers = Enumerable.Range(0, CustomerCount).Select(random.Customer).Select((c, i) => i % 2 == 0 ? c : c with { SegmentIds = [.. c.SegmentIds, "tag"] }).ToList();
        await world.PutAsync(customers);
        var (pairs, held) = (0, 0);
        for (var i = 0; i < RuleCount; i++)
        {
            var json = random.Rule().ToJsonString();
            var moment = new Moment(random.Now());
            var rule = Rules.Parse(json);
            var (missing, wrong) = (rule.ToFilterMissingTag("tag", moment), rule.ToFilterWrongTag("tag", moment));
            var found = await world.Customers.PageIdsAsync(missing, null, 1000, default);
            var foundWrong = await world.Customers.PageIdsAsync(wrong, null, 1000, default);
            found.ShouldBe(customers.Where((c, n) => n % 2 == 0 && rule.Matches(c, moment)).Select(c => c.Id), json);
            foundWrong.ShouldBe(customers.Where((c, n) => n % 2 == 1 && !rule.Matches(c, moment)).Select(c => c.Id), json);
            var matching = customers.Count(c => rule.Matches(c, moment));
            (await world.Customers.CountAsync(rule.ToFilter(moment), default)).ShouldBe(matching, json);
            pairs += customers.Count;
            held += matching;
        }

        pairs.ShouldBeGreaterThanOrEqualTo(10_000);
        held.ShouldBeInRange(pairs / 4, pairs * 3 / 4);
    }

    /// <summary>The single comparisons on which the back ends differ.</summary>
    private static string Guilty(RuleNode node, Customer customer, Moment moment)
    {
        if (node is RuleGroup group)
        {
            return string.Concat(group.Rules.Select(r => Guilty(r, customer, moment)));
        }

        var one = new CompiledRule(new RuleGroup(false, false, [node]));
        var filter = one.ToFilter(moment);
        var found = Rules.Find(filter, new StoredCustomers([customer])).Count == 1;
        return found == one.Matches(customer, moment)
            ? ""
            : $"-> {filter.Where} {JsonSerializer.Serialize(filter.Parameters, Json.Options)} finds {found}, {((RuleTest)node).Field.Name} is {JsonSerializer.Serialize(((RuleTest)node).Field.Actual(customer))}\n";
    }
}
