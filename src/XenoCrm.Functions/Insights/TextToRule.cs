using System.Text.Json;

namespace XenoCrm.Insights;

/// <param name="Rule">As in <c>POST /api/segments</c>; null when nothing was understood.</param>
/// <param name="Ambiguities">What could be read otherwise, and how it was.</param>
/// <param name="NotUnderstood">Words without effect on the rule.</param>
public sealed record RuleReading(JsonElement? Rule, IReadOnlyList<Ambiguity> Ambiguities, IReadOnlyList<string> NotUnderstood);

/// <summary>
/// Text → rule without a model: deterministic, and fast enough for every keystroke. It knows the common forms of what
/// marketers ask for (the evaluation set in the tests says how well) and says what it could not make sense of.
/// </summary>
internal static class TextToRule
{
    public const int MaxText = 1000;

    public static RuleReading Read(string text, Vocabulary vocabulary, DateTimeOffset now, string currency)
    {
        var tokens = Tokenizer.Read(text);
        var reader = new SentenceReader(new Phrases(tokens), vocabulary, DateOnly.FromDateTime(now.UtcDateTime), currency);
        var draft = reader.Read();
        return new(draft is null ? null : JsonSerializer.SerializeToElement(Draft.ToRule(draft)), [.. reader.Ambiguities.Distinct()], [.. reader.Unknown.Distinct()]);
    }
}
