using System.Text.Json;
using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <param name="Text">Who is meant, in English.</param>
public sealed record SegmentText(string? Text);

public sealed class SegmentTextValidator : AbstractValidator<SegmentText>
{
    public SegmentTextValidator() => RuleFor(t => t.Text).NotEmpty().MaximumLength(TextToRule.MaxText);
}

/// <summary>What a sentence was read as. Nothing was saved: <c>POST /api/segments</c> does that.</summary>
/// <param name="Source"><c>model</c> or <c>offline</c>.</param>
/// <param name="Fallback">Why it is not the model's, when there is one: <c>timeout</c>, <c>quota</c>, <c>budget</c>, …</param>
/// <param name="English">The rule told in English, to compare with what was meant.</param>
/// <param name="Count">Customers it finds now.</param>
/// <param name="NearMisses">Customers just outside, and what keeps them there.</param>
/// <param name="Ambiguities">What could be read otherwise, and how it was.</param>
/// <param name="NotUnderstood">Words that had no effect.</param>
public sealed record SegmentSuggestion(
    string Source, string? Fallback, JsonElement Rule, string English, long Count, IReadOnlyList<PreviewMember> Sample, IReadOnlyList<NearMiss> NearMisses,
    IReadOnlyList<Ambiguity> Ambiguities, IReadOnlyList<string> NotUnderstood, IReadOnlyList<ChannelEstimate> Channels, string Currency, DateTimeOffset At);

/// <summary>Text → rule, by the model where there is one, and who that rule finds.</summary>
public sealed class SuggestSegment(
    ReadVocabulary vocabulary, AskModelForRule ask, RuleParser parser, PreviewSegment preview, NearMisses nearMisses, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    public async Task<SegmentSuggestion> HandleAsync(SegmentText request, CancellationToken cancellation)
    {
        var words = await vocabulary.ReadAsync(cancellation);
        var now = clock.GetUtcNow();
        var answer = await ask.AskAsync(request.Text!, words, now, cancellation);
        var reading = answer.Value ?? TextToRule.Read(request.Text!, words, now, workspace.Value.Currency);

        // What was said can be more than a rule takes: a duration of a thousand years.
        var compiled = reading.Rule is { } read ? parser.TryParse(read, isNew: true) : null;
        if (compiled is null || reading.Rule is not { } rule)
        {
            throw new SentenceNotUnderstood().ToException();
        }

        var found = preview.HandleAsync(new(rule), cancellation);
        var near = nearMisses.FindAsync(rule, compiled, now, cancellation);
        var view = await found;
        return new(
            answer.Source, answer.Fallback, rule, new RuleEnglish(workspace.Value.Currency, segmentName: words.SegmentName).Of(compiled), view.Count, view.Sample, await near,
            reading.Ambiguities, reading.NotUnderstood, view.Channels, view.Currency, view.At);
    }
}

/// <summary>What a model answers.</summary>
/// <param name="Rule">JSON in a text: a schema that refers to itself is more than many models take.</param>
internal sealed record RuleAnswer(string Rule, IReadOnlyList<Ambiguity> Ambiguities);

/// <summary>Text → rule by the model: what it answers is read as strictly as what a caller sends.</summary>
public sealed class AskModelForRule(AskModel model, RuleParser parser, RuleCatalogue catalogue, IOptions<WorkspaceOptions> workspace)
{
    public async Task<ModelAnswer<RuleReading>> AskAsync(string text, Vocabulary words, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!model.IsOn)
        {
            return new(null, null);
        }

        var masking = new Masking(words);
        var sentence = masking.Hide(text);
        var prompt = Prompt.Of(
            "segment.v1",
            ("fields", string.Join('\n', catalogue.Fields.Select(f => $"{f.Name}: {string.Join(' ', f.Operators.Select(o => o.ToText()))}")) + "\ncategories.<name>.count, categories.<name>.spend, categories.<name>.lastAt"),
            ("words", $"today: {now:yyyy-MM-dd}, currency: {workspace.Value.Currency}\n{masking.Hide(Told(words))}"),
            ("sentence", sentence));
        RuleReading? reading = null;
        var answer = await model.AskAsync<RuleAnswer>(prompt, value => (reading = Read(value, masking, sentence, prompt)) is not null, cancellation);
        return new(answer.Value is null ? null : reading, answer.Fallback);
    }

    private RuleReading? Read(RuleAnswer answer, Masking masking, string sentence, Prompt prompt)
    {
        try
        {
            var rule = JsonElement.Parse(Restore(answer.Rule, masking));
            var compiled = parser.Parse(rule, isNew: true);

            // Everybody is what a sentence that asks for nobody comes to.
            if (compiled.Root.Rules.Count == 0)
            {
                return null;
            }

            var ambiguities = answer.Ambiguities.Where(a => a.Text.Length > 0 && sentence.Contains(a.Text, StringComparison.OrdinalIgnoreCase) && IsPlain(a.Reading) && !prompt.IsRepeatedIn(a.Reading))
                .Select(a => new Ambiguity(masking.Restore(a.Text), masking.Restore(a.Reading))).Take(10);
            return new(rule, [.. ambiguities], []);
        }
        catch (Exception exception) when (exception is JsonException or ProblemException)
        {
            return null;
        }
    }

    private static bool IsPlain(string text) => text.Length is > 0 and <= 200 && text.IndexOfAny(['<', '>', '{', '@']) < 0 && !text.Contains("://", StringComparison.Ordinal);

    /// <summary>Within JSON, a value that was hidden is part of a text.</summary>
    private static string Restore(string json, Masking masking)
    {
        using var document = JsonDocument.Parse(json);
        return Rebuild(document.RootElement, masking)!.ToJsonString();
    }

    private static System.Text.Json.Nodes.JsonNode? Rebuild(JsonElement json, Masking masking) => json.ValueKind switch
    {
        JsonValueKind.Object => new System.Text.Json.Nodes.JsonObject(json.EnumerateObject().DistinctBy(m => m.Name).Select(m => KeyValuePair.Create(m.Name, Rebuild(m.Value, masking)))),
        JsonValueKind.Array => new System.Text.Json.Nodes.JsonArray([.. json.EnumerateArray().Select(e => Rebuild(e, masking))]),
        JsonValueKind.String => masking.Restore(json.GetString()!),
        _ => System.Text.Json.Nodes.JsonNode.Parse(json.GetRawText()),
    };

    private static string Told(Vocabulary words)
    {
        string List(WordKind kind, int most) => string.Join(", ", words.Of(kind).Select(k => k.Kind == WordKind.Attribute ? $"attributes.{k.Key} ({k.Type})" : k.Value).Distinct().Order(StringComparer.Ordinal).Take(most));
        return $"""
            categories: {List(WordKind.Category, 60)}
            tags: {List(WordKind.Tag, 60)}
            cities: {List(WordKind.City, 60)}
            regions: {List(WordKind.Region, 40)}
            countries: {List(WordKind.Country, 40)}
            sources: {List(WordKind.Source, 20)}
            attributes: {List(WordKind.Attribute, 60)}
            """;
    }
}
