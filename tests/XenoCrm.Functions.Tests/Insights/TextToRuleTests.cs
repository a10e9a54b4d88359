using System.Text.Json;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public sealed class TextToRuleTests(ITestOutputHelper output)
{
    private static JsonElement? Offline(string text) => TextToRule.Read(text, Town.Vocabulary, Town.Now, "USD").Rule;

    [Fact]
    public void The_sentences_are_many_and_what_they_mean_tells_rules_apart()
    {
        Sentences.All.Count.ShouldBeGreaterThanOrEqualTo(120);
        Sentences.All.Select(s => s.Text).ShouldBeUnique();
        Sentences.All.Count(s => s.Set == "heldOut").ShouldBeGreaterThanOrEqualTo(50);

        // A rule that finds nobody, or everybody, would agree with many a wrong one.
        var sizes = Sentences.All.Select(s => (s.Text, Sentences.Members(s.Rule)!.Count)).ToList();
        sizes.Where(s => s.Count == 0 || s.Count == Town.Customers.Count).ShouldBeEmpty();
    }

    [Fact]
    public void Without_a_model_most_sentences_find_the_customers_that_were_meant()
    {
        var scores = Sentences.All.Select(s => Sentences.Judge(s, Offline(s.Text))).ToList();
        foreach (var score in scores.Where(s => s.Agreement < 1))
        {
            output.WriteLine($"{score.Agreement:0.00} [{score.Sentence.Set}] {score.Sentence.Text}\n   got {score.Got?.ToString() ?? "nothing"}");
        }

        foreach (var set in scores.GroupBy(s => s.Sentence.Set))
        {
            output.WriteLine($"{set.Key}: {Sentences.Report([.. set])}");
        }

        output.WriteLine($"all: {Sentences.Report(scores)}");
        scores.Average(s => s.Agreement).ShouldBeGreaterThanOrEqualTo(0.85);
        scores.Where(s => s.Sentence.Set == "heldOut").Average(s => s.Agreement).ShouldBeGreaterThanOrEqualTo(0.85);
    }

    [Fact]
    public void A_rule_told_in_English_is_read_as_the_same_rule()
    {
        var english = new RuleEnglish("USD");
        var scores = Sentences.All.Select(s => (Sentence: s, Text: english.Of(Town.Parser.Parse(s.Rule)))).Select(s => (s.Text, Score: Sentences.Judge(s.Sentence, Offline(s.Text)))).ToList();
        foreach (var (text, score) in scores.Where(s => s.Score.Agreement < 1))
        {
            output.WriteLine($"{score.Agreement:0.00} {text}\n   got {score.Got?.ToString() ?? "nothing"}\n   from {score.Sentence.Rule}");
        }

        output.WriteLine(Sentences.Report([.. scores.Select(s => s.Score)]));
        scores.Count(s => s.Score.Agreement == 1).ShouldBe(scores.Count);
    }

    /// <summary>The settings are the app's: <c>Ai__Key</c>, <c>Ai__Model</c>, <c>Ai__BaseAddress</c>.</summary>
    [Fact]
    public async Task A_live_model_is_scored_by_the_same_sentences()
    {
        var settings = new[] { "Key", "Model", "BaseAddress" }.Select(s => (Name: "Ai:" + s, Value: Environment.GetEnvironmentVariable("Ai__" + s))).Where(s => s.Value is not null).ToDictionary(s => s.Name, s => s.Value);
        Assert.SkipUnless(settings.ContainsKey("Ai:Key"), "There is no key for a model: set Ai__Key.");
        settings["Ai:Timeout"] = "00:01:00";
        var scores = await ScoreModelAsync(settings);
        scores.Average(s => s.Agreement).ShouldBeGreaterThan(0.5);
    }

    [Fact]
    public async Task The_score_of_a_model_is_what_its_answers_deserve()
    {
        // It knows every rule, and answers one in ten with another's.
        var masked = Sentences.All.Select(s => (Sentence: s, Text: new Masking(Town.Vocabulary).Hide(s.Text).Replace('<', '‹').Replace('>', '›'))).ToDictionary(s => s.Text, s => s.Sentence);
        var wrong = Sentences.All.Where((_, i) => i % 10 == 0).ToHashSet();
        await using var model = await FakeModel.StartAsync(asked =>
        {
            var text = asked.Data[(asked.Data.IndexOf("<sentence>", StringComparison.Ordinal) + 11)..asked.Data.IndexOf("\n</sentence>", StringComparison.Ordinal)];
            var sentence = masked[text];
            return FakeModel.Rule(wrong.Contains(sentence) ? """{"combinator":"and","rules":[{"field":"externalId","operator":"=","value":"nobody"}]}""" : sentence.Rule.GetRawText());
        });
        var scores = await ScoreModelAsync(model.Settings);
        scores.Count(s => s.Agreement == 1).ShouldBe(scores.Count - wrong.Count);
        scores.Count(s => s.Agreement == 0).ShouldBe(wrong.Count);
    }

    private async Task<IReadOnlyList<Score>> ScoreModelAsync(Dictionary<string, string?> settings)
    {
        await using var world = await InsightsWorld.StartAsync(settings, customers: 0);
        await world.Get<RuleCatalogue>().RefreshAsync(default);
        var scores = new List<Score>();
        foreach (var sentence in Sentences.All)
        {
            var answer = await world.Get<AskModelForRule>().AskAsync(sentence.Text, Town.Vocabulary, Town.Now, TestContext.Current.CancellationToken);
            scores.Add(Sentences.Judge(sentence, answer.Value?.Rule));
        }

        output.WriteLine($"model: {Sentences.Report(scores)}");
        return scores;
    }

    /// <summary>Pieces of all sentences in any order, with what breaks readers in between.</summary>
    [Fact]
    public void Whatever_is_said_the_reader_answers()
    {
        var random = new Random(7);
        string[] odd = ["999999999999999999999", "99999 million million crore crore", "5000 years old", "99999 years", "P0D", "0 days ago", "31 february 2026", "29 february", "1900", "2100", "(", "((", "))", ",", ";", "\"", "'", "“", "-", "–", "—", "not not", "except", "either", "neither nor", "between and", "last", "\u202E", "😀", "\0", "é\u0301", "=", ">=", "$", "₹1", "1,2,3", "1.2.3", "in in in", "the the"];
        var pieces = Sentences.All.SelectMany(s => s.Text.Split(' ')).Concat(odd).Concat(odd).ToArray();
        var understood = 0;
        for (var i = 0; i < 3000; i++)
        {
            var text = string.Join(' ', Enumerable.Range(0, random.Next(1, 25)).Select(_ => pieces[random.Next(pieces.Length)]));
            var reading = TextToRule.Read(text, Town.Vocabulary, Town.Now, "USD");
            understood += reading.Rule is { } rule && Town.Parser.TryParse(rule) is not null ? 1 : 0;
        }

        understood.ShouldBeGreaterThan(2000);
        foreach (var text in new[] { new string('(', 1000), string.Concat(Enumerable.Repeat("not ", 250)), string.Concat(Enumerable.Repeat("except ", 140)), string.Concat(Enumerable.Repeat("in Berlin or ", 75)), new string('9', 1000), string.Concat(Enumerable.Repeat("a,", 500)) })
        {
            TextToRule.Read(text, Town.Vocabulary, Town.Now, "USD");
        }
    }
}
