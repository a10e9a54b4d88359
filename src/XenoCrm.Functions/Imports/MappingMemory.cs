using System.Security.Cryptography;
using System.Text;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>The mapping that was last used for files with these headers, in any order.</summary>
public sealed record RememberedMapping : IWorkspaceItem
{
    public const string KindName = "importMapping";

    /// <summary>Follows from the kind of import and the headers.</summary>
    public required string Id { get; init; }

    public string Kind => KindName;

    public required ImportKind Target { get; init; }

    /// <summary>As they were in the file that the mapping was used for.</summary>
    public required IReadOnlyList<string> Headers { get; init; }

    /// <summary>Header → field, or null to ignore the column.</summary>
    public required IReadOnlyDictionary<string, string?> Mapping { get; init; }

    public required DateTimeOffset UsedAt { get; init; }

    /// <summary>The user or API key; null: a file dropped into the container.</summary>
    public string? UsedBy { get; init; }

    public static string IdOf(ImportKind kind, IEnumerable<string> headers)
    {
        // Columns that an errors CSV adds do not make it another file.
        var names = headers.Where(h => !ImportFile.IsReportColumn(h)).Select(ColumnMap.Normalize).Where(n => n.Length > 0).Distinct().Order(StringComparer.Ordinal);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{string.Join('\n', names)}"));
        return Convert.ToHexStringLower(hash.AsSpan(0, 16));
    }
}

/// <summary>A remembered mapping as the API shows it.</summary>
/// <param name="Mapping">Header → field, or null to ignore the column.</param>
public sealed record MappingView(
    string Id, ImportKind Kind, IReadOnlyList<string> Headers, IReadOnlyDictionary<string, string?> Mapping, DateTimeOffset UsedAt, string? UsedBy)
{
    public static MappingView Of(RememberedMapping mapping) =>
        new(mapping.Id, mapping.Target, mapping.Headers, mapping.Mapping, mapping.UsedAt, mapping.UsedBy);
}

/// <summary>Who maps the columns of a file once need not do it again for the next file of the same source.</summary>
public sealed class MappingMemory(WorkspaceStore<RememberedMapping> mappings, TimeProvider clock)
{
    public async Task<RememberedMapping?> FindAsync(ImportKind kind, IReadOnlyList<string> headers, CancellationToken cancellation) =>
        (await mappings.ReadAsync(RememberedMapping.IdOf(kind, headers), cancellation))?.Value;

    /// <summary>After an explicit mapping has brought in rows. The latest one counts.</summary>
    public async Task RememberAsync(
        ImportKind kind, IReadOnlyList<string> headers, IReadOnlyDictionary<string, string?>? mapping, string? by, CancellationToken cancellation)
    {
        // An empty mapping says "by name, this time".
        if (mapping is not { Count: > 0 })
        {
            return;
        }

        var item = new RememberedMapping
        {
            Id = RememberedMapping.IdOf(kind, headers),
            Target = kind,
            Headers = headers,
            Mapping = mapping,
            UsedAt = clock.GetUtcNow(),
            UsedBy = by,
        };
        while (await mappings.TryCreateAsync(item, cancellation) is null)
        {
            if (await mappings.UpdateAsync(item.Id, _ => item, cancellation) is not null)
            {
                return;
            }
        }
    }

    public async Task<IReadOnlyList<MappingView>> PageAsync(string? before, int limit, CancellationToken cancellation) =>
        [.. (await mappings.PageAsync(before, limit, cancellation)).Select(m => MappingView.Of(m.Value))];

    public async Task ForgetAsync(string id, CancellationToken cancellation)
    {
        if (!await mappings.DeleteAsync(id, null, cancellation))
        {
            throw new MappingNotFound(id).ToException();
        }
    }
}
