using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using FluentValidation;
using XenoCrm.Platform.Http;

namespace XenoCrm.Customers;

/// <summary>What the API document says of <see cref="BulkCustomersBody"/>.</summary>
public sealed record BulkCustomersRequest([property: Required, MinLength(1), MaxLength(BulkCustomersValidator.MaxItems)] IReadOnlyList<CustomerInput> Items);

public sealed class BulkCustomersValidator : AbstractValidator<BulkCustomersBody>
{
    public const int MaxItems = 1000;

    public BulkCustomersValidator()
    {
        RuleFor(r => r.Items).NotEmpty().Must(i => i is null || i.Count <= MaxItems).WithMessage($"At most {MaxItems} items are accepted at once.");
    }
}

/// <param name="Outcome"><c>created</c>, <c>updated</c>, <c>unchanged</c> or <c>failed</c>.</param>
/// <param name="Errors">Of a failed item: JSON pointer within the item → messages.</param>
/// <param name="Warnings">What was not taken of an item that was: JSON pointer within the item → messages. A consent that was withdrawn is granted again only with its own <c>at</c>.</param>
public sealed record BulkItemResult(int Index, WriteOutcome Outcome, string? Id, string? Code, string? Message, IReadOnlyDictionary<string, string[]>? Errors = null,
    IReadOnlyDictionary<string, string[]>? Warnings = null)
{
    /// <summary>An item that was not even tried.</summary>
    public static BulkItemResult Invalid(int index, IReadOnlyList<FieldIssue> issues) => new(
        index, WriteOutcome.Failed, null, issues[0].Code, issues[0].Message,
        ByPointer(issues));

    public static IReadOnlyDictionary<string, string[]> ByPointer(IReadOnlyList<FieldIssue> issues) =>
        issues.GroupBy(i => "/" + i.Field, i => i.Message).ToDictionary(g => g.Key, g => g.ToArray());
}

/// <param name="Items">One per item sent, in their order.</param>
public sealed record BulkResult(int Created, int Updated, int Unchanged, int Failed, IReadOnlyList<BulkItemResult> Items)
{
    public static BulkResult Of(IReadOnlyList<BulkItemResult> items) => new(
        items.Count(i => i.Outcome == WriteOutcome.Created), items.Count(i => i.Outcome == WriteOutcome.Updated),
        items.Count(i => i.Outcome == WriteOutcome.Unchanged), items.Count(i => i.Outcome == WriteOutcome.Failed), items);
}

/// <summary>The items as they came: each is read on its own, so that one that cannot be read fails alone.</summary>
public sealed record BulkCustomersBody(IReadOnlyList<JsonElement> Items);

/// <summary>Creates or updates up to 1,000 customers; a bad item fails alone.</summary>
public sealed class BulkCustomers(CustomerWriter writer, AttributeSchema schema, TimeProvider clock)
{
    public async Task<BulkResult> HandleAsync(BulkCustomersBody request, CancellationToken cancellation)
    {
        var results = new BulkItemResult[request.Items.Count];
        var drafts = new List<(int Index, CustomerDraft Draft)>(request.Items.Count);
        var now = clock.GetUtcNow();
        for (var i = 0; i < request.Items.Count; i++)
        {
            if (JsonFaults.TryRead<CustomerInput>(request.Items[i], out var problem) is not { } input)
            {
                results[i] = new(i, WriteOutcome.Failed, null, problem!.Code, problem.Detail, problem.Errors);
                continue;
            }

            var issues = new List<FieldIssue>();
            var draft = CustomerNormalizer.Normalize(input, issues, now: now);
            issues.RemoveAll(issue => issue.IsWarning);
            if (issues.Count == 0)
            {
                drafts.Add((i, draft));
            }
            else
            {
                results[i] = BulkItemResult.Invalid(i, issues);
            }
        }

        var rows = new List<UpsertRow>(drafts.Count);
        foreach (var ((index, _), (draft, issues)) in drafts.Zip(await schema.ApplyAsync([.. drafts.Select(d => d.Draft)], fromText: false, imagined: null, cancellation)))
        {
            if (issues.Count == 0)
            {
                rows.Add(new(draft, index));
            }
            else
            {
                results[index] = BulkItemResult.Invalid(index, issues);
            }
        }

        foreach (var (row, result) in rows.Zip(await writer.UpsertAsync(rows, new("api"), cancellation)))
        {
            results[row.Row] = new((int)row.Row, result.Outcome, result.CustomerId, result.Code, result.Message, Warnings: result.Doubts is { } doubts ? BulkItemResult.ByPointer(doubts) : null);
        }

        return BulkResult.Of(results);
    }
}
