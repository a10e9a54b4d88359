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
        foreach (var score in scores.Where(s => s.Agreement < 1 && s.Sentence.Set == (Environment.GetEnvironmentVariable("SENTENCES") ?? "tuned")))
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
}
