using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using FluentValidation;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Http;

namespace XenoCrm.Insights;

/// <param name="SegmentId">Whom to; or <paramref name="Rule"/>.</param>
/// <param name="Goal">What for, in words: "win back with 10% off, code BACK10". What messages promise comes from here alone.</param>
/// <param name="Tone">Friendly when absent.</param>
/// <param name="Variants">2 or 3; 3 when absent.</param>
public sealed record MessageRequest(string? SegmentId, JsonElement? Rule, Channel? Channel, string? Goal, Tone? Tone, int? Variants);

public sealed class MessageRequestValidator : AbstractValidator<MessageRequest>
{
    public const int MaxGoal = 500;

    public MessageRequestValidator()
    {
        RuleFor(r => r.SegmentId).NotEmpty().When(r => r.Rule is null).WithMessage("A segment's id or a rule is expected.");
        RuleFor(r => r.SegmentId).Empty().When(r => r.Rule is not null).WithMessage("Either a segment or a rule, not both.");
        RuleFor(r => r.Channel).NotNull();
        RuleFor(r => r.Goal).NotEmpty().MaximumLength(MaxGoal);
        RuleFor(r => r.Variants).InclusiveBetween(2, 3);
    }
}

/// <param name="Name">For a campaign's variants.</param>
/// <param name="Content">As <c>POST /api/campaigns</c> takes it; checked by rendering.</param>
/// <param name="Preview">For a made-up customer.</param>
/// <param name="Sms">How many parts that is.</param>
public sealed record SuggestedMessage(string Name, CampaignContent Content, string Reason, RenderedText Preview, SmsSize? Sms);

public sealed record RenderedText(string? Subject, string? Text);

/// <param name="Source"><c>model</c> or <c>offline</c>.</param>
/// <param name="Fallback">Why it is not the model's, when there is one.</param>
/// <param name="Dropped">Messages that were written and did not keep to the channel's limits, the placeholders or the goal.</param>
/// <param name="Audience">What the messages were written from.</param>
/// <param name="Past">What earlier campaigns of the channel did.</param>
public sealed record MessageSuggestion(string Source, string? Fallback, IReadOnlyList<SuggestedMessage> Variants, int Dropped, Audience Audience, ChannelResults Past);

/// <summary>What a model answers.</summary>
internal sealed record MessageAnswer(IReadOnlyList<MessageAnswerVariant> Variants);

internal sealed record MessageAnswerVariant(string? Subject, string Text, string Reason);

