using System.Text;
using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

public sealed class PagingTests
{
    private static string[] Items(int count) =>
        [.. Enumerable.Range(0, count).Select(i => $$"""{"id":"i{{(i * 37) % count:000}}","k":{{i % 4}},"s":"{{(char)('a' + (i % 3))}}","t":[{{i}},{{i + 1}}]}""")];

    [Theory]
    [InlineData("SELECT VALUE c.id FROM c")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.k > 1")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.k = 1")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.k IN (3, 1)")]
    [InlineData("SELECT VALUE t FROM c JOIN t IN c.t WHERE t != 5")]
    [InlineData("SELECT TOP 17 VALUE c.id FROM c WHERE c.k != 2")]
    [InlineData("SELECT VALUE c.id FROM c OFFSET 13 LIMIT 21")]
    [InlineData("SELECT VALUE t FROM c JOIN t IN c.t OFFSET 3 LIMIT 40")]
    [InlineData("SELECT DISTINCT VALUE c.k FROM c")]
    [InlineData("SELECT DISTINCT VALUE t FROM c JOIN t IN c.t")]
    [InlineData("SELECT DISTINCT c.k, c.s FROM c ORDER BY c.k")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.id")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.id DESC")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.id > 'i020' AND c.id <= 'i060' ORDER BY c.id")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.k")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.k DESC")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.k >= 1 ORDER BY c.k DESC OFFSET 4 LIMIT 30")]
    [InlineData("SELECT VALUE [c.k, c.s, c.id] FROM c ORDER BY c.k DESC, c.s")]
    [InlineData("SELECT VALUE t FROM c JOIN t IN c.t ORDER BY c.s DESC")]
    [InlineData("SELECT TOP 25 VALUE c.id FROM c WHERE c.s = 'b' OR c.k = 3 ORDER BY c.s")]
    [InlineData("SELECT VALUE c.none FROM c WHERE c.k = 0")]
    [InlineData("SELECT VALUE (c.k = 3 ? c.id : undefined) FROM c ORDER BY c.s")]
    public void Pages_of_any_size_by_any_way_make_the_same_result(string sql)
    {
        MemorySource Source(bool indexed)
        {
            var source = new MemorySource(Items(60), _ => indexed);
            source.Composites.Add([("/k", true), ("/s", false)]);
            return source;
        }

        var expected = Run.Query(sql, Source(false));
        expected.Length.ShouldBeGreaterThan(sql.Contains("none", StringComparison.Ordinal) ? 1 : 5);
        foreach (var size in new[] { 1, 2, 7, 59, 60, 1000 })
        {
            var pages = new List<int>();
            Run.Query(sql, Source(false), pageSize: size, pages: pages).ShouldBe(expected, $"scan, pages of {size}");
            pages.ShouldAllBe(p => p <= size);
            Run.Query(sql, Source(true), pageSize: size).ShouldBe(expected, $"index, pages of {size}");
        }
    }

    [Fact]
    public void A_token_goes_on_in_another_process_and_by_another_way()
    {
        const string Sql = "SELECT VALUE c.id FROM c WHERE c.k = 1 ORDER BY c.k";
        var token = CompiledQuery.Compile(Sql).Execute(new MemorySource(Items(60)), "[]"u8.ToArray(), 4, null).Continuation;
        token.ShouldNotBeNull().Length.ShouldBeLessThan(100);
        var rest = CompiledQuery.Compile(Sql).Execute(new MemorySource(Items(60), _ => true), "[]"u8.ToArray(), -1, token);
        var all = CompiledQuery.Compile(Sql).Execute(new MemorySource(Items(60)), "[]"u8.ToArray(), -1, null);
        rest.Documents.Select(d => Encoding.UTF8.GetString(d.Span)).ShouldBe(all.Documents.Skip(4).Select(d => Encoding.UTF8.GetString(d.Span)));
    }

    [Theory]
    [InlineData("SELECT VALUE c.id FROM c")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.id")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.k")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.k < 3")]
    public void Items_that_come_and_go_between_pages_do_not_repeat_or_hide_others(string sql)
    {
        foreach (var indexed in new[] { false, true })
        {
            var source = new MemorySource(Items(40), _ => false);
            var query = CompiledQuery.Compile(sql);
            var seen = new List<string>();
            string? token = null;
            var round = 0;
            do
            {
                var page = query.Execute(source, "[]"u8.ToArray(), 3, token);
                seen.AddRange(page.Documents.Select(d => Encoding.UTF8.GetString(d.Span)));
                token = page.Continuation;

                // What was just returned goes, something new comes that sorts last.
                var last = seen[^1];
                source.Remove(json => json.Contains(last, StringComparison.Ordinal));
                source.Add($$"""{"id":"z{{round:000}}","k":99}""");
                round++;
            }
            while (token is not null && round < 40);
            seen.ShouldBeUnique();
            seen.Count(s => s.StartsWith("\"i", StringComparison.Ordinal)).ShouldBe(sql.Contains("WHERE", StringComparison.Ordinal) ? 30 : 40, $"indexed: {indexed}");
        }
    }

    [Fact]
    public void A_page_ends_at_4_MB()
    {
        var big = new string('x', 1_500_000);
        var source = new MemorySource(Enumerable.Range(0, 5).Select(i => $$"""{"id":"{{i}}","p":"{{big}}"}"""));
        var pages = new List<int>();
        Run.Query("SELECT * FROM c", source, pages: pages);
        pages.ShouldBe([3, 2]);
        pages.Clear();
        Run.Query("SELECT c.p FROM c ORDER BY c.id", source, pages: pages);
        pages.ShouldBe([3, 2]);
    }

    [Fact]
    public void The_server_decides_on_a_thousand()
    {
        var pages = new List<int>();
        Run.Query("SELECT VALUE c.id FROM c", new MemorySource(Items(2500)), pages: pages);
        pages.ShouldBe([1000, 1000, 500]);
    }

    [Fact]
    public void A_page_tells_what_it_read()
    {
        var page = CompiledQuery.Compile("SELECT VALUE c.id FROM c WHERE c.k = 1").Execute(new MemorySource(Items(60)), "[]"u8.ToArray(), 5, null);
        page.ItemsRead.ShouldBe(18);
        page.BytesRead.ShouldBeGreaterThan(18 * 20);
    }
}
