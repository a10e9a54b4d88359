using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Customers;

/// <summary>Lists customers, newest first; finds them by prefix or by what identifies them.</summary>
public sealed class ListCustomers(CustomerStore store, CustomerWriter writer, AddressHasher hasher, CustomerViews views, Cursors cursors)
{
    public async Task<Page<CustomerView>> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var email = Parameter(request, "email");
        var externalId = Parameter(request, "externalId");
        if (email is not null || externalId is not null)
        {
            return new(await ByKeyAsync(email, externalId, cancellation), null);
        }

        var q = Parameter(request, "q");
        var list = $"customers?q={q}";
        var page = PageRequest.From(request, cursors, list);
        var found = await store.PageBackAsync(q is null ? CustomerFilter.All : Prefix(q), page.Position, page.Limit, cancellation);
        return new([.. found.Select(c => views.Of(c.Value))], found.Count < page.Limit ? null : cursors.Protect(list, found[^1].Value.Id));
    }

    /// <summary>Two point reads instead of a query.</summary>
    private async Task<IReadOnlyList<CustomerView>> ByKeyAsync(string? email, string? externalId, CancellationToken cancellation)
    {
        var keys = new List<string>();
        if (email is not null)
        {
            keys.Add(hasher.Email(email));
        }

        if (externalId is not null)
        {
            keys.Add(hasher.External(externalId));
        }

        var found = await writer.FindAsync(keys, cancellation);
        return found.Count == keys.Count && found.Values.Select(c => c.Value.Id).Distinct().Count() == 1
            ? [views.Of(found.Values.First().Value)]
            : [];
    }

    /// <summary>Names, company, email, phone and external id that begin so, whatever the case.</summary>
    private static CustomerFilter Prefix(string q) => new(
        string.Join(" OR ", new[] { "firstName", "lastName", "company", "email", "phone", "externalId" }.Select(f => $"STARTSWITH(c.{f}, @q, true)")),
        new Dictionary<string, object?> { ["@q"] = q });

    private static string? Parameter(HttpRequest request, string name)
    {
        var value = request.Query[name].ToString().Trim();
        return value.Length switch
        {
            0 => null,
            > 254 => throw RequestInvalid.At("/" + name, "At most 254 characters are expected.").ToException(),
            _ => value,
        };
    }
}
