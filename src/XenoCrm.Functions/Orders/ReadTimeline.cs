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
/// What happened to a customer, newest first. Everything is taken from what the customer's partition keeps: orders with
/// their changes, and of visits, messages and answers about consent the last ones. Old orders change too, so the newest
/// events are not with the newest orders: a page merges the orders by when they were placed with those by when they last
/// changed, each read by its key from the page's start, and those that have changed before it and again after it.
/// However many orders there are, a page reads about as many as it shows.
/// </summary>
public sealed class ReadTimeline(OrderStore orders, CustomerStore customers, Cursors cursors, IOptions<WorkspaceOptions> options)
{
    private const string Placed = "order:000:";

    private readonly string currency = options.Value.Currency;

    /// <summary>What the timeline is ordered by.</summary>
    internal static string KeyOf(DateTimeOffset at, string id) => UtcTimeConverter.Write(at) + id;

    /// <summary>The event's id of a change. The number, which may be anything, is last: no number looks like another one's change.</summary>
    internal static string IdOf(Order order, int change) => $"order:{change + 1:D3}:{order.OrderNumber}";

    public async Task<Page<TimelineEvent>> HandleAsync(HttpRequest request, string customerId, CancellationToken cancellation)
    {
        var list = "timeline/" + customerId;
        var page = PageRequest.From(request, cursors, list);
        var customer = (await customers.ReadAsync(customerId, cancellation) ?? throw await customers.MissingAsync(customerId, cancellation)).Value;
        var wanted = page.Limit + 1;
        var newest = new Newest(wanted, page.Position);
        newest.Add(Of(customer));

        var found = await Task.WhenAll(
            orders.PlacedBeforeAsync(customerId, PlacedBound(customerId, page.Position), wanted, cancellation),
            orders.ChangedBeforeAsync(customerId, page.Position, wanted, cancellation));
        newest.Add(found.SelectMany(o => o).DistinctBy(o => o.OrderNumber).SelectMany(Of));
        if (page.Position is { } position)
        {
            await foreach (var order in orders.ChangedAroundAsync(customerId, position, newest.Least, cancellation))
            {
                newest.Add(Of(order));
            }
        }

        return page.Of(newest.Events, cursors, list, e => e, e => KeyOf(e.At, e.Id));
    }

    /// <summary>Orders with a lower <see cref="Order.SortKey"/> were placed before the event with this key.</summary>
    private static string? PlacedBound(string customerId, string? key)
    {
        if (key is null)
        {
            return null;
        }

        var (time, id) = (key[..UtcTimeConverter.Length], key[UtcTimeConverter.Length..]);
        return id.StartsWith(Placed, StringComparison.Ordinal) ? $"{time}{customerId}{id[Placed.Length..]}"
            : string.CompareOrdinal(Placed, id) < 0 ? time + Customer.LastSortKey
            : time;
    }

    /// <summary>The newest of many events, each once.</summary>
    private sealed class Newest(int count, string? before)
    {
        private readonly SortedList<string, TimelineEvent> kept = new(count + 1, StringComparer.Ordinal);

        public IReadOnlyList<TimelineEvent> Events => [.. kept.Values.Reverse()];

        /// <summary>Events before this key are not among them any more; null: any is.</summary>
        public string? Least => kept.Count == count ? kept.GetKeyAtIndex(0) : null;

        public void Add(IEnumerable<TimelineEvent> events)
        {
            foreach (var happened in events)
            {
                var key = KeyOf(happened.At, happened.Id);
                if ((before is null || string.CompareOrdinal(key, before) < 0) && kept.TryAdd(key, happened) && kept.Count > count)
                {
                    kept.RemoveAt(0);
                }
            }
        }
    }

    private IEnumerable<TimelineEvent> Of(Order order)
    {
        var id = OrderViews.IdOf(order.CustomerId, order.OrderNumber);
        yield return new(Placed + order.OrderNumber, TimelineKind.OrderPlaced, order.PlacedAt)
        {
            OrderId = id, OrderNumber = order.OrderNumber, Amount = Major(order.Amount), Status = order.FirstStatus, Source = order.Source,
        };

        for (var i = 0; i < order.Changes.Count; i++)
        {
            var change = order.Changes[i];
            var isStep = change.From != change.To;
            yield return new(IdOf(order, i), isStep ? TimelineKind.OrderStatusChanged : TimelineKind.OrderRefunded, change.At)
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
