using System.ComponentModel.DataAnnotations;
using FluentValidation;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <param name="CreateMissingCustomers">A customer that is not known is created from its reference; else the item fails.</param>
public sealed record BulkOrdersRequest([property: MaxLength(BulkOrdersValidator.MaxItems)] IReadOnlyList<OrderInput> Items, bool CreateMissingCustomers = false);

public sealed class BulkOrdersValidator : AbstractValidator<BulkOrdersRequest>
{
    public const int MaxItems = 1000;

    public BulkOrdersValidator()
    {
        RuleFor(r => r.Items).NotEmpty().Must(i => i is null || i.Count <= MaxItems).WithMessage($"At most {MaxItems} items are accepted at once.");
        RuleForEach(r => r.Items).NotNull();
    }
}

/// <summary>Creates or updates up to 1,000 orders; a bad item fails alone.</summary>
public sealed class BulkOrders(OrderWriter writer, OrderViews views)
{
    public async Task<BulkResult> HandleAsync(BulkOrdersRequest request, CancellationToken cancellation)
    {
        var results = new BulkItemResult[request.Items.Count];
        var rows = new List<OrderRow>(request.Items.Count);
        var seen = new Dictionary<(string, string?, CustomerDraft?), OrderRow>();
        for (var i = 0; i < request.Items.Count; i++)
        {
            var issues = new List<FieldIssue>();
            if (OrderNormalizer.Normalize(request.Items[i], views.Currency, issues) is not { } draft)
            {
                results[i] = BulkItemResult.Invalid(i, [.. issues.Where(issue => !issue.IsWarning)]);
            }
            else if (seen.TryGetValue((draft.OrderNumber, draft.CustomerId, draft.Customer), out var first) && !IsSame(first.Draft, draft))
            {
                // Which of the two is meant is a guess.
                results[i] = BulkItemResult.Invalid(i, [new("orderNumber", OrderCodes.Duplicate, $"Item {first.Row} is another order of this customer under the same number.")]);
            }
            else
            {
                OrderRow row = new(draft, i);
                rows.Add(row);
                seen.TryAdd((draft.OrderNumber, draft.CustomerId, draft.Customer), row);
            }
        }

        var written = await writer.UpsertAsync(rows, new(SaveOrder.Source, CreateMissingCustomers: request.CreateMissingCustomers, MayRepeatHistory: true), cancellation);
        foreach (var (row, result) in rows.Zip(written))
        {
            var id = result.CustomerId is { } customer ? OrderViews.IdOf(customer, row.Draft.OrderNumber) : null;
            results[row.Row] = new((int)row.Row, result.Outcome, id, result.Code, result.Message);
        }

        return BulkResult.Of(results);
    }

    private static bool IsSame(OrderDraft a, OrderDraft b) =>
        (a.Items ?? []).SequenceEqual(b.Items ?? []) && a with { Items = null } == b with { Items = null };
}
