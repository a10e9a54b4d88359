using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Insights;

/// <param name="Figures">All that the text may speak of.</param>
/// <param name="Text">Sentences whose every number is one of <paramref name="Figures"/>.</param>
/// <param name="Dropped">Sentences that the model wrote and the figures do not hold.</param>
public sealed record CampaignSummary(
    string Source, string? Fallback, string CampaignId, CampaignState State, IReadOnlyList<Figure> Figures, IReadOnlyList<string> Text, int Dropped, DateTimeOffset At);

internal sealed record SummaryAnswer(IReadOnlyList<string> Sentences);

/// <summary>How a campaign went: numbers first, then text about these numbers.</summary>
public sealed partial class SummarizeCampaign(WorkspaceStore<Campaign> campaigns, CampaignStats stats, VariantResults variantResults, PastResults pastResults, AskModel model, ReadVocabulary vocabulary, TimeProvider clock)
{
    private const int MaxSentences = 8;
    private const int MaxContent = 2000;

    /// <summary>What is known of a campaign before anybody writes about it.</summary>
    private sealed record Known(Campaign Campaign, CampaignStatsView Stats, IReadOnlyList<VariantOutcome> Variants, ChannelResults Past, IReadOnlyList<Figure> Figures);

    public async Task<CampaignSummary> HandleAsync(string id, CancellationToken cancellation) => await TellAsync(await ReadAsync(id, cancellation), cancellation);

    /// <summary>For somebody who waits: the figures, which no model has to be waited for, then the text.</summary>
    public async IAsyncEnumerable<ServerEvent?> StreamAsync(string id, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var known = await ReadAsync(id, cancellation);
        yield return new("figures", "figures", new { CampaignId = id, known.Campaign.State, known.Figures });
        var told = await TellAsync(known, cancellation);
        yield return new("text", "text", new { told.Source, told.Fallback, told.Text, told.Dropped });
    }

