using System.Text.RegularExpressions;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Insights;

/// <summary>What a tag was taken from.</summary>
public enum TagBasis
{
    Content,
    Audience,
    Results,
}

public sealed record SuggestedTag(string Tag, TagBasis Basis, string Why);

/// <param name="Dropped">Tags that the model proposed and nothing in content or audience holds.</param>
public sealed record CampaignTags(string Source, string? Fallback, string CampaignId, IReadOnlyList<SuggestedTag> Tags, int Dropped);

internal sealed record TagAnswer(IReadOnlyList<TagAnswerItem> Tags);

internal sealed record TagAnswerItem(string Tag, string Why);

/// <summary>
/// Tags for a campaign, from what was sent, to whom, and what came of it. What can be decided is decided here; a model may add
/// words that stand in the content or the audience, and nothing about results.
/// </summary>
public sealed partial class TagCampaign(
    WorkspaceStore<Campaign> campaigns, CampaignStats stats, VariantResults variantResults, PastResults pastResults, ReadAudience readAudience, AskModel model, ReadVocabulary vocabulary)
{
    private const int MaxTags = 12;
    private const int MaxFromModel = 8;
    private const int MaxText = 2000;

    public async Task<CampaignTags> HandleAsync(string id, CancellationToken cancellation)
    {
        var campaign = (await campaigns.ReadAsync(id, cancellation))?.Value ?? throw new CampaignNotFound(id).ToException();
        var past = pastResults.ReadAsync(campaign.Channel, id, cancellation);
        var audience = await AudienceAsync(campaign, cancellation);
        var variants = await variantResults.ReadAsync(campaign, cancellation);
        var tags = Decide(campaign, audience, await stats.ReadAsync(id, cancellation), await past, variants);
        if (!model.IsOn)
        {
            return new(Sources.Offline, null, id, tags, 0);
        }

        var masking = new Masking(await vocabulary.ReadAsync(cancellation));
        var content = Plain(campaign);
        var told = audience?.English ?? "unknown";
        var prompt = Prompt.Of("tags.v1", ("content", masking.Hide(content)), ("audience", masking.Hide(told)));
        var words = Words().Matches($"{content} {told}".ToLowerInvariant()).Select(w => Vocabulary.Stem(w.Value)).ToHashSet();
        List<SuggestedTag> more = [];
        var dropped = 0;
        var answer = await model.AskAsync<TagAnswer>(prompt, value =>
        {
            more = [.. value.Tags.Where(t => IsGrounded(t, words) && !prompt.IsRepeatedIn(t.Why)).DistinctBy(t => t.Tag).Take(MaxFromModel).Select(t => new SuggestedTag(t.Tag, TagBasis.Content, t.Why))];
            dropped = value.Tags.Count - more.Count;
            return more.Count > 0;
        }, cancellation);
        return new(answer.Source, answer.Fallback, id, answer.Value is null ? tags : [.. tags.Concat(more).DistinctBy(t => t.Tag).Take(MaxTags)], dropped);
    }

    /// <summary>Words of the material, joined by hyphens, with a reason that says no more than words.</summary>
    private static bool IsGrounded(TagAnswerItem item, HashSet<string> words) =>
        Slug().IsMatch(item.Tag) && item.Tag.Split('-').All(w => words.Contains(Vocabulary.Stem(w))) && item.Why.Length is > 0 and <= 120 && PlainWords().IsMatch(item.Why);

    /// <summary>The segment may be gone by now.</summary>
    private async Task<Audience?> AudienceAsync(Campaign campaign, CancellationToken cancellation)
    {
        try
        {
            return await readAudience.ReadAsync(campaign.SegmentId, null, cancellation);
        }
        catch (ProblemException)
        {
            return null;
        }
    }

    /// <summary>Of all variants: what one of them says was said.</summary>
    private static string Plain(Campaign campaign) => string.Join('\n', campaign.Variants.Select(v => Plain(v.Content, MaxText / campaign.Variants.Count)).Distinct());

    private static string Plain(CampaignContent content, int most = MaxText)
    {
        var text = $"{content.Subject}\n{content.Text ?? Markup().Replace(content.Html ?? "", " ")}";
        return text.Length <= most ? text : text[..most];
    }

    internal static IReadOnlyList<SuggestedTag> Decide(Campaign campaign, Audience? audience, CampaignStatsView stats, ChannelResults past, IReadOnlyList<VariantOutcome> variants)
    {
        var tags = new List<SuggestedTag>();
        void Add(bool when, string tag, TagBasis basis, string why)
        {
            if (when)
            {
                tags.Add(new(tag, basis, why));
            }
        }

        // What some variants say and others do not is a tag too, and says whose it is.
        void AddOfVariants(string tag, string why, Func<CampaignContent, bool> has)
        {
            var those = campaign.Variants.Where(v => has(v.Content)).Select(v => v.Name).ToList();
            Add(those.Count > 0, tag, TagBasis.Content, those.Count == campaign.Variants.Count ? why : $"{why} (variant{(those.Count > 1 ? "s" : "")} {string.Join(", ", those)})");
        }

        Add(true, campaign.Channel.Name(), TagBasis.Content, "the channel");
        foreach (var purpose in campaign.Variants.Select(v => Offers.PurposeOf(Plain(v.Content), Occasion.Everybody)).Where(p => p != Purpose.Remind).Distinct().ToList())
        {
            AddOfVariants(Kebab(purpose.ToString()), "what the text is about", c => Offers.PurposeOf(Plain(c), Occasion.Everybody) == purpose);
        }

        foreach (var offer in campaign.Variants.Select(v => Offers.In(Plain(v.Content))).OfType<string>().Distinct().ToList())
        {
            AddOfVariants(offer.Contains("free", StringComparison.OrdinalIgnoreCase) ? Kebab(offer.Replace(' ', '-')) : "discount", $"it offers {offer}", c => Offers.In(Plain(c)) == offer);
        }

        AddOfVariants("personalised", "it has placeholders for the customer", c => PastResults.Has(c, Trait.Personal));
        AddOfVariants("urgent", "it presses for time", c => PastResults.Has(c, Trait.Urgent));
        Add(campaign.Variants.Count > 1, "test", TagBasis.Content, $"it was sent in {campaign.Variants.Count} variants");
        if (audience is not null)
        {
            Add(audience.Occasion != Occasion.Everybody && audience.Occasion != Occasion.Category, Kebab(audience.Occasion.ToString()), TagBasis.Audience, audience.English);
            Add(audience.Category is not null, Kebab(audience.Category ?? ""), TagBasis.Audience, "what the audience buys");
            Add(audience.City is not null, Kebab(audience.City ?? ""), TagBasis.Audience, "where the audience lives");
        }

        Results(Add, stats, past);
        foreach (var (name, best) in new[] { ("opens", VariantResults.Best(variants, v => v.Opened)), ("clicks", VariantResults.Best(variants, v => v.Clicked)) })
        {
            Add(best is not null, $"{name}-by-variant", TagBasis.Results, best is null ? "" : $"variant {best.Name} did better than chance explains: {string.Join(", ", variants.Select(v => $"{v.Name} {Figures.Percent("", (name == "opens" ? v.OpenRate : v.ClickRate) ?? 0).Text} of {v.Sent}"))}");
        }

        return [.. tags.Where(t => t.Tag.Length > 0).DistinctBy(t => t.Tag)];
    }

    /// <summary>Beside the earlier campaigns of the channel, and only where the difference is none of chance.</summary>
    private static void Results(Action<bool, string, TagBasis, string> add, CampaignStatsView stats, ChannelResults past)
    {
        void Beside(string name, Rate mine, double? theirs)
        {
            if (theirs is { } rate && mine is { Value: { } value, Low: { } low, High: { } high })
            {
                add(low > rate, $"high-{name}", TagBasis.Results, $"{Figures.Percent("", value).Text} against {Figures.Percent("", rate).Text} of {past.Campaigns} earlier campaigns");
                add(high < rate, $"low-{name}", TagBasis.Results, $"{Figures.Percent("", value).Text} against {Figures.Percent("", rate).Text} of {past.Campaigns} earlier campaigns");
            }
        }

        Beside("opens", stats.Rates.Opened, past.OpenRate);
        Beside("clicks", stats.Rates.Clicked, past.ClickRate);
        Beside("unsubscribes", stats.Rates.Unsubscribed, past.UnsubscribeRate);
        add(stats.Rates.Failed.Low > 0.05, "many-failures", TagBasis.Results, $"{Figures.Percent("", stats.Rates.Failed.Value ?? 0).Text} failed");
        add(stats.Conversions.Orders > 0, "converted", TagBasis.Results, $"{stats.Conversions.Orders} orders are put down to it");
    }

    /// <summary><c>WinBack</c>, <c>Home &amp; Garden</c> → win-back, home-garden.</summary>
    private static string Kebab(string text) => NoLetter().Replace(Hump().Replace(text, "-$0").ToLowerInvariant(), "-").Trim('-');

    [GeneratedRegex(@"(?<=\p{Ll})\p{Lu}")]
    private static partial Regex Hump();

    [GeneratedRegex(@"[^\p{Ll}\p{Nd}]+")]
    private static partial Regex NoLetter();

    [GeneratedRegex(@"^(?=.{2,30}\z)\p{Ll}+(?:-\p{Ll}+){0,2}\z")]
    private static partial Regex Slug();

    [GeneratedRegex(@"^[\p{L} ,.'’-]+\z")]
    private static partial Regex PlainWords();

    [GeneratedRegex(@"\p{L}+")]
    private static partial Regex Words();

    [GeneratedRegex(@"<[^>]*>|\{\{[^}]*\}\}")]
    private static partial Regex Markup();
}
