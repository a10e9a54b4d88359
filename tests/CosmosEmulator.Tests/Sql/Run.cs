using System.Text;
using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

internal static class Run
{
    /// <summary>All pages of a query, as a JSON array.</summary>
    public static string Query(string sql, IQuerySource source, string parameters = "[]", int pageSize = -1, List<int>? pages = null)
    {
        var query = CompiledQuery.Compile(sql, new FixedClock());
        var results = new List<string>();
        string? continuation = null;
        var count = 0;
        do
        {
            var page = query.Execute(source, Encoding.UTF8.GetBytes(parameters), pageSize, continuation);
            results.AddRange(page.Documents.Select(d => Encoding.UTF8.GetString(d.Span)));
            pages?.Add(page.Documents.Count);
            continuation = page.Continuation;
            continuation?.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').ShouldBeTrue(continuation);
            (++count).ShouldBeLessThan(10_000, "paging does not end");
        }
        while (continuation is not null);
        return $"[{string.Join(",", results)}]";
    }

    public static string Query(string sql, params string[] items) => Query(sql, new MemorySource(items));

    /// <summary>An expression without items: the text of its value, "undefined" when it has none.</summary>
    public static string Value(string expression, string parameters = "[]")
    {
        var result = Query($"SELECT VALUE {expression}", new MemorySource([]), parameters);
        return result == "[]" ? "undefined" : result[1..^1];
    }

    public static SqlException Error(string sql, IQuerySource? source = null, string parameters = "[]") =>
        Should.Throw<SqlException>(() => Query(sql, source ?? new MemorySource(["""{"id":"1"}"""]), parameters));

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2024, 6, 15, 10, 20, 30, 456, TimeSpan.Zero);
    }
}
