using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;

namespace XenoCrm.Orders;

public enum TimelineKind
{
    CustomerCreated,
    OrderPlaced,
    OrderStatusChanged,

    /// <summary>Some of the amount was given back; the status stayed.</summary>
    OrderRefunded,
    Visit,

    /// <summary>A message was sent, or could not be; the status is the one it has by now.</summary>
    Message,
    MessageOpened,
    MessageClicked,
    ConsentChanged,

    /// <summary>An import created or changed the customer; the time is the import's.</summary>
    Imported,

    /// <summary>Another customer became part of this one, and what it did is here too.</summary>
    Merged,
}

/// <summary>One thing that happened. Members that do not belong to its type are absent.</summary>
/// <param name="Id">Unique within the customer's timeline, and always the same for the same event.</param>
public sealed record TimelineEvent(string Id, TimelineKind Type, DateTimeOffset At)
{
    public string? OrderId { get; init; }
    public string? OrderNumber { get; init; }
    public decimal? Amount { get; init; }

    /// <summary>Given back in all by then.</summary>
    public decimal? RefundedAmount { get; init; }
    public OrderStatus? FromStatus { get; init; }
    public OrderStatus? Status { get; init; }
    public string? Channel { get; init; }
    public ConsentState? State { get; init; }
    public string? Source { get; init; }
    public string? MessageId { get; init; }
    public string? CampaignId { get; init; }
    public string? MessageStatus { get; init; }
    public string? ImportId { get; init; }

    /// <summary>The id that the other customer had.</summary>
    public string? MergedId { get; init; }
}

/// <summary>
/// What happened to a customer, newest first. Everything is taken from what the customer's partition keeps: all orders
/// with their changes, and of visits, messages and answers about consent the last ones. A page reads the partition
/// (one request per thousand orders): old orders change too, so the newest events are not with the newest orders.
/// </summary>
public sealed class ReadTimeline(OrderStore orders, CustomerStore customers, Cursors cursors, IOptions<WorkspaceOptions> options)
{
    private readonly string currency = options.Value.Currency;

    public async Task<Page<TimelineEvent>> HandleAsync(HttpRequest request, string customerId, CancellationToken cancellation)
    {
        var list = "timeline/" + customerId;
        var page = PageRequest.From(request, cursors, list);
        var all = await orders.ReadAllAsync(customerId, cancellation) ?? throw await customers.MissingAsync(customerId, cancellation);
        var customer = all.Customer.Value;
        var events = Of(customer).Concat(all.Orders.Values.SelectMany(o => Of(o.Value)))
            .Select(e => (Event: e, Key: $"{UtcTimeConverter.Write(e.At)}{e.Id}"))
            .Where(e => page.Position is null || string.CompareOrdinal(e.Key, page.Position) < 0)
            .OrderByDescending(e => e.Key, StringComparer.Ordinal)
            .Take(page.Limit + 1)
            .ToList();
        var more = events.Count > page.Limit;
        return new([.. events.Take(page.Limit).Select(e => e.Event)], more ? cursors.Protect(list, events[page.Limit - 1].Key) : null);
    }

    private IEnumerable<TimelineEvent> Of(Order order)
    {
        // The number, which may be anything, is last: no number looks like another one's change.
        var id = OrderViews.IdOf(order.CustomerId, order.OrderNumber);
        yield return new($"order:000:{order.OrderNumber}", TimelineKind.OrderPlaced, order.PlacedAt)
        {
            OrderId = id, OrderNumber = order.OrderNumber, Amount = Major(order.Amount), Status = order.FirstStatus, Source = order.Source,
        };

        for (var i = 0; i < order.Changes.Count; i++)
        {
            var change = order.Changes[i];
            var isStep = change.From != change.To;
            yield return new($"order:{i + 1:D3}:{order.OrderNumber}", isStep ? TimelineKind.OrderStatusChanged : TimelineKind.OrderRefunded, change.At)
            {
                OrderId = id, OrderNumber = order.OrderNumber, FromStatus = isStep ? change.From : null, Status = change.To,
                RefundedAmount = change.Refunded > 0 || !isStep ? Major(change.Refunded) : null,
            };
        }
    }

    private static IEnumerable<TimelineEvent> Of(Customer customer)
    {
        yield return new("created", TimelineKind.CustomerCreated, customer.CreatedAt) { Source = customer.Source };

        // Two visits at one moment are two events: they are numbered.
        var visits = customer.Past.Where(p => p.Channel is null).Select(p => p.At);
        visits = customer.LastVisitAt is { } last ? visits.Append(last) : visits;
        foreach (var (at, n) in visits.GroupBy(v => v).SelectMany(g => g.Select((v, n) => (v, n))))
        {
            yield return new($"visit:{at.ToUnixTimeMilliseconds()}:{n}", TimelineKind.Visit, at);
        }

        var answers = customer.Past.Where(p => p.Channel is not null).Concat(customer.Consent.Select(c => PastEvent.Of(c.Key, c.Value)));
        foreach (var (answer, n) in answers.GroupBy(a => (a.At, a.Channel)).SelectMany(g => g.Select((a, n) => (a, n))))
        {
            yield return new($"consent:{answer.Channel}:{answer.At.ToUnixTimeMilliseconds()}:{n}", TimelineKind.ConsentChanged, answer.At) { Channel = answer.Channel, State = answer.State, Source = answer.Source };
        }

        foreach (var message in customer.Messages.Where(m => !m.IsHeldOut))
        {
            TimelineEvent Event(string what, TimelineKind kind, DateTimeOffset at) => new($"{what}:{message.Id}", kind, at)
            {
                MessageId = message.Id, CampaignId = message.CampaignId, Channel = message.Channel,
                MessageStatus = kind == TimelineKind.Message ? message.Status : null,
            };
            yield return Event("message", TimelineKind.Message, message.SentAt ?? message.At);
            if (message.OpenedAt is { } opened)
            {
                yield return Event("opened", TimelineKind.MessageOpened, opened);
            }

            if (message.ClickedAt is { } clicked)
            {
                yield return Event("clicked", TimelineKind.MessageClicked, clicked);
            }
        }

        foreach (var other in customer.Merged ?? [])
        {
            yield return new($"merged:{other.Id}", TimelineKind.Merged, other.At) { MergedId = other.Id };
        }

        // An import's id tells when it began; other ids tell nothing, and no time is made up.
        foreach (var import in customer.Imports)
        {
            if (Ids.TimeOf(import.Id) is { } began)
            {
                yield return new($"import:{import.Id}", TimelineKind.Imported, began) { ImportId = import.Id };
            }
        }
    }

    private decimal Major(long minor) => Money.ToMajor(minor, currency);
}