/// <summary>Two or three messages for an audience, a channel, a goal and a tone.</summary>
public sealed class WriteMessages(
    ReadAudience readAudience, PastResults pastResults, AskModel model, ReadVocabulary vocabulary, MessageCheck check, CampaignTemplates templates, Segments.RuleCatalogue catalogue, TimeProvider clock)
{
    public async Task<MessageSuggestion> HandleAsync(MessageRequest request, CancellationToken cancellation)
    {
        var (audience, past) = await PrepareAsync(request, cancellation);
        return await WriteAsync(request, audience, past, cancellation);
    }

    /// <summary>For somebody who waits: first what is known, then the messages when they are written and checked.</summary>
    public async IAsyncEnumerable<ServerEvent?> StreamAsync(MessageRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (audience, past) = await PrepareAsync(request, cancellation);
        yield return new("audience", "audience", new { audience, past });
        var done = await WriteAsync(request, audience, past, cancellation);
        foreach (var variant in done.Variants)
        {
            yield return new("variant", variant.Name, variant);
        }

        yield return new("done", "done", new { done.Source, done.Fallback, done.Dropped });
    }

    private async Task<(Audience Audience, ChannelResults Past)> PrepareAsync(MessageRequest request, CancellationToken cancellation)
    {
        await catalogue.RefreshAsync(cancellation);
        var past = pastResults.ReadAsync(request.Channel!.Value, null, cancellation);
        return (await readAudience.ReadAsync(request.SegmentId, request.Rule, cancellation), await past);
    }

    private async Task<MessageSuggestion> WriteAsync(MessageRequest request, Audience audience, ChannelResults past, CancellationToken cancellation)
    {
        var (channel, goal, tone, count) = (request.Channel!.Value, request.Goal!, request.Tone ?? Tone.Friendly, request.Variants ?? 3);
        var (answer, written, dropped) = await AskAsync(audience, channel, goal, tone, count, past, cancellation);
        if (answer.Value is null)
        {
            written = [.. OfflineWriter.Write(audience, channel, goal, tone, count, past).Select(d => Suggest(d, channel, goal)).OfType<SuggestedMessage>()];
            dropped += count - written.Count;
        }

        return new(answer.Source, answer.Fallback, [.. written.Select((w, i) => w with { Name = ((char)('A' + i)).ToString() })], dropped, audience, past);
    }

    private async Task<(ModelAnswer<MessageAnswer> Answer, List<SuggestedMessage> Written, int Dropped)> AskAsync(
        Audience audience, Channel channel, string goal, Tone tone, int count, ChannelResults past, CancellationToken cancellation)
    {
        if (!model.IsOn)
        {
            return (new(null, null), [], 0);
        }

        var masking = new Masking(await vocabulary.ReadAsync(cancellation));
        var prompt = Prompt.Of(
            "messages.v1",
            ("task", $"{count} variants of {MessageCheck.Describe(channel)}. Tone: {tone.ToString().ToLowerInvariant()}."),
            ("audience", masking.Hide($"{audience.English}. Members: {audience.Count}. {(audience.Category is { } category ? $"They buy {category}. " : "")}{audience.WithFirstName.ToString("P0", CultureInfo.InvariantCulture)} have a first name.")),
            ("results", Told(past)),
            ("goal", masking.Hide(goal)));
        List<SuggestedMessage> written = [];
        var dropped = 0;
        var answer = await model.AskAsync<MessageAnswer>(prompt, value =>
        {
            written.Clear();
            dropped = 0;
            foreach (var variant in value.Variants)
            {
                var draft = new MessageDraft(variant.Subject is { } subject ? masking.Restore(subject) : null, masking.Restore(variant.Text), variant.Reason.Trim());
                var suggested = IsReason(draft.Reason) && !prompt.IsRepeatedIn($"{draft.Subject} {draft.Text} {draft.Reason}") ? Suggest(draft, channel, goal) : null;
                if (suggested is not null && written.Count < count && written.TrueForAll(w => w.Content != suggested.Content))
                {
                    written.Add(suggested);
                }
                else
                {
                    dropped++;
                }
            }

            return written.Count >= 2;
        }, cancellation);
        return (answer, written, dropped);
    }

    /// <summary>One sentence of words: what it says of figures cannot be checked here.</summary>
    private static bool IsReason(string text) => text.Length is > 0 and <= 300 && !text.Any(char.IsDigit) && text.IndexOfAny(['<', '>', '{', '@', '/']) < 0;

    private SuggestedMessage? Suggest(MessageDraft draft, Channel channel, string goal)
    {
        var now = clock.GetUtcNow();
        if (check.Check(draft, channel, goal, now, out _) is not { } content)
        {
            return null;
        }

        var rendered = templates.Get(content).Render(SampleCustomer.At(now), RenderContent.Untracked);
        return new("", content, draft.Reason, new(rendered.Subject, rendered.Text), channel == Channel.Sms ? SmsText.Measure(rendered.Text!) : null);
    }

    private static string Told(ChannelResults past)
    {
        if (past.Campaigns == 0)
        {
            return "none";
        }

        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{past.Campaigns} campaigns, {past.Delivered} delivered, {past.OpenRate:P1} opened, {past.ClickRate:P1} clicked.");
        foreach (var trait in past.Traits)
        {
            text.Append(CultureInfo.InvariantCulture, $" {trait.Trait}: {trait.With:P1} {past.Measure} of {trait.Delivered}, without: {trait.Without:P1} of {trait.DeliveredWithout}{(trait.Significant ? "" : " (may be chance)")}.");
        }

        return text.ToString();
    }
}
