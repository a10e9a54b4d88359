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

    /// <summary>And 2 MB, kept well below.</summary>
    private const int MaxBytes = 1_000_000;

    private readonly Dictionary<string, Order> working = [];
    private int bytes;

    public Versioned<Customer> Before { get; } = customer;

    /// <summary>With the totals that follow from <see cref="Writes"/>; null when they must be summed up anew.</summary>
    public Customer? After { get; private set; } = customer.Value;

    /// <summary>Orders to create (no ETag) or to replace.</summary>
    public IEnumerable<(Order Order, string? ETag)> Writes =>
        working.Values.Select(o => (o, known.TryGetValue(o.OrderNumber, out var stored) ? stored.ETag : null));

    public bool HasWrites => working.Count > 0;

    public List<(int Index, WriteResult Result)> Results { get; } = [];

    /// <returns>False when the transaction is full: the row belongs to the next.</returns>
    public bool TryAdd(int index, OrderRow row)
    {
        var draft = row.Draft;
        var current = working.TryGetValue(draft.OrderNumber, out var changed) ? changed
            : known.TryGetValue(draft.OrderNumber, out var stored) ? stored.Value : null;

        if (ImportMark.EffectOf(current?.Import, options.ImportId, row.Row) is { } done)
        {
            Results.Add((index, new(done, Before.Value.Id)));
            return true;
        }

        if (Refuse(current, draft) is { } failure)
        {
            Results.Add((index, failure));
            return true;
        }

        var order = current is null ? Create(draft) : Overlay(current, draft);
        if (ReferenceEquals(order, current))
        {
            Results.Add((index, new(WriteOutcome.Unchanged, Before.Value.Id)));
            return true;
        }

        var size = 400 + (order.Items.Count * 700);
        if (changed is null && working.Count > 0 && (working.Count == MaxOrders || bytes + size > MaxBytes))
        {
            return false;
        }

        if (options.ImportId is { } import)
        {
            order = order with { Import = ImportMark.Add(current?.Import, import, row.Row, current is null) };
        }

        var after = After is null ? null : current is null ? After : OrderTotals.TryRemove(After, current);
        after = after is null ? null : OrderTotals.Add(after, order);
        if (after?.TotalSpend > OrderTotals.MaxTotal)
        {
            Results.Add((index, WriteResult.Failed(OrderCodes.TotalTooLarge, "The customer's total would be too large to be exact.")));
            return true;
        }

        After = after;
        working[draft.OrderNumber] = order;
        bytes += size;
        Results.Add((index, new(current is null ? WriteOutcome.Created : WriteOutcome.Updated, Before.Value.Id)));
        return true;
    }

    /// <summary>The totals over everything, when step by step was not possible.</summary>
    public Customer SumUp(IEnumerable<Order> stored) =>
        OrderTotals.Of(Before.Value, stored.Where(o => !working.ContainsKey(o.OrderNumber)).Concat(working.Values));

    private static WriteResult? Refuse(Order? current, OrderDraft draft)
    {
        if (current is null && draft.Amount is null)
        {
            return WriteResult.Failed(OrderCodes.AmountMissing, "A new order needs its amount.");
        }

        return current is not null && draft.Status is { } status && !OrderFlow.Allows(current.Status, status)
            ? WriteResult.Failed(OrderCodes.StatusInvalid, $"An order that is {Name(current.Status)} does not become {Name(status)}.")
            : null;
    }

    private static string Name(OrderStatus status) => status.ToString().ToLowerInvariant();

    private Order Create(OrderDraft draft) => new()
    {
        CustomerId = Before.Value.Id,
        OrderNumber = draft.OrderNumber,
        Amount = draft.Amount!.Value,
        Currency = draft.Currency,
        Status = draft.Status ?? OrderStatus.Placed,
        PlacedAt = draft.PlacedAt ?? now,
        Items = draft.Items ?? [],
        Source = draft.Source ?? options.Source,
        CreatedAt = now,
        UpdatedAt = now,
    };

    private Order Overlay(Order order, OrderDraft draft)
    {
        var after = order with
        {
            Amount = draft.Amount ?? order.Amount,
            Status = draft.Status ?? order.Status,
            PlacedAt = draft.PlacedAt ?? order.PlacedAt,
            Items = draft.Items is null || draft.Items.SequenceEqual(order.Items) ? order.Items : draft.Items,
            Source = draft.Source ?? order.Source,
        };
        return after == order ? order : after with { UpdatedAt = now };
    }
}
