using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

/// <summary>The query of a request that takes a file. An unknown parameter is an error: what was meant for a dry run must not be an import.</summary>
public sealed class ImportQuery
{
    private readonly IQueryCollection query;

    public ImportQuery(IQueryCollection query, IReadOnlySet<string> known)
    {
        if (query.Keys.FirstOrDefault(k => !known.Contains(k)) is { } unknown)
        {
            throw RequestInvalid.At("/" + unknown, $"There is no such parameter; there are {string.Join(", ", known)}.").ToException();
        }

        this.query = query;
    }

    /// <summary>Null when it is not given.</summary>
    public string? this[string name] => query.TryGetValue(name, out var value) ? value.ToString() : null;
}
