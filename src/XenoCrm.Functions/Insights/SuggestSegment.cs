using System.Text.Json;
using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
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

/// <summary>Text → rule, and who that rule finds.</summary>
public sealed class SuggestSegment(
    ReadVocabulary vocabulary, RuleParser parser, PreviewSegment preview, NearMisses nearMisses, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    public async Task<SegmentSuggestion> HandleAsync(SegmentText request, CancellationToken cancellation)
    {
        var words = await vocabulary.ReadAsync(cancellation);
        var reading = TextToRule.Read(request.Text!, words, clock.GetUtcNow(), workspace.Value.Currency);
        var rule = reading.Rule ?? throw new SentenceNotUnderstood().ToException();
        var compiled = parser.Parse(rule, isNew: true);
        var found = preview.HandleAsync(new(rule), cancellation);
        var near = nearMisses.FindAsync(rule, compiled, clock.GetUtcNow(), cancellation);
        var view = await found;
        return new(
            "offline", null, rule, new RuleEnglish(workspace.Value.Currency, segmentName: words.SegmentName).Of(compiled), view.Count, view.Sample, await near,
            reading.Ambiguities, reading.NotUnderstood, view.Channels, view.Currency, view.At);
    }
}
