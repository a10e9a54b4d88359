using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public sealed partial class SegmentInsightsTests : IAsyncLifetime
{
    private InsightsWorld world = null!;

    public async ValueTask InitializeAsync() => world = await InsightsWorld.StartAsync(customers: 2000);

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private const string India = """{ "combinator": "and", "rules": [ { "field": "city", "operator": "in", "value": ["Mumbai", "Pune", "Delhi"] } ] }""";

    private Task<ApiAnswer> DescribeAsync(string id, IServiceProvider? process = null) => world.PostAsync((f, r) => f.Describe(r, id, default), null, process);

    /// <summary>Everybody of the world, as many as there are.</summary>
    private static ILookup<bool, Customer> Sides(string rule)
    {
        var (compiled, moment) = (Town.Parser.Parse(JsonElement.Parse(rule)), new Moment(Town.Now));
        return Town.Customers.Take(2000).ToLookup(c => compiled.Matches(c, moment));
    }

    [Fact]
    public async Task What_distinguishes_a_segment_is_found_with_its_figures()
    {
        var answer = (await DescribeAsync(await world.SegmentAsync(India, "India"))).ShouldBe(200);
        var sides = Sides(India);
        var sample = answer["sample"];
        (sample.GetProperty("members").GetInt32(), sample.GetProperty("customers").GetInt32(), sample.GetProperty("basis").GetString(), sample.GetProperty("membersLookedAt").GetInt32())
            .ShouldBe((sides[true].Count(), 2000, "all", sides[true].Count()));

        // Hindi is theirs. Where they live is what the rule says, and time zones, regions and countries go with it.
        var hindi = answer["findings"].EnumerateArray().Single(f => f.GetProperty("label").GetString() == "have the language hi-IN");
        var (x, y) = (sides[true].Count(c => c.Language == "hi-IN"), sides[false].Count(c => c.Language == "hi-IN"));
        (hindi.GetProperty("members").GetProperty("count").GetInt32(), hindi.GetProperty("members").GetProperty("of").GetInt32(), hindi.GetProperty("others").GetProperty("count").GetInt32()).ShouldBe((x, sides[true].Count(), y));
        hindi.GetProperty("everyone").GetDouble().ShouldBe((x + y) / 2000.0, 0.0001);
        hindi.GetProperty("lift").GetDouble().ShouldBe((double)x / sides[true].Count() / ((x + y) / 2000.0), 0.001);
        hindi.GetProperty("liftLow").GetDouble().ShouldBeGreaterThan(1);
        hindi.GetProperty("adjustedP").GetDouble().ShouldBeInRange(hindi.GetProperty("p").GetDouble(), 0.001);
        answer["findings"].EnumerateArray().Select(f => f.GetProperty("field").GetString()).ShouldNotContain(f => f == "city" || f == "region" || f == "country" || f == "timeZone");
        answer["leftOut"].EnumerateArray().Select(l => (l.GetProperty("field").GetString(), l.GetProperty("reason").GetString()))
            .ShouldBe([("city", "named_in_rule"), ("region", "follows_from_rule"), ("country", "follows_from_rule"), ("postalCode", "follows_from_rule"), ("timeZone", "follows_from_rule")]);
        answer["test"].GetProperty("tested").GetInt32().ShouldBeGreaterThan(100);
        answer["text"].EnumerateArray().ShouldContain(t => t.GetString()!.Contains("have the language hi-IN"));
        answer["rfm"].EnumerateArray().Sum(r => r.GetProperty("members").GetProperty("count").GetInt32()).ShouldBe(sides[true].Count());
        answer["rfm"].EnumerateArray().Sum(r => r.GetProperty("everyone").GetDouble()).ShouldBe(1, 0.001);
        (await DescribeAsync("nope")).ShouldBeProblem(404, "segment.not_found");
    }

    [Fact]
    public async Task Numbers_are_compared_in_ranges_and_what_follows_from_the_rule_is_no_news()
    {
        var often = """{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": ">=", "value": 6 } ] }""";
        var answer = (await DescribeAsync(await world.SegmentAsync(often, "Often"))).ShouldBe(200);
        var labels = answer["findings"].EnumerateArray().Select(f => f.GetProperty("label").GetString()!).ToList();
        labels.ShouldContain(l => l.StartsWith("have spent more than USD"));
        labels.ShouldNotContain(l => l.Contains("orders") || l.Contains("average order"));

        // Each range's members are counted as the label says.
        var sides = Sides(often);
        foreach (var finding in answer["findings"].EnumerateArray().Where(f => f.GetProperty("field").GetString() == "totalSpend"))
        {
            var numbers = Amount().Matches(finding.GetProperty("label").GetString()!).Select(m => decimal.Parse(m.Groups[1].Value, NumberStyles.Number, CultureInfo.InvariantCulture)).ToList();
            var (least, most) = finding.GetProperty("label").GetString()!.Contains("at most") ? (numbers.Count == 2 ? numbers[0] : -1, numbers[^1]) : (numbers[0], decimal.MaxValue);
            finding.GetProperty("members").GetProperty("count").GetInt32().ShouldBe(sides[true].Count(c => c.TotalSpend / 100m > least && c.TotalSpend / 100m <= most), finding.ToString());
        }
    }

    [Fact]
    public async Task A_segment_asked_about_by_another_leaves_its_fields_out_too()
    {
        var india = await world.SegmentAsync(India, "India");
        var id = await world.SegmentAsync($$"""{ "combinator": "and", "rules": [ { "field": "segments", "operator": "contains", "value": "{{india}}" }, { "field": "categories.Shoes.count", "operator": "notNull" } ] }""", "Indian shoes");
        var answer = (await DescribeAsync(id)).ShouldBe(200);
        answer["leftOut"].EnumerateArray().Select(l => l.GetProperty("field").GetString()).ShouldContain("city");
        answer["leftOut"].EnumerateArray().Select(l => l.GetProperty("field").GetString()).ShouldContain("categories.Shoes");
        answer["findings"].EnumerateArray().ShouldNotContain(f => f.GetProperty("label").GetString() == "bought Shoes");
    }

    [Fact]
    public async Task Too_few_members_are_no_ground_for_findings_and_nobody_is_no_error()
    {
        var few = (await DescribeAsync(await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "externalId", "operator": "in", "value": ["C-1", "C-2", "C-3"] } ] }""", "Three"))).ShouldBe(200);
        few["findings"].GetArrayLength().ShouldBe(0);
        few["text"].EnumerateArray().Last().GetString()!.ShouldStartWith("With fewer than 30 members");
        (await DescribeAsync(await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "externalId", "operator": "=", "value": "nobody" } ] }""", "Nobody"))).ShouldBe(200)["text"][0].GetString()!.ShouldStartWith("Nobody");
        (await DescribeAsync(await world.SegmentAsync("""{ "combinator": "and", "rules": [] }""", "All"))).ShouldBe(200)["text"].EnumerateArray().Last().GetString()!.ShouldContain("others to compare");
    }

    [Fact]
    public async Task How_a_segment_grew_is_read_from_the_counts_of_each_day()
    {
        var id = await world.SegmentAsync(India, "India");
        var members = Sides(India)[true].Count();
        (await DescribeAsync(id)).ShouldBe(200)["trend"].GetProperty("direction").GetString().ShouldBe("unknown");
        await world.Get<WorkspaceStore<GrowthYear>>().TryCreateAsync(new()
        {
            Id = GrowthYear.IdOf(id, 2026), SegmentId = id, Members = new Dictionary<string, long> { ["08-10"] = members - 100, ["08-15"] = members - 80, ["09-01"] = members - 10, ["09-08"] = members },
        }, default);
        var trend = (await DescribeAsync(id)).ShouldBe(200);
        trend["trend"].GetProperty("direction").GetString().ShouldBe("growing");
        trend["trend"].GetProperty("changes").EnumerateArray().Select(c => (c.GetProperty("days").GetInt32(), c.GetProperty("change").GetInt64())).ShouldBe([(7, 0), (30, 80)]);
        trend["text"].EnumerateArray().ShouldContain(t => t.GetString()!.StartsWith($"It has grown from {members - 80} by 80 "));
    }

    [Fact]
    public async Task Every_number_of_the_text_is_one_of_the_figures()
    {
        foreach (var rule in new[] { India, """{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": ">=", "value": 6 } ] }""", """{ "combinator": "and", "rules": [ { "field": "rfm.segment", "operator": "=", "value": "Champions" } ] }""", CampaignSeed.Rule })
        {
            var answer = (await DescribeAsync(await world.SegmentAsync(rule, "S" + rule.GetHashCode(StringComparison.Ordinal)))).ShouldBe(200);
            var known = answer["figures"].EnumerateArray().Select(f => f.GetProperty("text").GetString()!)
                .Concat(answer["findings"].EnumerateArray().SelectMany(f => new[] { Percent(f.GetProperty("members").GetProperty("value").GetDouble()), Percent(f.GetProperty("everyone").GetDouble()), f.GetProperty("lift").GetDouble().ToString("0.0", CultureInfo.InvariantCulture) }))
                .Concat(answer["rfm"].EnumerateArray().SelectMany(r => new[] { Percent(r.GetProperty("members").GetProperty("value").GetDouble()), Percent(r.GetProperty("everyone").GetDouble()) }))
                .Append(answer["test"].GetProperty("tested").GetInt32().ToString("N0", CultureInfo.InvariantCulture)).ToHashSet();
            foreach (var sentence in answer["text"].EnumerateArray().Select(t => t.GetString()!))
            {
                var rest = answer["findings"].EnumerateArray().Aggregate(sentence, (s, f) => s.Replace(f.GetProperty("label").GetString()!, ""));
                AnyNumber().Matches(rest).Select(m => m.Value).ShouldAllBe(n => known.Contains(n), sentence);
            }
        }
    }

    [Fact]
    public async Task Of_what_a_model_writes_only_what_the_figures_hold_survives()
    {
        var id = await world.SegmentAsync(India, "India");
        var offline = (await DescribeAsync(id)).ShouldBe(200);
        var hindi = offline["findings"].EnumerateArray().Single(f => f.GetProperty("label").GetString() == "have the language hi-IN");
        var (members, everyone) = (Percent(hindi.GetProperty("members").GetProperty("value").GetDouble()), Percent(hindi.GetProperty("everyone").GetDouble()));
        var count = offline["sample"].GetProperty("members").GetInt32();
        string[] good = [$"The segment has {count} members.", $"{members} of the members have the language hi-IN, above the average of {everyone}.", "Try a message in their language."];
        string[] bad =
        [
            $"The segment has {count + 1} members.", $"{everyone} of the members have the language hi-IN.", $"{members} of the members do not have the language hi-IN.", $"{members} of the members have the language hi-IN, below the average of {everyone}.",
            $"{members} of the members live in Berlin.", "Most members have the language hi-IN.", $"{members} of customers on average have the language hi-IN.", "99% of the members have the language hi-IN.", $"{members} of the members have the language hi-IN, twice as many.", "They spend $500 each.",
        ];
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Sentences([.. bad, .. good]));
        var answer = (await DescribeAsync(id, world.NewProcess(model.Settings))).ShouldBe(200);
        answer["source"].GetString().ShouldBe("model");
        answer["text"].EnumerateArray().Select(t => t.GetString()).ShouldBe(good);
        answer["dropped"].GetInt32().ShouldBe(bad.Length);
        answer["findings"].ToString().ShouldBe(offline["findings"].ToString(), "figures come from no model");

        await using var inventor = await FakeModel.StartAsync(_ => FakeModel.Sentences(bad));
        var fallen = (await DescribeAsync(id, world.NewProcess(inventor.Settings))).ShouldBe(200);
        (fallen["source"].GetString(), fallen["fallback"].GetString(), fallen["text"].ToString()).ShouldBe(("offline", "invalid_answer", offline["text"].ToString()));
    }

    [Fact]
    public async Task Who_waits_gets_the_figures_before_the_model_has_answered()
    {
        var id = await world.SegmentAsync(India, "India");
        var asked = new TaskCompletionSource();
        var mayAnswer = new TaskCompletionSource();
        await using var model = await FakeModel.StartAsync(async (http, _) =>
        {
            asked.SetResult();
            await mayAnswer.Task;
            await FakeModel.WriteAsync(http, FakeModel.Sentences("Nothing."));
        });
        var describe = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<DescribeSegment>(world.NewProcess(model.Settings));
        await using var events = describe.StreamAsync(id, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current!.Name.ShouldBe("figures");
        events.Current.Data.ShouldBeOfType<SegmentInsightsView>().Findings.ShouldNotBeEmpty();
        asked.Task.IsCompleted.ShouldBeFalse("the model is asked when the figures are out");
        mayAnswer.SetResult();
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current!.Name.ShouldBe("text");
        (await events.MoveNextAsync()).ShouldBeFalse();

        var functions = Microsoft.Extensions.DependencyInjection.ActivatorUtilities.CreateInstance<AiFunctions>(world.Services);
        var answer = await ApiCall.SendAsync(world.Services, r =>
        {
            r.Headers.Accept = "text/event-stream";
            return functions.Describe(r, id, default);
        }, null, "application/json", "", null);
        answer.ShouldBe(200).Text.Split('\n').Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).ShouldBe(["event: figures", "event: text"]);
    }

    private static string Percent(double share) => Figures.Percent("", share).Text;

    [GeneratedRegex(@"USD ([0-9,.]*[0-9])")]
    private static partial Regex Amount();

    [GeneratedRegex(@"[0-9][0-9,.]*(?<![,.])%?")]
    private static partial Regex AnyNumber();
}
