using FluentValidation;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <param name="At">When it was; now when absent.</param>
public sealed record VisitInput(DateTimeOffset? At);

public sealed class VisitValidator : AbstractValidator<VisitInput>
{
    public VisitValidator(TimeProvider clock) =>
        RuleFor(v => v.At).Must(at => at is null || at <= clock.GetUtcNow().AddMinutes(5)).WithMessage("A visit is not in the future.");
}

/// <summary>Counts a visit to the shop or site.</summary>
public sealed class RecordVisit(CustomerStore store, TimeProvider clock)
{
    public async Task<Versioned<Customer>> HandleAsync(string id, VisitInput visit, CancellationToken cancellation)
    {
        var at = visit.At ?? clock.GetUtcNow();
        while (true)
        {
            var current = await store.ReadAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException();
            await store.RefreshSegmentsAsync(cancellation);
            var last = current.Value.LastVisitAt;
            var changed = store.Derive(current.Value with
            {
                Visits = current.Value.Visits + 1,
                LastVisitAt = last > at ? last : at,
                Past = last is { } other ? PastEvent.Add(current.Value.Past, PastEvent.Visit(other > at ? at : other)) : current.Value.Past,
            });
            if (await store.TryReplaceDerivedAsync(changed, current.ETag, cancellation) is { } etag)
            {
                return new(changed, etag);
            }
        }
    }
}
