using System.ComponentModel.DataAnnotations;
using FluentValidation;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <param name="At">When it was; now when absent.</param>
/// <param name="Id">The caller's own: the same visit sent again, after an answer that was lost, is not counted again.</param>
public sealed record VisitInput(DateTimeOffset? At, [property: MinLength(1), MaxLength(VisitValidator.MaxId)] string? Id = null);

public sealed class VisitValidator : AbstractValidator<VisitInput>
{
    public const int MaxId = 64;

    public VisitValidator(TimeProvider clock)
    {
        RuleFor(v => v.At).Must(at => at is null || at <= clock.GetUtcNow().AddMinutes(5)).WithMessage("A visit is not in the future.");
        RuleFor(v => v.Id).Must(id => id is null || id.Trim().Length is > 0 and <= MaxId).WithMessage($"From 1 to {MaxId} characters are expected.");
    }
}

/// <summary>
/// Counts a visit to the shop or site. The callers' ids of the last ones are kept with the customer, in the write that
/// counts them: a repeat is recognised as long as fewer than <see cref="Customer.MaxVisitIds"/> others have come between.
/// </summary>
public sealed class RecordVisit(CustomerStore store, TimeProvider clock)
{
    public async Task<Versioned<Customer>> HandleAsync(string id, VisitInput visit, CancellationToken cancellation, string? requestId = null)
    {
        var at = visit.At ?? clock.GetUtcNow();
        var visitId = visit.Id?.Trim() ?? requestId;
        while (true)
        {
            var current = await store.ReadAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException();
            var known = current.Value.VisitIds ?? [];
            if (visitId is not null && known.Contains(visitId))
            {
                return current;
            }

            await store.RefreshSegmentsAsync(cancellation);
            var last = current.Value.LastVisitAt;
            var changed = store.Derive(current.Value with
            {
                Visits = current.Value.Visits + 1,
                LastVisitAt = last > at ? last : at,
                Past = last is { } other ? PastEvent.Add(current.Value.Past, PastEvent.Visit(other > at ? at : other)) : current.Value.Past,
                VisitIds = visitId is null ? current.Value.VisitIds : [.. known.TakeLast(Customer.MaxVisitIds - 1), visitId],
            });
            if (await store.TryReplaceDerivedAsync(changed, current.ETag, cancellation) is { } etag)
            {
                return new(changed, etag);
            }
        }
    }
}
