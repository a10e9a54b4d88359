namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>Which way a query reaches its items. Results are compared elsewhere.</summary>
public sealed class PlannerTests
{
    private const string Parameters = """[{"name":"@v","value":3},{"name":"@id","value":"i05"},{"name":"@list","value":["i01","i02"]},{"name":"@o","value":{}}]""";

    private static MemorySource Source(Func<string, bool>? isIndexed = null) => new(
        Enumerable.Range(0, 100).Select(i => $$"""{"id":"i{{i:00}}","pk":"p{{i % 10}}","n":{{i}},"few":{{i / 50}},"tags":["t{{i % 20}}","all"],"sub":{"x":"v{{i}}"},"odd-name":{{i}},"pets":[{"n":{{i % 25}}},{"n":{{i % 9}}}]}"""),
        isIndexed ?? (_ => true)) { Weight = 1 };

    [Theory]
    [InlineData("c.id = 'i05'", "key")]
    [InlineData("'i05' = c.id", "key")]
    [InlineData("c.id = @id AND c.n > 0", "key")]
    [InlineData("c.id IN ('i01', 'i02')", "key")]
    [InlineData("ARRAY_CONTAINS(@list, c.id)", "key")]
    [InlineData("(c.id = 'i01' AND c[\"pk\"] = 'p1') OR (c.id = 'i02' AND c[\"pk\"] = 'p2')", "key")]
    [InlineData("c.id > 'i90'", "ids")]
    [InlineData("STARTSWITH(c.id, 'i9')", "ids")]
    [InlineData("c.n = @v", "/n/?")]
    [InlineData("c.n > 95", "/n/?")]
    [InlineData("3 >= c.n", "/n/?")]
    [InlineData("c.n BETWEEN 3 AND 5", "/n/?")]
    [InlineData("c.n > 3 AND c.n < 5", "/n/?")]
    [InlineData("c.n IN (1, 2, @v)", "/n/?,/n/?,/n/?")]
    [InlineData("c.n = 1 OR c.sub.x = 'v5'", "/n/?,/sub/x/?")]
    [InlineData("c.few = 1 AND c.n = 60", "/n/?")]
    [InlineData("c.few = 1 AND (c.n = 60 OR c.n = 61)", "/n/?,/n/?")]
    [InlineData("STARTSWITH(c.sub.x, 'v1')", "/sub/x/?")]
    [InlineData("c.sub.x LIKE 'v1%'", "/sub/x/?")]
    [InlineData("c.sub.x LIKE 'v1'", "/sub/x/?")]
    [InlineData("ARRAY_CONTAINS(c.tags, 't7')", "/tags/[]/?")]
    [InlineData("ARRAY_CONTAINS(c.tags, 'all') AND ARRAY_CONTAINS(c.tags, 't7')", "/tags/[]/?")]
    [InlineData("EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 't7')", "/tags/[]/?")]
    [InlineData("EXISTS(SELECT 1 FROM t IN c.tags WHERE t IN ('t7', 'x') AND c.few = 1)", "/tags/[]/?,/tags/[]/?")]
    [InlineData("EXISTS(SELECT VALUE p FROM p IN c.pets WHERE p.n > 20 AND p.n < 22)", "/pets/[]/n/?")]
    [InlineData("EXISTS(SELECT VALUE p FROM p IN c.pets WHERE p.n = 21) AND EXISTS(SELECT VALUE p FROM p IN c.pets WHERE p.n = 3)", "/pets/[]/n/?")]
    [InlineData("c['odd-name'] = 7", "/\"odd-name\"/?")]
    [InlineData("IS_NULL(c.n)", "/n/?")]
    [InlineData("c.n = undefined", "")]
    [InlineData("c.n < @o", "")]
    [InlineData("c.n > 5 AND c.n < 5", "")]
    public void Uses(string where, string expected)
    {
        var source = Source();
        Run.Query($"SELECT * FROM c WHERE {where}", source, Parameters);
        source.Scans.ShouldBe(0);
        string.Join(",", source.UsedIndexes).ShouldBe(expected);
        Run.Query($"SELECT * FROM c WHERE {where}", source, Parameters).ShouldBe(Run.Query($"SELECT * FROM c WHERE {where}", Source(_ => false), Parameters));
        Run.Query($"SELECT VALUE COUNT(1) FROM c WHERE {where}", source, Parameters);
        source.Scans.ShouldBe(0);
    }

    [Theory]
    [InlineData("c.n != 3")]
    [InlineData("NOT (c.n = 3)")]
    [InlineData("c.n = c.few")]
    [InlineData("c.n + 1 = 4")]
    [InlineData("CONTAINS(c.sub.x, 'v1')")]
    [InlineData("STARTSWITH(c.sub.x, 'V1', true)")]
    [InlineData("c.sub.x LIKE '%1'")]
    [InlineData("c.n = 1 OR c.few != 0")]
    [InlineData("c.few >= 0")]
    [InlineData("NOT EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 't7')")]
    [InlineData("EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t != 't7')")]
    [InlineData("EXISTS(SELECT VALUE COUNT(1) FROM t IN c.tags WHERE t = 't7')")]
    [InlineData("EXISTS(SELECT VALUE p FROM p IN c.pets WHERE p.n = p.m)")]
    [InlineData("ARRAY_CONTAINS(c.tags, 'all')")]
    public void Scans(string where)
    {
        var source = Source();
        Run.Query($"SELECT * FROM c WHERE {where}", source, Parameters);
        source.Scans.ShouldBe(1);
    }

