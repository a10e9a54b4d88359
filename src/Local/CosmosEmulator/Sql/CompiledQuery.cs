using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>One page: each document is one JSON value. A continuation is ASCII without quotes, and survives restarts.</summary>
public sealed record QueryPage(IReadOnlyList<ReadOnlyMemory<byte>> Documents, string? Continuation, int ItemsRead, long BytesRead);

/// <summary>A query compiled once, to be executed with any parameters. Immutable; safe for concurrent use.</summary>
public sealed class CompiledQuery
{
    // The service's limit for the text of a query.
    private const int MaxLength = 512 * 1024;

    private readonly TimeProvider _clock;
    private readonly int _slots;
    private readonly int _memos;
    private readonly IReadOnlyList<(string Name, int At)> _parameters;

    // FROM (SELECT ...): the query whose results are this one's items, and whether their elements are.
    private readonly CompiledQuery? _from;
    private readonly bool _fromElements;

    private CompiledQuery(Query query, string sql, TimeProvider clock)
    {
        if (query.Sources is [{ Subquery: { } inner } source, ..])
        {
            Compiler.CheckClauses(inner, isSubquery: true);
            _from = new CompiledQuery(inner, sql, clock);
            _fromElements = source.Iterate;
            var alias = source.Alias ?? "(derived)";
            query = query with { Sources = [new Source(source.At, alias, new NameExpr(source.At, alias), false, null), .. query.Sources.Skip(1)] };
        }

        var compiler = new Compiler();
        _clock = clock;
        Code = compiler.CompileQuery(query, outer: null);
        Filter = compiler.Filter;
        Rest = compiler.Rest;
        _slots = compiler.Slots;
        _memos = compiler.Memos;
        Fingerprint = Continuation.Fingerprint(sql);
        _parameters = compiler.ParameterList;
    }

    internal QueryCode Code { get; }

    internal PathTree Filter { get; }

    internal PathTree Rest { get; }

    internal int Fingerprint { get; }

    /// <param name="clock">For GetCurrentDateTime and its like; the system's when null.</param>
    /// <exception cref="SqlException">The text is not a valid query.</exception>
    public static CompiledQuery Compile(string sql, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(sql);
        return sql.Length > MaxLength
            ? throw new SqlException("The query text is longer than 512 KB.", MaxLength, sql.Length, "SC3000")
            : new CompiledQuery(Parser.ParseQuery(sql), sql, clock ?? TimeProvider.System);
    }

    /// <summary>Runs one page.</summary>
    /// <param name="parameters">The JSON array <c>[{"name":"@x","value":…}]</c>; may be empty.</param>
    /// <param name="maxItems">-1: the server decides (1,000 items or 4 MB).</param>
    /// <param name="continuation">What the page before returned, or null.</param>
    /// <exception cref="SqlException">A parameter is missing, the continuation is not ours, or the policy does not serve the ORDER BY.</exception>
    public QueryPage Execute(IQuerySource source, ReadOnlyMemory<byte> parameters, int maxItems, string? continuation)
    {
        ArgumentNullException.ThrowIfNull(source);
        var from = string.IsNullOrEmpty(continuation) ? null : Continuation.Decode(continuation, Fingerprint);
        int itemsRead = 0;
        long bytesRead = 0;
        if (_from is not null)
        {
            source = new DerivedSource(_from.ReadAll(source, parameters, _fromElements, ref itemsRead, ref bytesRead));
        }

        var page = new Execution(this, source, NewRow(parameters), maxItems, from).Run();
        return _from is null ? page : page with { ItemsRead = itemsRead, BytesRead = bytesRead };
    }

    private List<JsonValue> ReadAll(IQuerySource source, ReadOnlyMemory<byte> parameters, bool elements, ref int itemsRead, ref long bytesRead)
    {
        var values = new List<JsonValue>();
        string? continuation = null;
        do
        {
            var page = Execute(source, parameters, -1, continuation);
            var results = page.Documents.Select(d => JsonValue.Parse(d));
            values.AddRange(elements ? results.SelectMany(v => v.EnumerateArray().ToList()) : results);
            itemsRead += page.ItemsRead;
            bytesRead += page.BytesRead;
            continuation = page.Continuation;
        }
        while (continuation is not null);
        return values;
    }

    private Row NewRow(ReadOnlyMemory<byte> parameters) => new(_slots, _memos, BindParameters(_parameters, parameters), _clock.GetUtcNow().UtcDateTime);

    internal static JsonValue[] BindParameters(IReadOnlyList<(string Name, int At)> names, ReadOnlyMemory<byte> parameters)
    {
        if (names.Count == 0)
        {
            return [];
        }

        var given = new Dictionary<string, JsonValue>(StringComparer.Ordinal);
        foreach (var parameter in JsonValue.Parse(Compact(parameters)).EnumerateArray())
        {
            if (parameter["name"u8].AsString() is { } name)
            {
                given[name] = parameter["value"u8].Decoded();
            }
        }

        var values = new JsonValue[names.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var (name, at) = names[i];
            values[i] = given.TryGetValue(name, out var value)
                ? value
                : throw new SqlException($"The parameter '{name}' was not supplied.", at, at + name.Length, "SC2060");
        }

        return values;
    }

    /// <summary>Values may end up in the output, which is compact, whatever the request looked like.</summary>
    private static ReadOnlyMemory<byte> Compact(ReadOnlyMemory<byte> json)
    {
        if (json.IsEmpty || json.Span.IndexOfAnyInRange((byte)0, (byte)' ') < 0)
        {
            return json;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return JsonSerializer.SerializeToUtf8Bytes(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new SqlException($"The parameters are not valid JSON: {e.Message}");
        }
    }
}
