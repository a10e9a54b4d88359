using System.Security.Cryptography;
using FluentValidation;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

/// <summary>What a PATCH of an order may say; absent members stay.</summary>
public sealed record OrderPatch
{
    public OrderStatus? Status { get; init; }

    /// <summary>Major units.</summary>
    public decimal? Amount { get; init; }
    public DateTimeOffset? PlacedAt { get; init; }
    public IReadOnlyList<OrderItemInput>? Items { get; init; }
}

public sealed record BulkOrdersRequest(IReadOnlyList<OrderInput> Items, bool CreateMissingCustomers = false);

public sealed class BulkOrdersValidator : AbstractValidator<BulkOrdersRequest>
{
    public const int MaxItems = 1000;

    public BulkOrdersValidator()
    {
        RuleFor(r => r.Items).NotEmpty().Must(i => i is null || i.Count <= MaxItems).WithMessage($"At most {MaxItems} items are accepted at once.");
        RuleForEach(r => r.Items).NotNull();
    }
}

/// <summary>Writes orders for the API.</summary>
public sealed class SaveOrder(OrderStore orders, OrderWriter writer, CustomerStore customers, OrderViews views, TimeProvider clock)
{
    private const string Source = "api";

    /// <summary>Creates the order; the same again changes nothing.</summary>
    public async Task<(Versioned<Order> Order, bool IsNew)> UpsertAsync(OrderInput input, CancellationToken cancellation)
    {
        var draft = Check(input);
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

    /// <summary>Writes up to 1,000 orders; a bad item fails alone.</summary>
    public async Task<BulkResult> BulkAsync(BulkOrdersRequest request, CancellationToken cancellation)
    {
        var results = new BulkItemResult[request.Items.Count];
        var rows = new List<OrderRow>(request.Items.Count);
        for (var i = 0; i < request.Items.Count; i++)
        {
            var issues = new List<FieldIssue>();
            if (OrderNormalizer.Normalize(request.Items[i], views.Currency, issues) is { } draft)
            {
                rows.Add(new(draft, i));
            }
            else
            {
                results[i] = BulkItemResult.Invalid(i, [.. issues.Where(issue => !issue.IsWarning)]);
            }
        }

        var written = await writer.UpsertAsync(rows, new(Source, CreateMissingCustomers: request.CreateMissingCustomers), cancellation);
        foreach (var (row, result) in rows.Zip(written))
        {
            var id = result.CustomerId is { } customer ? $"{customer}-{CustomerIdentities.Escape(row.Draft.OrderNumber)}" : null;
            results[row.Row] = new((int)row.Row, result.Outcome, id, result.Code, result.Message);
        }

        return BulkResult.Of(results);
    }

    public async Task<Versioned<Order>> ReadAsync(string id, CancellationToken cancellation)
    {
        var (customerId, orderNumber) = Split(id);
        var stored = await orders.ReadAsync(customerId, [orderNumber], cancellation);
        return stored?.Orders.GetValueOrDefault(orderNumber) ?? throw new OrderNotFound(id).ToException();
    }

    public Task<Versioned<Order>> PatchAsync(string id, OrderPatch patch, string? ifMatch, CancellationToken cancellation)
    {
        var (customerId, orderNumber) = Split(id);
        var draft = Check(new OrderInput
        {
            OrderNumber = orderNumber, Customer = new() { Id = customerId }, Amount = patch.Amount, Status = patch.Status, PlacedAt = patch.PlacedAt, Items = patch.Items,
        });
        return ChangeAsync(id, ifMatch, draft, cancellation);
    }

    /// <summary>The order goes and the totals follow; a repeat is 404.</summary>
    public Task DeleteAsync(string id, string? ifMatch, CancellationToken cancellation) => ChangeAsync(id, ifMatch, null, cancellation);

    private async Task<Versioned<Order>> ChangeAsync(string id, string? ifMatch, OrderDraft? draft, CancellationToken cancellation)
    {
        var (customerId, orderNumber) = Split(id);
        for (var attempt = 0; ; attempt++)
        {
            if (attempt > 0)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(attempt, 5)), cancellation);
            }

            await customers.RefreshSegmentsAsync(cancellation);

            // All orders: after a removal only they tell the first and the last.
            var stored = await orders.ReadAllAsync(customerId, cancellation);
            var current = stored?.Orders.GetValueOrDefault(orderNumber) ?? throw new OrderNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var others = stored!.Orders.Values.Where(o => o.Value.OrderNumber != orderNumber).Select(o => o.Value);
            if (draft is null)
            {
                var without = customers.Derive(OrderTotals.Of(stored.Customer.Value, others));
                if (await orders.TryWriteAsync(without, stored.Customer.ETag, [], [(current.Value.Id, current.ETag)], cancellation) is not null)
                {
                    return current;
                }

                continue;
            }

            var plan = new OrderPlan(stored.Customer, stored.Orders, new(Source), clock.GetUtcNow());
            plan.TryAdd(0, new(draft, 1));
            if (plan.Results[0].Result is { Outcome: WriteOutcome.Failed } failure)
            {
                throw Refuse(failure).ToException();
            }

            if (!plan.HasWrites)
            {
                return current;
            }

            var after = customers.Derive(plan.After ?? plan.SumUp(stored.Orders.Values.Select(o => o.Value)));
            if (await orders.TryWriteAsync(after, stored.Customer.ETag, plan.Writes, [], cancellation) is not null)
            {
                return await ReadAsync(id, cancellation);
            }
        }
    }

    private OrderDraft Check(OrderInput input)
    {
        var issues = new List<FieldIssue>();
        return OrderNormalizer.Normalize(input, views.Currency, issues)
            ?? throw new RequestInvalid(issues.Where(i => !i.IsWarning).GroupBy(i => "/" + i.Field, i => i.Message).ToDictionary(g => g.Key, g => g.ToArray())).ToException();
    }

    private static Problem Refuse(WriteResult result) => result.Code switch
    {
        OrderCodes.Busy => new OrderRefused(503, result.Code, result.Message!) { RetryAfterSeconds = 1 },
        OrderCodes.AmountMissing => RequestInvalid.At("/amount", result.Message!),
        OrderCodes.CustomerUnknown => new OrderRefused(404, result.Code, result.Message!),
        _ => new OrderRefused(409, result.Code!, result.Message!),
    };

    /// <summary>A customer id has 32 hex digits; the rest is the order number as it is escaped in ids.</summary>
    private static (string CustomerId, string OrderNumber) Split(string id) =>
        id.Length > 33 && id[32] == '-' && id.Take(32).All(char.IsAsciiHexDigitLower)
            ? (id[..32], CustomerIdentities.Unescape(id[33..]))
            : throw new OrderNotFound(id).ToException();
}
