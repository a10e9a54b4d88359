using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>A customer from all sides.</summary>
/// <param name="Customer">Profile, consent, totals, visits and engagement.</param>
/// <param name="Orders">The newest first, at most <see cref="ReadOverview.Orders"/>; the rest is at <c>/orders</c>.</param>
/// <param name="Messages">The last ones, newest first, with what is known of each by now.</param>
/// <param name="TopCategories">By spend, at most five.</param>
/// <param name="LifetimeDays">Whole days since the customer was created or ordered first, whichever came first.</param>
/// <param name="Rhythm">Null with fewer than three orders: two tell one gap, which is no rhythm.</param>
public sealed record CustomerOverview(
    CustomerView Customer, IReadOnlyList<SegmentName> Segments, IReadOnlyList<OrderView> Orders, IReadOnlyList<RecentMessage> Messages,
    IReadOnlyList<TopCategory> TopCategories, int LifetimeDays, OrderRhythm? Rhythm);

/// <param name="Name">Null for a moment after the segment was made or deleted.</param>
public sealed record SegmentName(string Id, string? Name);

/// <param name="Share">Of what was spent in categories, 0 to 1.</param>
public sealed record TopCategory(string Name, int Count, decimal Spend, decimal Share, DateTimeOffset LastAt);

/// <summary>Figures over the orders that count. No forecast: what the gaps between them were, and when that gap will have passed again.</summary>
/// <param name="AverageDaysBetween">First to last order, divided by the gaps.</param>
/// <param name="NextAt">The last order and that average.</param>
public sealed record OrderRhythm(decimal AverageDaysBetween, int DaysSinceLast, DateTimeOffset NextAt, bool IsOverdue);

/// <summary>The 360° view: profile, totals and orders share a partition, so it is one query, and segments have their names from memory.</summary>
public sealed class ReadOverview(OrderStore orders, CustomerStore customers, OrderViews views, CustomerViews customerViews, ISegmentTagger segments, IOptions<WorkspaceOptions> options, TimeProvider clock)
{
    public const int Orders = 20;

    private readonly string currency = options.Value.Currency;

    /// <returns>With the ETag of the customer, which every order changes too.</returns>
    public async Task<(CustomerOverview Overview, string ETag)> HandleAsync(string customerId, CancellationToken cancellation)
    {
        // At most one query every few seconds, and none when somebody else asked just now.
        await segments.RefreshAsync(cancellation);
        var found = await orders.ReadNewestAsync(customerId, Orders, cancellation) ?? throw await customers.MissingAsync(customerId, cancellation);
        var customer = found.Customer.Value;
        var now = clock.GetUtcNow();
        var since = customer.FirstOrderAt < customer.CreatedAt ? customer.FirstOrderAt.Value : customer.CreatedAt;
        return (
            new(
                customerViews.Of(customer),
                [.. customer.SegmentIds.Select(id => new SegmentName(id, segments.NameOf(id)))],
                [.. found.Orders.Values.Select(o => o.Value).OrderByDescending(o => o.SortKey, StringComparer.Ordinal).Select(views.Of)],
                RecentMessage.Of(customer),
                TopCategories(customer),
                Math.Max(0, (int)(now - since).TotalDays),
                Rhythm(customer, now)),
            found.Customer.ETag);
    }

    private List<TopCategory> TopCategories(Customer customer)
    {
        var total = Math.Max(1, customer.Categories.Values.Sum(c => c.Spend));
        return [.. customer.Categories
            .OrderByDescending(c => c.Value.Spend).ThenBy(c => c.Key, StringComparer.Ordinal).Take(5)
            .Select(c => new TopCategory(
                c.Key, c.Value.Count, Money.ToMajor(c.Value.Spend, currency), decimal.Round((decimal)c.Value.Spend / total, 4), c.Value.LastAt))];
    }

    internal static OrderRhythm? Rhythm(Customer customer, DateTimeOffset now)
    {
        if (customer is not { OrderCount: >= 3, FirstOrderAt: { } first, LastOrderAt: { } last })
        {
            return null;
        }

        var gap = (last - first) / (customer.OrderCount - 1);
        var next = last + gap;
        return new(decimal.Round((decimal)gap.TotalDays, 1), Math.Max(0, (int)(now - last).TotalDays), next, now > next);
    }
}

/// <summary>A message to the customer, and what is known of it by now.</summary>
/// <param name="Status"><c>sent</c>, <c>delivered</c>, <c>failed</c>, <c>bounced</c> or <c>unknown</c>.</param>
/// <param name="At">When the status came about.</param>
public sealed record RecentMessage(
    string Id, string CampaignId, string Channel, string Status, DateTimeOffset At, DateTimeOffset? SentAt, DateTimeOffset? OpenedAt, DateTimeOffset? ClickedAt)
{
    /// <summary>The newest first.</summary>
    public static IReadOnlyList<RecentMessage> Of(Customer customer) =>
        [.. customer.Messages.Where(m => !m.IsHeldOut)
            .Select(m => new RecentMessage(m.Id, m.CampaignId, m.Channel, m.Status, m.At, m.SentAt, m.OpenedAt, m.ClickedAt))
            .OrderByDescending(m => m.SentAt ?? m.At)];
}
