using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>
/// What rows do to one customer's orders and totals: decided from what was read, in the order of the rows, without
/// touching storage. Orders that were not read are taken for new; the write says so if they are not.
/// </summary>
internal sealed class OrderPlan(
    Versioned<Customer> customer, IReadOnlyDictionary<string, Versioned<Order>> known, OrderOptions options, DateTimeOffset now)
{
    /// <summary>A transaction takes 100 operations, one of which is the customer.</summary>
    public const int MaxOrders = 99;

    /// <summary>Before that it is a date that was not understood.</summary>
    private static readonly DateTimeOffset Earliest = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly DateTimeOffset now = OrderNormalizer.ToMilliseconds(now);
    private readonly Dictionary<string, Order> working = [];
    private readonly Dictionary<string, long> rows = [];
    private readonly Dictionary<string, int> sizes = [];
    private int bytes;

    public Versioned<Customer> Before { get; } = customer;

    /// <summary>With the totals that follow from <see cref="Writes"/>; null when they must be summed up anew.</summary>
    public Customer? After { get; private set; } = customer.Value;

    /// <summary>Orders to create (no ETag) or to replace.</summary>
    public IEnumerable<(Order Order, string? ETag)> Writes =>
        working.Values.Select(o => (o, known.TryGetValue(o.OrderNumber, out var stored) ? stored.ETag : null));

    /// <summary>As an import's journal keeps it.</summary>
    public IReadOnlyList<JournalItem> Items => [.. working.Values.Select(o => known.TryGetValue(o.OrderNumber, out var stored)
        ? new JournalItem(o.Id, Fields: OrderFields.All.Between(stored.Value, o), Row: rows[o.OrderNumber])
        : new JournalItem(o.Id, OrderFields.All.Print(o), Row: rows[o.OrderNumber]))];

    public bool Changes(string orderNumber) => working.ContainsKey(orderNumber);

    public bool HasWrites => working.Count > 0;

    public List<(int Index, WriteResult Result)> Results { get; } = [];

    /// <returns>False when the transaction is full: the row belongs to the next.</returns>
    public bool TryAdd(int index, OrderRow row)
    {
        var draft = row.Draft;
        var current = working.TryGetValue(draft.OrderNumber, out var changed) ? changed
            : known.TryGetValue(draft.OrderNumber, out var stored) ? stored.Value : null;

        if (current is null && draft.Amount is null && Order.SumOf(draft.Items) is null)
        {
            Results.Add((index, WriteResult.Failed(OrderCodes.AmountMissing, "A new order needs its amount or its items.")));
            return true;
        }

        if (options.MayRepeatHistory && current is not null)
        {
            draft = WithoutHistory(current, draft);
        }

        var order = current is null ? Create(draft) : Overlay(current, draft);
        if (Refuse(current, order, draft) is { } failure)
        {
            Results.Add((index, failure));
            return true;
        }

        if (ReferenceEquals(order, current))
        {
            Results.Add((index, new(WriteOutcome.Unchanged, Before.Value.Id)));
            return true;
        }

        // A row may make an order larger that is in the transaction already.
        var size = OrderStore.SizeOf(order);
        var grown = bytes - sizes.GetValueOrDefault(draft.OrderNumber) + size;
        var hasOthers = working.Count > (changed is null ? 0 : 1);
        if (hasOthers && (grown > OrderStore.MaxBytes || (changed is null && working.Count == MaxOrders)))
        {
            return false;
        }

        var after = After is null ? null : current is null ? After : OrderTotals.TryRemove(After, current);
        after = after is null ? null : OrderTotals.Add(after, order);
        if (after?.TotalSpend > OrderTotals.MaxTotal)
        {
            Results.Add((index, WriteResult.Failed(OrderCodes.TotalTooLarge, "The customer's total would be too large to be exact.")));
            return true;
        }

        if (BringsTooManyCategories(after, order))
        {
            Results.Add((index, WriteResult.Failed(OrderCodes.TooManyCategories, $"The orders of one customer have at most {OrderTotals.MaxCategories} categories.")));
            return true;
        }

        After = after;
        working[draft.OrderNumber] = order;
        rows[draft.OrderNumber] = row.Row;
        sizes[draft.OrderNumber] = size;
        bytes = grown;
        Results.Add((index, new(current is null ? WriteOutcome.Created : WriteOutcome.Updated, Before.Value.Id)));
        return true;
    }

    /// <summary>The totals over everything, when step by step was not possible.</summary>
    public Customer SumUp(IEnumerable<Order> stored) =>
        OrderTotals.Of(Before.Value, stored.Where(o => !working.ContainsKey(o.OrderNumber)).Concat(working.Values));

    /// <summary>While the totals are not known (null) none is taken to have gone.</summary>
    private bool BringsTooManyCategories(Customer? after, Order order)
    {
        if (after is not null)
        {
            return after.Categories.Count > Math.Max(OrderTotals.MaxCategories, After!.Categories.Count);
        }

        var before = Before.Value.Categories;
        return OrderFlow.Counts(order.Status) && order.Items.Any(i => i.Category is { } c && !before.ContainsKey(c))
            && working.Values.Append(order).SelectMany(o => o.Items).Select(i => i.Category).OfType<string>().Union(before.Keys).Count() > OrderTotals.MaxCategories;
    }

    private WriteResult? Refuse(Order? current, Order order, OrderDraft draft)
    {
        if (draft.PlacedAt is { } at && (at < Earliest || at > now.AddDays(1)))
        {
            return WriteResult.Failed(OrderCodes.DateInvalid, $"An order was placed after {Earliest:yyyy} and not in the future.");
        }

        if (current is not null && !OrderFlow.Allows(current.Status, order.Status))
        {
            return WriteResult.Failed(OrderCodes.StatusInvalid, $"An order that is {Name(current.Status)} does not become {Name(order.Status)}.");
        }

        if (order.Refunded > order.Amount)
        {
            return WriteResult.Failed(OrderCodes.RefundInvalid, "More would be given back than the order's amount.");
        }

        if (draft.Refunded is { } wanted && wanted != order.Refunded)
        {
            return WriteResult.Failed(OrderCodes.RefundInvalid, "Of an order that is refunded all is given back.");
        }

        if (order.Refunded == order.Amount && order.Refunded > 0 && OrderFlow.Counts(order.Status))
        {
            return WriteResult.Failed(OrderCodes.RefundInvalid, "An order of which all is given back is refunded.");
        }

        if (order.Refunded != (current?.Refunded ?? 0) && order.Status is OrderStatus.Placed or OrderStatus.Cancelled)
        {
            return WriteResult.Failed(OrderCodes.RefundInvalid, $"Of an order that is {Name(order.Status)} nothing is given back.");
        }

        return order.Changes.Count > Order.MaxChanges
            ? WriteResult.Failed(OrderCodes.TooManyChanges, $"An order keeps {Order.MaxChanges} changes of its status and refunds.")
            : null;
    }

    /// <summary>A row that says what the order was earlier says nothing of its status, nor does it take back what was refunded since.</summary>
    private static OrderDraft WithoutHistory(Order order, OrderDraft draft) =>
        draft.Status is { } status && status != order.Status && order.Changes.Any(c => c.From == status)
            ? draft with { Status = null, Refunded = draft.Refunded < order.Refunded ? null : draft.Refunded }
            : draft;

    private static string Name(OrderStatus status) => status.ToString().ToLowerInvariant();

    private Order Create(OrderDraft draft)
    {
        var amount = draft.Amount ?? Order.SumOf(draft.Items)!.Value;
        var (status, refunded) = Settle(OrderStatus.Placed, draft.Status, draft.Refunded ?? 0, amount);
        return new()
        {
            CustomerId = Before.Value.Id,
            OrderNumber = draft.OrderNumber,
            Amount = amount,
            Refunded = refunded,
            Currency = draft.Currency,
            Status = status,
            PlacedAt = draft.PlacedAt ?? now,
            Items = draft.Items ?? [],
            Source = draft.Source ?? options.Source,
            CreatedAt = now,
            UpdatedAt = now,
        };
    }

    private Order Overlay(Order order, OrderDraft draft)
    {
        var amount = draft.Amount ?? order.Amount;
        var (status, refunded) = Settle(order.Status, draft.Status, draft.Refunded ?? order.Refunded, amount);
        var after = order with
        {
            Amount = amount,
            Refunded = refunded,
            Status = status,
            PlacedAt = draft.PlacedAt ?? order.PlacedAt,
            Items = draft.Items is null || draft.Items.SequenceEqual(order.Items) ? order.Items : draft.Items,
            Source = draft.Source ?? order.Source,
        };
        if (after == order)
        {
            return order;
        }

        return status == order.Status && refunded == order.Refunded
            ? after with { UpdatedAt = now }
            : after with { UpdatedAt = now, Changes = [.. order.Changes, new(now, order.Status, status, refunded)] };
    }

    /// <summary>Of an order that is refunded all was given back; and one of which all was given back is refunded, unless another status is sent.</summary>
    private static (OrderStatus Status, long Refunded) Settle(OrderStatus current, OrderStatus? sent, long refunded, long amount) => (sent ?? current) switch
    {
        OrderStatus.Refunded => (OrderStatus.Refunded, amount),
        var status when sent is null && status != OrderStatus.Cancelled && refunded == amount && refunded > 0 => (OrderStatus.Refunded, amount),
        var status => (status, refunded),
    };
}