    private async Task<Known> ReadAsync(string id, CancellationToken cancellation)
    {
        var campaign = (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();
        var past = pastResults.ReadAsync(campaign.Channel, id, cancellation);
        var variants = variantResults.ReadAsync(campaign, cancellation);
        var view = await stats.ReadAsync(id, cancellation);
        return new(campaign, view, await variants, await past, Figures.Of(view, await past, await variants));
    }

    private async Task<CampaignSummary> TellAsync(Known known, CancellationToken cancellation)
    {
        var (answer, sentences, dropped) = known.Stats.Audience == 0 ? (new ModelAnswer<SummaryAnswer>(null, null), [], 0) : await AskAsync(known, cancellation);
        return new(
            answer.Source, answer.Fallback, known.Campaign.Id, known.Campaign.State, known.Figures,
            answer.Value is null ? OfflineSummary.Write(known.Campaign, known.Stats, known.Figures, known.Variants) : sentences, dropped, clock.GetUtcNow());
    }

    private async Task<(ModelAnswer<SummaryAnswer> Answer, IReadOnlyList<string> Sentences, int Dropped)> AskAsync(Known known, CancellationToken cancellation)
    {
        if (!model.IsOn)
        {
            return (new(null, null), [], 0);
        }

        var masking = new Masking(await vocabulary.ReadAsync(cancellation));
        var told = new StringBuilder();

        // What variants are called is a person's word, and is in the names of their figures.
        var (campaign, past) = (known.Campaign, known.Past);
        var variants = known.Variants.Select(v => v.Name).Where(n => PlainName().IsMatch(n) && masking.Hide(n) == n).ToHashSet();
        IReadOnlyList<Figure> figures = [.. known.Figures.Where(f => !f.Name.Contains(" of variant ", StringComparison.Ordinal) || variants.Any(v => f.Name.EndsWith($" of variant {v}", StringComparison.Ordinal)))];
        var names = FigureCheck.NamesWith(variants);
        foreach (var figure in figures)
        {
            told.Append(CultureInfo.InvariantCulture, $"{figure.Name}: {figure.Text}\n");
        }

        var prompt = Prompt.Of(
            "summary.v1", ("figures", told.ToString().TrimEnd()), ("results", past.Campaigns == 0 ? "no earlier campaigns" : "the figures that begin with earlier are the average of the earlier campaigns of the channel"),
            ("content", masking.Hide($"{campaign.Channel.Name()}:\n{string.Join("\n\n", campaign.Variants.Select(v => $"{v.Content.Subject}\n{Cut(v.Content.Text ?? v.Content.Html ?? "", MaxContent / campaign.Variants.Count)}"))}")));
        IReadOnlyList<string> kept = [];
        var dropped = 0;
        var answer = await model.AskAsync<SummaryAnswer>(prompt, value =>
        {
            kept = [.. value.Sentences.Select(s => s.Trim()).Where(s => s.Length > 0 && !prompt.IsRepeatedIn(s) && FigureCheck.IsSupported(s, figures, names)).Take(MaxSentences)];
            dropped = value.Sentences.Count - kept.Count;

            // Without a number it says nothing of the campaign.
            return kept.Any(s => s.Any(char.IsDigit));
        }, cancellation);
        return (answer, kept, dropped);
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];

    [GeneratedRegex(@"^[\p{L}0-9 ]{1,20}\z")]
    private static partial Regex PlainName();
}

/// <summary>The summary without a model.</summary>
internal static class OfflineSummary
{
    public static IReadOnlyList<string> Write(Campaign campaign, CampaignStatsView stats, IReadOnlyList<Figure> figures, IReadOnlyList<VariantOutcome> variants)
    {
        if (stats.Audience == 0)
        {
            return [campaign.LaunchedAt is null ? "The campaign has not been launched: there is nothing to tell yet." : "The campaign had nobody to write to."];
        }

        string Text(string name) => figures.First(f => f.Name == name).Text;
        string? Rate(string name) => figures.FirstOrDefault(f => f.Name == name)?.Text;
        var sentences = new List<string> { $"Of an audience of {Text("audience")}, {Text("sent")} messages were sent, {Text("delivered")} were delivered{(Rate("deliveryRate") is { } delivered ? $" (a delivery rate of {delivered})" : "")}." };
        if (stats.Failed > 0)
        {
            sentences.Add($"{Text("failed")} failed{(Figures.TopReason(stats) is { } reason ? $", mainly by {Figures.Name(reason)}" : "")}.");
        }

        if (stats.Suppressed + stats.Skipped > 0)
        {
            sentences.Add($"{Text("suppressed")} were suppressed and {Text("skipped")} skipped by the rules of sending.");
        }

        if (stats.Opened + stats.Clicked > 0)
        {
            sentences.Add($"{Text("opened")} opened it ({Rate("openRate")} opened) and {Text("clicked")} clicked ({Rate("clickRate")} clicked).");
        }

        if (stats.Opened > 0 && figures.FirstOrDefault(f => f.Name == "earlierOpenRate") is { } earlier && figures.FirstOrDefault(f => f.Name == "openRate") is { } open && open.Value != earlier.Value)
        {
            sentences.Add($"The open rate of {open.Text} is {(open.Value > earlier.Value ? "above" : "below")} the earlier average of {earlier.Text}.");
        }

        if (variants.Count > 1 && variants.All(v => v.Sent > 0) && variants.Any(v => v.Opened + v.Clicked > 0))
        {
            var byClicks = variants.Any(v => v.Clicked > 0);
            var best = VariantResults.Best(variants, v => byClicks ? v.Clicked : v.Opened);
            string Of(VariantOutcome v) => $"{Text(Figures.OfVariant(byClicks ? "clickRate" : "openRate", v.Name))} of the {Text(Figures.OfVariant("sent", v.Name))} messages of variant {v.Name}";
            sentences.Add($"{string.Join(", ", variants.Select(Of))} were {(byClicks ? "clicked" : "opened")}: {(best is null ? "the difference may be chance" : $"variant {best.Name} did better than chance explains")}.");
        }

        if (stats.Conversions.Orders > 0)
        {
            sentences.Add($"{Text("ordered")} orders are put down to it{string.Concat(figures.Where(f => f.Name == "revenue").Select(f => $", a revenue of {f.Text}"))}.");
        }

        if (stats.Unsubscribed + stats.Complained > 0)
        {
            sentences.Add($"{Text("unsubscribed")} unsubscribed and {Text("complained")} complained.");
        }

        if (stats.Pending > 0)
        {
            sentences.Add($"{Text("pending")} are still pending: the figures will change.");
        }

        sentences.Add(Advice(stats));
        return sentences;
    }

    private static string Advice(CampaignStatsView stats) =>
        stats.Rates.Failed.Low > 0.05 ? "Look at the addresses that failed before the next launch."
        : stats.Rates.Complained.Low > 0.001 ? "Look at who complained: mailbox providers act on complaints."
        : stats.Rates.Unsubscribed.Low > 0.01 ? "Look at how often this audience is written to: people leave it."
        : stats.Delivered > 0 && stats.Rates.Opened is { Value: < 0.1, High: < 0.15 } && stats.Opened > 0 ? "Try another subject with a part of the audience."
        : stats.Opened > 0 && stats.Rates.ClickedOfOpened.High < 0.05 ? "Readers open it and do not click: look at the offer and the link."
        : "Compare it with a holdout to see what it changed.";
}
