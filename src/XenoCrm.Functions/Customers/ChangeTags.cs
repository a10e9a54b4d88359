using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>Tags to take away, then tags to give; whatever the case.</summary>
public sealed record TagsInput(IReadOnlyList<string>? Add, IReadOnlyList<string>? Remove);

/// <summary>Gives and takes tags without knowing the others: two callers that change different tags do not undo each other.</summary>
public sealed class ChangeTags(CustomerStore store)
{
    public async Task<Versioned<Customer>> HandleAsync(string id, TagsInput input, string? ifMatch, CancellationToken cancellation)
    {
        var issues = new List<FieldIssue>();
        var add = CustomerNormalizer.Tags(input.Add, "add", issues) ?? [];
        var remove = CustomerNormalizer.Tags(input.Remove, "remove", issues) ?? [];
        Check(issues);
        while (true)
        {
            var current = await store.ReadAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException();
            if (ifMatch is not null && ifMatch != current.ETag)
            {
                throw new ETagStale().ToException();
            }

            var kept = current.Value.Tags.Where(t => !remove.Contains(t, StringComparer.OrdinalIgnoreCase));
            var tags = CustomerNormalizer.Tags([.. kept, .. add], "add", issues, current.Value.Tags.Count)!;
            Check(issues);
            if (tags.SequenceEqual(current.Value.Tags))
            {
                return current;
            }

            await store.RefreshSegmentsAsync(cancellation);
            var changed = store.Derive(current.Value with { Tags = tags });
            if (await store.TryReplaceDerivedAsync(changed, current.ETag, cancellation) is { } etag)
            {
                return new(changed, etag);
            }
        }
    }

    private static void Check(List<FieldIssue> issues)
    {
        if (issues.Count > 0)
        {
            throw new RequestInvalid(issues.GroupBy(i => "/" + i.Field, i => i.Message).ToDictionary(g => g.Key, g => g.ToArray())).ToException();
        }
    }
}
