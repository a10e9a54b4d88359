using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public sealed class LookalikeTests : IAsyncLifetime
{
    private InsightsWorld world = null!;

    public async ValueTask InitializeAsync() => world = await InsightsWorld.StartAsync(customers: 4000);

    public ValueTask DisposeAsync() => world.DisposeAsync();

    /// <summary>Nine of ten who bought often.</summary>
    private const string Often = """{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": ">=", "value": 6 }, { "field": "city", "operator": "!=", "value": "Berlin" } ] }""";

    private Task<ApiAnswer> FindAsync(string id, string body = "{}") => world.PostAsync((f, r) => f.Lookalikes(r, id, default), body);

    [Fact]
    public async Task Who_looks_like_the_members_is_ranked_and_nobody_of_them_is_a_member()
    {
        var id = await world.SegmentAsync(Often, "Often");
        var answer = (await FindAsync(id, """{ "k": 50 }""")).ShouldBe(200);
        answer["outcome"].GetString().ShouldBe("ranked");
        var model = answer["model"];
        var auc = model.GetProperty("heldOut");
        auc.GetProperty("auc").GetDouble().ShouldBeInRange(0.8, 0.999);
        auc.GetProperty("low").GetDouble().ShouldBeGreaterThan(0.7);
        auc.GetProperty("members").GetInt32().ShouldBe(answer["sample"].GetProperty("membersLookedAt").GetInt32() / 5, "a fifth was held out");

        var (rule, moment) = (Town.Parser.Parse(JsonElement.Parse(Often)), new Moment(Town.Now));
        var audience = answer["audience"].EnumerateArray().ToList();
        audience.Count.ShouldBe(50);
        audience.Select(a => a.GetProperty("score").GetDouble()).ShouldBeInOrder(SortDirection.Descending);
        var found = audience.Select(a => Town.Customers.Single(c => c.Id == a.GetProperty("customer").GetProperty("id").GetString())).ToList();
        found.ShouldAllBe(c => !rule.Matches(c, moment));
        audience.ShouldAllBe(a => a.GetProperty("because").GetArrayLength() > 0);

        // Who bought as often in Berlin was kept from the model: they are what it is to find, one of a hundred others.
        Town.Customers.Count(c => c.City == "Berlin" && c.OrderCount >= 6).ShouldBeLessThan(120);
        found.Average(c => c.OrderCount).ShouldBeGreaterThan(Town.Customers.Where(c => !rule.Matches(c, moment)).Average(c => c.OrderCount) * 2);

        // The same again, to the last digit.
        (await FindAsync(id, """{ "k": 50 }"""))["audience"].ToString().ShouldBe(answer["audience"].ToString());
        (await FindAsync(id, """{ "k": 50, "minScore": 0.99999 }"""))["audience"].GetArrayLength().ShouldBeLessThan(50);
        (await FindAsync(id, """{ "part": 1 }"""))["audience"].GetArrayLength().ShouldBe(0, "all were in the first part");
        (await world.Get<SegmentDirectory>().AllAsync(default)).Count.ShouldBe(1, "nothing is saved");
    }

    [Fact]
    public async Task What_the_rule_is_about_teaches_nothing()
    {
        var answer = (await FindAsync(await world.SegmentAsync(Often, "Often"))).ShouldBe(200);
        var left = answer["leftOut"].EnumerateArray().ToDictionary(l => l.GetProperty("field").GetString()!, l => l.GetProperty("reason").GetString());
        left["orderCount"].ShouldBe("named_in_rule");
        left["rfm.frequency"].ShouldBe("follows_from_rule");
        left["averageOrderValue"].ShouldBe("follows_from_rule");
        left["country"].ShouldBe("follows_from_rule");
        answer["model"].GetProperty("weights").EnumerateArray().Select(w => w.GetProperty("field").GetString()!).ShouldNotContain(f => left.ContainsKey(f) || f == "segments" || f == "rfm.segment");

        // No field is named for "never ordered", and every time of an order says it as plainly.
        var never = (await FindAsync(await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": "=", "value": 0 } ] }""", "Never"))).ShouldBe(200);
        var alone = never["leftOut"].EnumerateArray().Where(l => l.GetProperty("reason").GetString() == "tells_apart_alone").Select(l => l.GetProperty("field").GetString()!).ToList();
        alone.ShouldContain("lastOrderAt");
        alone.ShouldContain("totalSpend");
    }

    [Fact]
    public async Task Chance_ranks_nobody()
    {
        // Who is called how goes with nothing.
        var answer = (await FindAsync(await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "lastName", "operator": "=", "value": "Patel" } ] }""", "Patels"))).ShouldBe(200);
        answer["outcome"].GetString().ShouldBe("notBetterThanChance");
        answer["model"].GetProperty("heldOut").GetProperty("low").GetDouble().ShouldBeLessThan(0.5);
        answer["audience"].GetArrayLength().ShouldBe(0);
        answer.Body.TryGetProperty("pool", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Too_few_to_learn_from_are_said_to_be()
    {
        var answer = (await FindAsync(await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "externalId", "operator": "in", "value": ["C-1", "C-2", "C-3"] } ] }""", "Three"))).ShouldBe(200);
        (answer["outcome"].GetString(), answer["audience"].GetArrayLength(), answer["sample"].GetProperty("members").GetInt32()).ShouldBe(("tooFew", 0, 3));
        (await FindAsync("nope")).ShouldBeProblem(404, "segment.not_found");
        var id = await world.SegmentAsync(Often, "Often");
        (await FindAsync(id, """{ "k": 0 }""")).ShouldBeProblem(400, "request.invalid", "/k");
        (await FindAsync(id, """{ "k": 1001 }""")).ShouldBeProblem(400, "request.invalid", "/k");
        (await FindAsync(id, """{ "minScore": 1.5 }""")).ShouldBeProblem(400, "request.invalid", "/minScore");
        (await FindAsync(id, """{ "part": -1 }""")).ShouldBeProblem(400, "request.invalid", "/part");
    }

    [Fact]
    public async Task Who_may_not_be_written_to_on_a_channel_is_left_out_when_asked_for()
    {
        var id = await world.SegmentAsync(Often, "Often");
        var all = (await FindAsync(id, """{ "k": 200 }""")).ShouldBe(200);
        var first = Town.Customers.Single(c => c.Id == Ids(all).First(i => Town.Customers.Single(c => c.Id == i) is { Email: not null } c && c.Consent.GetValueOrDefault("email")?.State != ConsentState.Withdrawn));
        var hasher = world.Get<AddressHasher>();
        await world.Get<SuppressionStore>().AddAsync(new Suppression(hasher.Hash(Channel.Email, first.Email!), Channel.Email, "complained", Town.Now, "test"), default);
        var reachable = (await FindAsync(id, """{ "k": 200, "channel": "email" }""")).ShouldBe(200);
        var ids = Ids(reachable).ToHashSet();
        ids.ShouldNotContain(first.Id);
        ids.Select(i => Town.Customers.Single(c => c.Id == i)).ShouldAllBe(c => c.Email != null && !(c.Consent.ContainsKey("email") && c.Consent["email"].State == ConsentState.Withdrawn));
        ids.Count.ShouldBe(200, "those behind them move up");
    }

    private static IEnumerable<string> Ids(ApiAnswer answer) => answer["audience"].EnumerateArray().Select(a => a.GetProperty("customer").GetProperty("id").GetString()!);

    /// <summary>What is missing, what is always the same, and a text of an attribute that each has of their own.</summary>
    [Fact]
    public void Features_are_standardised_over_what_is_learnt_from_and_missing_values_are_the_mean()
    {
        var customers = Town.Customers.Take(1000).ToList();
        var aspects = Aspects.Of(new(new Dictionary<string, AttributeDefinition>(Town.Attributes) { ["street"] = new(AttributeType.String, null, Town.Now, true) }), new Dictionary<string, string>(), "USD", Town.Now);
        var features = LookalikeFeatures.Of(aspects, [], customers[..300], customers[300..]);
        features.All.ShouldNotContain(f => f.Field == "attributes.street" && f.Value != null, "what one person has is no feature");
        features.All.Count.ShouldBeInRange(60, 250);
        foreach (var feature in features.All)
        {
            var present = customers.Where(c => !double.IsNaN(feature.Raw(c))).Select(feature.Of).ToList();
            present.Average().ShouldBe(0, 1e-6, feature.Label);
            present.Average(v => v * v).ShouldBe(1, 1e-6, feature.Label);
            customers.Where(c => double.IsNaN(feature.Raw(c))).ShouldAllBe(c => feature.Of(c) == 0);
        }

        features.All.ShouldContain(f => f.Field == "birthday" && f.IsNumber);
        features.All.ShouldContain(f => f.Label == "have no known birthday");
        customers.Select(features.Row).ShouldAllBe(r => r.All(double.IsFinite));
    }

    [Fact]
    public void The_model_finds_the_weights_that_made_the_members()
    {
        // Members by a coin whose odds grow with visits and shrink for those tagged wholesale; nothing else matters.
        var random = new Random(3);
        var sides = Town.Customers.ToLookup(c => random.NextDouble() < RocCurve.Logistic(-2.5 + Math.Log(1 + c.Visits) - (c.Tags.Contains("wholesale") ? 2 : 0)));
        var population = new Population([.. sides[true]], [.. sides[false]], new(sides[true].Count(), 4000, SampleBasis.All, sides[true].Count(), sides[false].Count(), 5), null, Town.Now);
        var model = FitLookalike.Fit(population, Aspects.Of(new(Town.Attributes), new Dictionary<string, string>(), "USD", Town.Now), [], default);
        model.HeldOut.IsBetterThanChance.ShouldBeTrue();
        var weights = model.Features.All.Zip(model.Weights).OrderByDescending(w => Math.Abs(w.Second)).ToList();
        var visits = model.Features.All.Zip(model.Weights).Where(w => w.First.Field is "visits" or "lastVisitAt").Sum(w => w.Second * w.First.Of(Town.Customers.MaxBy(c => c.Visits)!));
        visits.ShouldBeGreaterThan(0.5);
        weights.Single(w => w.First.Field == "tags" && w.First.Value == "wholesale").Second.ShouldBeLessThan(-0.3);
        weights.Where(w => w.First.Field is "city" or "attributes.plan" or "source").ShouldAllBe(w => Math.Abs(w.Second) < 0.3);
    }
}
