using Microsoft.Extensions.Options;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>How long after a message an order is put down to it. A part of the settings of sending.</summary>
public sealed class AttributionOptions
{
    public const string Section = "Delivery:Attribution";

    /// <summary>After a click. An order within so long after a message is sent also counts in the comparison with a holdout.</summary>
    public TimeSpan ClickWindow { get; set; } = TimeSpan.FromDays(7);

    /// <summary>After the delivery of a message, where nothing was clicked.</summary>
    public TimeSpan DeliveryWindow { get; set; } = TimeSpan.FromDays(3);
}

public enum CreditBasis
{
    Click,
    Delivery,
}

/// <summary>The message that an order is put down to.</summary>
/// <param name="At">When it was clicked, or delivered.</param>
/// <param name="Variant">The name, when the campaign has several.</param>
public sealed record Credit(string CampaignId, string MessageId, CreditBasis Basis, DateTimeOffset At, string? Variant = null);

/// <summary>A campaign with a holdout whose member the customer was, in either group, not long before the order.</summary>
/// <param name="At">When the message was sent, or withheld.</param>
public sealed record Exposure(string CampaignId, string MessageId, DateTimeOffset At, bool HeldOut);

/// <summary>
/// Puts an order down to the message that was clicked last before it, else to the one that was delivered last, each within
/// its window: a function of the order and of the messages that the customer knows, and of nothing else. So it does not
/// matter which of them came first, or how often it is asked.
/// </summary>
/// <remarks>
/// A customer knows the latest messages, and older ones as long as orders may be put down to them
/// (<see cref="CustomerMessage.Keep"/>). What an order was put down to while the customer knew it still holds; a message
/// that is known again counts as it is now.
/// The groups of a campaign with a holdout are compared by other means, because who was not written to cannot click: in
/// both groups every order within <see cref="AttributionOptions.ClickWindow"/> counts, whatever else was clicked.
/// </remarks>
public sealed class Attribution(IOptions<AttributionOptions> options)
{
    private readonly TimeSpan clickWindow = options.Value.ClickWindow;
    private readonly TimeSpan deliveryWindow = options.Value.DeliveryWindow;

    /// <returns>The same order when nothing changes.</returns>
    public Order Credit(Order order, IReadOnlyList<CustomerMessage> messages)
    {
        var best = KeptCredit(order, messages);
        var exposures = KeptExposures(order, messages);
        foreach (var message in messages)
        {
            if (CreditOf(order, message) is { } credit && (best is null || Compare(credit, best) > 0))
            {
                best = credit;
            }

            var sent = message.SentAt ?? message.At;
            if (message.IsCompared && IsWithin(sent, order.PlacedAt, clickWindow))
            {
                (exposures ??= []).Add(new(message.CampaignId, message.Id, sent, message.IsHeldOut));
            }
        }

        return Set(order, best, exposures);
    }

    private Credit? CreditOf(Order order, CustomerMessage message)
    {
        if (LastClick(message, order.PlacedAt) is { } click && IsWithin(click, order.PlacedAt, clickWindow))
        {
            return new(message.CampaignId, message.Id, CreditBasis.Click, click, message.Variant);
        }

        return message.DeliveredAt is { } delivered && IsWithin(delivered, order.PlacedAt, deliveryWindow)
            ? new(message.CampaignId, message.Id, CreditBasis.Delivery, delivered, message.Variant)
            : null;
    }

    private static DateTimeOffset? LastClick(CustomerMessage message, DateTimeOffset before)
    {
        for (var i = (message.LaterClicks?.Count ?? 0) - 1; i >= 0; i--)
        {
            if (message.LaterClicks![i] <= before)
            {
                return message.LaterClicks[i];
            }
        }

        return message.ClickedAt <= before ? message.ClickedAt : null;
    }

    private Credit? KeptCredit(Order order, IReadOnlyList<CustomerMessage> messages) =>
        order.Credit is { } credit && !Knows(messages, credit.MessageId)
            && IsWithin(credit.At, order.PlacedAt, credit.Basis == CreditBasis.Click ? clickWindow : deliveryWindow) ? credit : null;

    private List<Exposure>? KeptExposures(Order order, IReadOnlyList<CustomerMessage> messages) =>
        order.Compared?.Where(e => !Knows(messages, e.MessageId) && IsWithin(e.At, order.PlacedAt, clickWindow)).ToList() is { Count: > 0 } kept ? kept : null;

    private static Order Set(Order order, Credit? credit, List<Exposure>? exposures)
    {
        exposures?.Sort((a, b) => string.CompareOrdinal(a.MessageId, b.MessageId));
        return credit == order.Credit && (exposures ?? []).SequenceEqual(order.Compared ?? []) ? order : order with { Credit = credit, Compared = exposures };
    }

    private static bool Knows(IReadOnlyList<CustomerMessage> messages, string id) => messages.Any(m => m.Id == id);

    private static bool IsWithin(DateTimeOffset from, DateTimeOffset placedAt, TimeSpan window) => from <= placedAt && placedAt - from <= window;

    private static int Compare(Credit a, Credit b)
    {
        // A click before any delivery.
        var order = b.Basis.CompareTo(a.Basis);
        order = order != 0 ? order : a.At.CompareTo(b.At);
        return order != 0 ? order : string.CompareOrdinal(a.MessageId, b.MessageId);
    }
}
