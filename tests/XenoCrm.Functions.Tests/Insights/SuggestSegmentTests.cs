using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public sealed class SuggestSegmentTests : IAsyncLifetime
{
    private InsightsWorld world = null!;

    public async ValueTask InitializeAsync() => world = await InsightsWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private Task<ApiAnswer> AskAsync(string text) => world.PostAsync((f, r) => f.Segments(r, default), JsonSerializer.Serialize(new { text }));

    [Fact]
    public async Task A_sentence_becomes_a_rule_with_who_it_finds_and_who_is_just_outside()
    {
        var answer = (await AskAsync("people who haven't shopped in 6 months and spent over 50")).ShouldBe(200);
        answer["source"].GetString().ShouldBe("offline");
        answer.Body.TryGetProperty("fallback", out _).ShouldBeFalse("there is no model that could have been asked");
        var rule = answer["rule"];
        Sentences.Canonical(rule).ShouldBe("and(lastOrderAt notInLast " + "RuleDuration { Months = 6, Time = 00:00:00 }|totalSpend > 50)");
        answer["english"].GetString().ShouldBe("Customers who have not ordered in the last 6 months and spent more than USD 50");

        var moment = new Moment(Town.Now);
        var compiled = Town.Parser.Parse(rule);
        var here = Town.Customers.Take(400).ToDictionary(c => c.Id);
        answer["count"].GetInt64().ShouldBe(here.Values.Count(c => compiled.Matches(c, moment)));
        answer["sample"].GetArrayLength().ShouldBe(PreviewSegment.SampleSize);
        answer["sample"].EnumerateArray().ShouldAllBe(m => compiled.Matches(here[m.GetProperty("customer").GetProperty("id").GetString()!], moment));

        // Each near miss fails exactly one of the two, and is told which.
        answer["nearMisses"].GetArrayLength().ShouldBe(6);
        foreach (var miss in answer["nearMisses"].EnumerateArray())
        {
            compiled.Matches(here[miss.GetProperty("customer").GetProperty("id").GetString()!], moment).ShouldBeFalse();
            miss.GetProperty("missing").GetArrayLength().ShouldBe(1, miss.ToString());
        }

        (await world.Get<SegmentDirectory>().AllAsync(default)).ShouldBeEmpty("nothing is saved");
    }

    [Fact]
    public async Task One_condition_alone_has_near_misses_by_a_softer_figure()
    {
        var answer = (await AskAsync("customers with at least 10 orders")).ShouldBe(200);
        answer["nearMisses"].GetArrayLength().ShouldBeGreaterThan(0);
        answer["nearMisses"].EnumerateArray().ShouldAllBe(m => m.GetProperty("missing")[0].GetProperty("actual").GetDouble() >= 8 && m.GetProperty("missing")[0].GetProperty("actual").GetDouble() < 10);
    }

    [Fact]
    public async Task What_was_ambiguous_or_meant_nothing_is_said()
    {
        var answer = (await AskAsync("big spenders in Springfield who bought shoes twice, quixotically")).ShouldBe(200);
        answer["ambiguities"].EnumerateArray().Select(a => a.GetProperty("text").GetString()).ShouldBe(["big spenders", "Springfield", "bought shoes twice"], ignoreOrder: true);
        answer["notUnderstood"].EnumerateArray().Select(a => a.GetString()).ShouldBe(["quixotically"]);
        (await AskAsync("colourless green ideas sleep furiously")).ShouldBeProblem(422, "ai.not_understood");
        (await AskAsync("")).ShouldBeProblem(400, "request.invalid", "/text");
        (await AskAsync(new string('x', 1001))).ShouldBeProblem(400, "request.invalid", "/text");
    }

    [Fact]
    public async Task Words_of_the_workspace_are_known_after_a_segment_or_an_attribute_came()
    {
        (await AskAsync("in the segment Summer fans")).ShouldBeProblem(422, "ai.not_understood");
        var saved = (await world.Get<SaveSegment>().CreateAsync(new("Summer fans", null, JsonElement.Parse(Rules.OneJson("city", "=", "\"Berlin\""))), default)).View;
        world.Clock.Advance(ReadVocabulary.MaxAge + TimeSpan.FromSeconds(1));
        var answer = (await AskAsync("in the segment Summer fans with loyalty points over 1000")).ShouldBe(200);
        answer["english"].GetString().ShouldBe("Customers who are in the segment \"Summer fans\" and whose loyalty points is more than 1,000");
        answer["rule"].GetProperty("rules")[0].GetProperty("value").GetString().ShouldBe(saved.Id);
    }
}
