using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform;

namespace XenoCrm.Orders;

/// <summary>What a PATCH of an order may say; absent members stay.</summary>
public sealed record OrderPatch
{
    public OrderStatus? Status { get; init; }

    /// <summary>Major units.</summary>
    [Range(0, (double)OrderNormalizer.MaxAmount)]
    public decimal? Amount { get; init; }

    /// <summary>Major units given back so far in all, so that a repeat gives nothing back twice. All of the amount makes the order refunded.</summary>
    [Range(0, (double)OrderNormalizer.MaxAmount)]
    public decimal? RefundedAmount { get; init; }
    public DateTimeOffset? PlacedAt { get; init; }

    /// <summary>All of them; null or an empty list removes them.</summary>
    [MaxLength(OrderNormalizer.MaxItems)]
    public IReadOnlyList<OrderItemInput>? Items { get; init; }
    [MaxLength(OrderNormalizer.MaxSource)]
    public string? Source { get; init; }
}

/// <summary>Writes single orders for the API.</summary>
public sealed class SaveOrder(OrderStore orders, OrderWriter writer, CustomerStore customers, CustomerTurns turns, OrderViews views, TimeProvider clock)
{
    internal const string Source = "api";

    /// <summary>Writers of other processes that come between; each wait is some 60 ms.</summary>
    private const int MaxAttempts = 300;

    /// <summary>Creates the order; the same again changes nothing, and what differs is updated.</summary>
    public async Task<(Versioned<Order> Order, bool IsNew)> UpsertAsync(OrderInput input, CancellationToken cancellation)
    {
        var draft = Check(input, new());
        var result = (await writer.UpsertAsync([new(draft, 1)], new(Source), cancellation))[0];
        if (result.Outcome == WriteOutcome.Failed)
        {
            throw Refuse(result).ToException();
        }

        var stored = await orders.ReadAsync(result.CustomerId!, [draft.OrderNumber], cancellation);
        return stored is not null && stored.Orders.TryGetValue(draft.OrderNumber, out var order)
            ? (order, result.Outcome == WriteOutcome.Created)
            : throw new OrderNotFound(draft.OrderNumber).ToException();
    }

    public async Task<Versioned<Order>> ReadAsync(string id, CancellationToken cancellation) => (await FindAsync(id, cancellation)).Order;

    /// <param name="body">A JSON merge patch of <see cref="OrderPatch"/>.</param>
    public async Task<Versioned<Order>> PatchAsync(string id, JsonElement body, string? ifMatch, CancellationToken cancellation)
    {
        var (customerId, orderNumber) = Split(id);
        var faults = new BodyFaults();
        var patch = Read(body, faults);
        var draft = Check(new OrderInput
        {
            OrderNumber = orderNumber, Customer = new() { Id = customerId }, Amount = patch.Amount, RefundedAmount = patch.RefundedAmount,
            Status = patch.Status, PlacedAt = patch.PlacedAt, Items = patch.Items, Source = patch.Source,
        }, faults);
        using var turn = await turns.TakeAsync(customerId, cancellation);
        for (var attempt = 0; ; attempt++)
        {
            var (customer, order) = await ReadAsync(id, ifMatch, attempt, cancellation);
            var plan = new OrderPlan(customer, new Dictionary<string, Versioned<Order>> { [orderNumber] = order }, new(Source), clock.GetUtcNow());
            plan.TryAdd(0, new(draft, 1));
            if (plan.Results[0].Result is { Outcome: WriteOutcome.Failed } failure)
            {
                throw Refuse(failure).ToException();
            }

            if (!plan.HasWrites)
            {
                return order;
            }

            if ((plan.After ?? await SumUpAsync(customer, plan.SumUp, cancellation)) is { } after
                && await orders.TryWriteAsync(customers.Derive(after), customer.ETag, plan.Writes, [], cancellation) is not null)
            {
                return await ReadAsync(id, cancellation);
            }
        }
    }

    /// <summary>The order goes and the totals follow; a repeat is 404.</summary>
    public async Task DeleteAsync(string id, string? ifMatch, CancellationToken cancellation)
    {
        var (customerId, orderNumber) = Split(id);
        using var turn = await turns.TakeAsync(customerId, cancellation);
        for (var attempt = 0; ; attempt++)
        {
            var (customer, order) = await ReadAsync(id, ifMatch, attempt, cancellation);
            var after = OrderTotals.TryRemove(customer.Value, order.Value)
                ?? await SumUpAsync(customer, all => OrderTotals.Of(customer.Value, all.Where(o => o.OrderNumber != orderNumber)), cancellation);
            if (after is not null
                && await orders.TryWriteAsync(customers.Derive(after), customer.ETag, [], [(order.Value.Id, order.ETag)], cancellation) is not null)
            {
                return;
            }
        }
    }

