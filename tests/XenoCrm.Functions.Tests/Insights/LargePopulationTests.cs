using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>More customers than are all looked at.</summary>
public sealed class LargePopulationTests : IAsyncLifetime
{
    private const int Count = 12_000;
    private const string India = """{ "combinator": "and", "rules": [ { "field": "city", "operator": "in", "value": ["Mumbai", "Pune", "Delhi"] } ] }""";

    private InsightsWorld world = null!;
    private List<Customer> everybody = null!;

    public async ValueTask InitializeAsync()
    {
        world = await InsightsWorld.StartAsync(customers: 0);
        var random = new Random(12);
        everybody = [.. Enumerable.Range(0, Count).Select(i => Town.Customers[i % Town.Customers.Count] with { Id = $"{i:x16}{random.NextInt64():x16}", ExternalId = $"L-{i}" })];
        var container = world.Get<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        await Task.WhenAll(everybody.Select(c => container.UpsertItemAsync(c, new(c.Id))));
    }

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public async Task A_sample_says_what_all_would_and_says_that_it_is_one()
    {
        var id = await world.SegmentAsync(India, "India");
        var answer = (await world.PostAsync((f, r) => f.Describe(r, id, default))).ShouldBe(200);
        var (rule, moment) = (Town.Parser.Parse(JsonElement.Parse(India)), new Moment(Town.Now));
        var sides = everybody.ToLookup(c => rule.Matches(c, moment));
        var sample = answer["sample"];
        (sample.GetProperty("basis").GetString(), sample.GetProperty("members").GetInt32(), sample.GetProperty("customers").GetInt32()).ShouldBe(("sample", sides[true].Count(), Count));
        sample.GetProperty("membersLookedAt").GetInt32().ShouldBe(sides[true].Count(), "there are few enough of them");
        sample.GetProperty("othersLookedAt").GetInt32().ShouldBeInRange(3500, 6500);
        answer["text"].EnumerateArray().ShouldContain(t => t.GetString()!.StartsWith("The shares are of a random "));

        var hindi = answer["findings"].EnumerateArray().Single(f => f.GetProperty("label").GetString() == "have the language hi-IN");
        var (theirs, truth) = (hindi.GetProperty("others").GetProperty("value").GetDouble(), (double)sides[false].Count(c => c.Language == "hi-IN") / sides[false].Count());
        theirs.ShouldBe(truth, 0.02);
        hindi.GetProperty("everyone").GetDouble().ShouldBe((double)everybody.Count(c => c.Language == "hi-IN") / Count, 0.02);
        (await world.PostAsync((f, r) => f.Describe(r, id, default)))["findings"].ToString().ShouldBe(answer["findings"].ToString(), "the same customers are looked at again");
    }

    [Fact]
    public async Task Large_workspaces_are_ranked_in_parts_that_are_everybody_once()
    {
        var id = await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": ">=", "value": 6 } ] }""", "Often");
        Task<ApiAnswer> FindAsync(int part) => world.PostAsync((f, r) => f.Lookalikes(r, id, default), $$"""{ "k": 1000, "minScore": 0, "part": {{part}} }""");
        var first = (await FindAsync(0)).ShouldBe(200);
        var parts = first["pool"].GetProperty("parts").GetInt32();
        parts.ShouldBe(2);
        var second = (await FindAsync(1)).ShouldBe(200);
        (first["pool"].GetProperty("examined").GetInt32() + second["pool"].GetProperty("examined").GetInt32()).ShouldBe(first["pool"].GetProperty("of").GetInt32());
        HashSet<string> Ids(ApiAnswer a) => [.. a["audience"].EnumerateArray().Select(c => c.GetProperty("customer").GetProperty("id").GetString()!)];
        Ids(first).Intersect(Ids(second)).ShouldBeEmpty();
        second["model"].ToString().ShouldBe(first["model"].ToString(), "one model for all parts");
        var none = (await FindAsync(2)).ShouldBe(200);
        (none["pool"].GetProperty("examined").GetInt32(), none["audience"].GetArrayLength()).ShouldBe((0, 0));
    }
}