    [Fact]
    public void An_excluded_path_is_scanned()
    {
        var source = Source(path => path != "/n/?");
        Run.Query("SELECT VALUE c.id FROM c WHERE c.n = 3", source).ShouldBe("""["i03"]""");
        source.Scans.ShouldBe(1);
    }

    [Theory]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.id > 'i03' ORDER BY c.id", """["i04","i05"]""", "ids")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.id DESC", """["i99","i98"]""", "ids")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.n DESC", """["i99","i98"]""", "/n/?")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.n >= 7 ORDER BY c.n", """["i07","i08"]""", "/n/?")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.few = 1 ORDER BY c.n", """["i50","i51"]""", "/n/?")]
    [InlineData("SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.tags, 't7') ORDER BY c.n DESC", """["i87","i67"]""", "/tags/[]/?")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.few = 1 ORDER BY c.id", """["i50","i51"]""", "ids")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.id > 'i03' AND c.sub.x = 'v7' ORDER BY c.id", """["i07"]""", "/sub/x/?")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.id > 'i03' AND NOT c.sub.x = 'v4' ORDER BY c.id", """["i05","i06"]""", "ids")]
    public void Order_by_walks_an_index_or_sorts_few(string sql, string firstTwo, string expected)
    {
        var source = Source();
        var page = XenoCrm.Local.CosmosEmulator.Sql.CompiledQuery.Compile(sql).Execute(source, "[]"u8.ToArray(), 2, null);
        $"[{string.Join(",", page.Documents.Select(d => System.Text.Encoding.UTF8.GetString(d.Span)))}]".ShouldBe(firstTwo);
        source.Scans.ShouldBe(0);
        string.Join(",", source.UsedIndexes).ShouldBe(expected);
    }

    [Fact]
    public void One_partition_is_sorted_rather_than_looked_for_in_an_index_of_all()
    {
        var source = Source();
        source.Others = 1000;
        Run.Query("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.n DESC", source).ShouldBe("""["i99","i98"]""");
        source.UsedIndexes.ShouldBeEmpty();
    }

    [Fact]
    public void A_page_of_a_keyset_walk_reads_little_more_than_it_returns()
    {
        var page = XenoCrm.Local.CosmosEmulator.Sql.CompiledQuery.Compile("SELECT * FROM c WHERE c.id > @id ORDER BY c.id")
            .Execute(Source(), System.Text.Encoding.UTF8.GetBytes(Parameters), 10, null);
        page.Documents.Count.ShouldBe(10);
        page.ItemsRead.ShouldBeLessThanOrEqualTo(11);
    }

    [Fact]
    public void Few_items_are_read_rather_than_indexed()
    {
        var source = new MemorySource(["""{"id":"1","n":1}"""], _ => throw new InvalidOperationException("an index was asked for")) { Weight = 1 };
        Run.Query("SELECT VALUE c.id FROM c WHERE c.n = 1 ORDER BY c.n", source).ShouldBe("""["1"]""");
    }

    [Theory]
    [InlineData("v\uD7FF")]
    [InlineData("v\uFFFF")]
    [InlineData("v\U0001F600")]
    [InlineData("v\U0010FFFF")]
    [InlineData("\uFFFF")]
    public void Prefixes_at_the_edges_of_unicode_lose_nothing(string prefix)
    {
        string[] values = ["v", "v\uD7FF", "v\uD7FFz", "v\U0001F5FF", "v\U0001F600", "v\U0001F600\uFFFF", "v\U0010FFFFx", "v\uE000", "v\uFFFF", "v\uFFFF\uFFFF", "w", "\uFFFF\uFFFF"];
        var items = values.Select((v, i) => $$"""{"id":"{{v}}","i":{{i}},"s":"{{v}}"}""").ToArray();
        var parameters = $$"""[{"name":"@p","value":"{{prefix}}"}]""";
        foreach (var path in new[] { "id", "s" })
        {
            var sql = $"SELECT VALUE c.i FROM c WHERE STARTSWITH(c.{path}, @p)";
            var scanned = Run.Query(sql, new MemorySource(items, p => p == "none"), parameters);
            Run.Query(sql.Replace("c WHERE", "c WHERE c.i >= 0 AND", StringComparison.Ordinal), new MemorySource(items), parameters).ShouldBe(scanned);
            Run.Query(sql, new MemorySource(items, _ => true), parameters).ShouldBe(scanned);
            scanned.ShouldBe($"[{string.Join(",", Enumerable.Range(0, values.Length).Where(i => values[i].StartsWith(prefix, StringComparison.Ordinal)))}]");
        }
    }
}