    private async Task<(Versioned<Customer> Customer, Versioned<Order> Order)> ReadAsync(string id, string? ifMatch, int attempt, CancellationToken cancellation)
    {
        if (attempt == MaxAttempts)
        {
            throw Refuse(WriteResult.Failed(OrderCodes.Busy, "Others kept changing this customer's orders: try again.")).ToException();
        }

        if (attempt > 0)
        {
            await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(attempt, 5)), cancellation);
        }

        await customers.RefreshSegmentsAsync(cancellation);
        var found = await FindAsync(id, cancellation);
        return ifMatch is null || ifMatch == found.Order.ETag ? found : throw new ETagStale().ToException();
    }

    /// <exception cref="ProblemException">There is no such order, or it is another customer's since the two were merged.</exception>
    private async Task<(Versioned<Customer> Customer, Versioned<Order> Order)> FindAsync(string id, CancellationToken cancellation)
    {
        var (customerId, orderNumber) = Split(id);
        for (var attempt = 0; ; attempt++)
        {
            if (await orders.ReadAsync(customerId, [orderNumber], cancellation) is { } stored)
            {
                return stored.Orders.TryGetValue(orderNumber, out var order) ? (stored.Customer, order) : throw new OrderNotFound(id).ToException();
            }

            var slot = await customers.ReadSlotAsync(customerId, cancellation);
            if (slot is not { IsFrozen: true } || attempt == MaxAttempts)
            {
                slot?.ThrowIfMerged();
                throw new OrderNotFound(id).ToException();
            }

            // Its orders are on their way to the customer that it becomes part of.
            await Task.Delay(RandomNumberGenerator.GetInt32(20, 60), cancellation);
        }
    }

    /// <summary>What only all orders together can tell: which is the first or the last now. Any change of one changes the customer's ETag.</summary>
    /// <returns>Null when the customer is not as it was read any more.</returns>
    private async Task<Customer?> SumUpAsync(Versioned<Customer> customer, Func<IEnumerable<Order>, Customer> sum, CancellationToken cancellation) =>
        await orders.ReadAllAsync(customer.Value.Id, cancellation) is { } all && all.Customer.ETag == customer.ETag ? sum(all.Orders.Values.Select(o => o.Value)) : null;

    private OrderDraft Check(OrderInput input, BodyFaults faults)
    {
        var issues = new List<FieldIssue>();
        var draft = OrderNormalizer.Normalize(input, views.Currency, issues);
        foreach (var issue in issues.Where(i => !i.IsWarning))
        {
            faults.Add("/" + issue.Field, issue.Message);
        }

        faults.ThrowIfAny();
        return draft!;
    }

    private static OrderPatch Read(JsonElement body, BodyFaults faults)
    {
        if (JsonFaults.TryRead<OrderPatch>(body, out var problem, faults) is not { } patch)
        {
            throw problem!.ToException();
        }

        // In a merge patch null removes; of an order only the items can be removed.
        foreach (var member in body.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.Null))
        {
            if (string.Equals(member.Name, "items", StringComparison.OrdinalIgnoreCase))
            {
                patch = patch with { Items = [] };
            }
            else
            {
                faults.Add("/" + member.Name, "An order does not do without it: send a value, or leave the member out.");
            }
        }

        return patch;
    }

    private static Problem Refuse(WriteResult result) => result.Code switch
    {
        OrderCodes.Busy => new OrderRefused(503, result.Code, result.Message!) { RetryAfterSeconds = 1 },
        OrderCodes.AmountMissing => RequestInvalid.At("/amount", result.Message!),
        OrderCodes.DateInvalid => RequestInvalid.At("/placedAt", result.Message!),
        OrderCodes.TooManyCategories => new OrderRefused(400, result.Code, result.Message!),
        OrderCodes.CustomerUnknown => new OrderRefused(404, result.Code, result.Message!),
        _ => new OrderRefused(409, result.Code!, result.Message!),
    };

    /// <summary>A customer id has 32 hex digits; the rest is the order number as it is escaped in ids.</summary>
    private static (string CustomerId, string OrderNumber) Split(string id) =>
        id.Length > 33 && id[32] == '-' && id.Take(32).All(char.IsAsciiHexDigitLower)
            ? (id[..32], CustomerIdentities.Unescape(id[33..]))
            : throw new OrderNotFound(id).ToException();
}
