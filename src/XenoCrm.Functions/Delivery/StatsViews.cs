using XenoCrm.Campaigns;
using XenoCrm.Orders;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

/// <summary>The ledger of a campaign: audience = delivered + failed + suppressed + skipped + pending.</summary>
/// <param name="Audience">The recipients frozen so far; final when <paramref name="Planned"/>.</param>
/// <param name="Sent">Accepted by the vendor, whatever came after.</param>
/// <param name="Pending">To be sent, sent without a receipt yet, or unknown.</param>
/// <param name="Unknown">Part of pending: perhaps sent, and not to be asked again; a receipt settles it.</param>
/// <param name="Opened">By a person, as far as can be told from who fetched the image, and when.</param>
/// <param name="AutoOpened">Only by programs: scanners, prefetchers. Not part of <paramref name="Opened"/>.</param>
/// <param name="Reasons">Failed, suppressed, skipped and unknown messages by reason.</param>
/// <param name="Planned">Whether the audience is complete.</param>
public sealed record CampaignStatsView(
    CampaignState State, int Audience, int Sent, int Delivered, int Failed, int Suppressed, int Skipped, int Pending, int Unknown,
    int Opened, int Clicked, int AutoOpened, int AutoClicked, int Unsubscribed, int Complained, IReadOnlyDictionary<string, int> Reasons, bool Planned)
{
    /// <summary>Part of pending: to be sent.</summary>
    public int Queued { get; init; }

    /// <summary>Part of queued: not to be sent before a later time (quiet hours, local time, a winner).</summary>
    public int Waiting { get; init; }

    /// <summary>Part of skipped: would have been written to, and are what the others are compared with.</summary>
    public int HeldOut { get; init; }
    public required IReadOnlyList<FunnelStep> Funnel { get; init; }
    public required Rates Rates { get; init; }
    public required Conversions Conversions { get; init; }

    /// <summary>Null without a holdout.</summary>
    public HoldoutComparison? Holdout { get; init; }
    public required CampaignCost Cost { get; init; }

    /// <summary>Null unless asked for.</summary>
    public Breakdown? Breakdown { get; init; }
}

/// <param name="OfAudience">Its share of the audience.</param>
/// <param name="OfPrevious">Its share of the step before; null: there is none, or it is empty.</param>
public sealed record FunnelStep(string Step, int Count, double? OfAudience, double? OfPrevious)
{
    public static IReadOnlyList<FunnelStep> Of(Counts c, int converted)
    {
        (string Step, int Count)[] steps =
            [("audience", c.Audience), ("sent", c.Sent), ("delivered", c.Delivered), ("opened", c.Opened), ("clicked", c.Clicked), ("converted", converted)];
        return [.. steps.Select((s, i) => new FunnelStep(s.Step, s.Count, Share(s.Count, c.Audience), i == 0 ? null : Share(s.Count, steps[i - 1].Count)))];
    }

    private static double? Share(int count, int of) => of == 0 ? null : Math.Round((double)count / of, 6);
}

/// <param name="Delivered">Of those sent.</param>
/// <param name="Failed">Of those sent: refused and bounced after the vendor had accepted them, and refused at once.</param>
/// <param name="Opened">Of those delivered, by people.</param>
/// <param name="Clicked">Of those delivered, by people.</param>
/// <param name="ClickedOfOpened">Of those opened, by people.</param>
/// <param name="Unsubscribed">Of those delivered.</param>
/// <param name="Complained">Of those delivered.</param>
/// <param name="Converted">Of those sent: an order is put down to the message.</param>
public sealed record Rates(Rate Delivered, Rate Failed, Rate Opened, Rate Clicked, Rate ClickedOfOpened, Rate Unsubscribed, Rate Complained, Rate Converted)
{
    public static Rates Of(Counts c, int converted) => new(
        Proportions.Rate(c.Delivered, c.Sent), Proportions.Rate(c.Failed, Math.Max(c.Sent, c.Delivered + c.Failed)), Proportions.Rate(c.Opened, c.Delivered), Proportions.Rate(c.Clicked, c.Delivered),
        Proportions.Rate(c.Clicked, c.Opened), Proportions.Rate(c.Unsubscribed, c.Delivered), Proportions.Rate(c.Complained, c.Delivered), Proportions.Rate(converted, c.Sent));
}

/// <param name="Total">Of orders that count, less what was given back.</param>
/// <param name="PerMessage">Over all messages sent (in a comparison: over all members of the group).</param>
public sealed record Revenue(string Currency, decimal Total, decimal? PerMessage)
{
    public static IReadOnlyList<Revenue> Of(MessageOrders orders, int messages) => [.. orders.Revenue.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r =>
        new Revenue(r.Key, Money.ToMajor(r.Value, r.Key), messages == 0 ? null : decimal.Round(Money.ToMajor(r.Value, r.Key) / messages, 4)))];
}

/// <summary>Orders that are put down to the campaign's messages: the last click before them, else the last delivery.</summary>
/// <param name="Messages">With at least one order.</param>
/// <param name="AfterClick">Orders after a click; the others came after a delivery without one.</param>
public sealed record Conversions(int Messages, int Orders, int AfterClick, IReadOnlyList<Revenue> Revenue)
{
    public static Conversions Of(int messages, MessageOrders orders, int sent) => new(messages, orders.Orders, orders.AfterClick, Delivery.Revenue.Of(orders, sent));
}

public enum ComparisonOutcome
{
    /// <summary>The groups may well be alike: there is no difference, or there are too few members to see it.</summary>
    Undecided,
    MoreOrders,
    FewerOrders,
}

/// <param name="Members">Who was chosen for the group, whatever became of the message.</param>
/// <param name="Converted">Members who ordered within the window, whatever they clicked.</param>
public sealed record ComparisonGroup(int Members, Rate Converted, int Orders, IReadOnlyList<Revenue> Revenue);

/// <summary>
/// Whether the campaign made a difference: who was chosen to be written to, against who was held out by chance. Both by all
/// their orders within the window after the message was sent or held out, and not by what is put down to a message.
/// </summary>
/// <param name="Difference">Of the shares that ordered.</param>
/// <param name="AdditionalConversions">What that difference makes over all that were written to; no more certain than it is.</param>
public sealed record HoldoutComparison(ComparisonGroup Sent, ComparisonGroup HeldOut, Difference Difference, ComparisonOutcome Outcome, double? AdditionalConversions);

/// <param name="Messages">What vendors charge for the messages that they accepted, by the settings' prices when they were handed over.</param>
/// <param name="Unpriced">Messages of these for which there was no price.</param>
/// <param name="RequestUnits">What the database charged for freezing the audience, sending, receipts and telling the customers; reading statistics is not in it.</param>
/// <param name="Database">These units at the settings' price.</param>
public sealed record CampaignCost(decimal Messages, int Unpriced, double RequestUnits, decimal? Database, string Currency);
