namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>What the service refuses, and where in the text.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("", 0, "SC1001")]
    [InlineData("SELEC * FROM c", 0, "SC1001")]
    [InlineData("SELECT * FROM", 13, "SC1001")]
    [InlineData("SELECT * FROM c WHERE", 21, "SC1001")]
    [InlineData("SELECT * FROM c WHERE c.a = ", 28, "SC1001")]
    [InlineData("SELECT * FROM c WHERE c.a == 1", 27, "SC1001")]
    [InlineData("SELECT * FROM c WHERE (c.a = 1", 30, "SC1001")]
    [InlineData("SELECT c.value FROM c", 9, "SC1001")]
    [InlineData("SELECT c.order FROM c", 9, "SC1001")]
    [InlineData("SELECT * FROM c extra words", 22, "SC1001")]
    [InlineData("SELECT TOP -1 * FROM c", 11, "SC1001")]
    [InlineData("SELECT TOP 1.5 * FROM c", 11, "SC1001")]
    [InlineData("SELECT * FROM c OFFSET 1", 24, "SC1001")]
    [InlineData("SELECT * FROM c LIMIT 1", 16, "SC1001")]
    [InlineData("SELECT * FROM c WHERE c.a = 'x", 28, "SC1012")]
    [InlineData("SELECT * FROM c WHERE c.a = '\\q'", 29, "SC1010")]
    [InlineData("SELECT * FROM c WHERE c.a = #", 28, "SC1010")]
    [InlineData("SELECT * FROM c WHERE c.a = 1x", 28, "SC1010")]
    [InlineData("SELECT * FROM c WHERE c.a LIKE 'x' ESCAPE 'ab'", 42, "SC1001")]
    [InlineData("SELECT * FROM c WHERE x.a = 1", 22, "SC2001")]
    [InlineData("SELECT x FROM c", 7, "SC2001")]
    [InlineData("SELECT Families.id FROM Families f", 7, "SC2001")]
    [InlineData("SELECT c.a", 7, "SC2001")]
    [InlineData("SELECT * FROM c JOIN t IN d.tags", 26, "SC2001")]
    [InlineData("SELECT VALUE 1 FROM c JOIN c IN c.tags", 27, "SC2012")]
    [InlineData("SELECT *", 0, "SC2030")]
    [InlineData("SELECT * FROM c JOIN t IN c.tags", 0, "SC2040")]
    [InlineData("SELECT c.a, c.b AS a FROM c", 12, "SC2042")]
    [InlineData("SELECT * FROM c WHERE COUNT(1) > 1", 22, "SC2101")]
    [InlineData("SELECT VALUE SUM(COUNT(1)) FROM c", 13, "SC2101")]
    [InlineData("SELECT c.a, COUNT(1) FROM c", 7, "SC2102")]
    [InlineData("SELECT c.b FROM c GROUP BY c.a", 7, "SC2102")]
    [InlineData("SELECT COUNT(1) FROM c GROUP BY COUNT(1)", 32, "SC2101")]
    [InlineData("SELECT * FROM c GROUP BY c.a", 0, "SC2103")]
    [InlineData("SELECT COUNT(1) FROM c GROUP BY c.a ORDER BY c.a", 45, "SC2104")]
    [InlineData("SELECT * FROM c ORDER BY c.a + 1", 25, "SC2206")]
    [InlineData("SELECT * FROM c ORDER BY c", 25, "SC2206")]
    [InlineData("SELECT VALUE t FROM c JOIN t IN c.tags ORDER BY t.a", 48, "SC2206")]
    [InlineData("SELECT * FROM c ORDER BY c.a, c.b", 25, "SC2208")]
    [InlineData("SELECT VALUE ARRAY(SELECT VALUE t FROM t IN c.tags ORDER BY t) FROM c", 60, "SC2201")]
    [InlineData("SELECT VALUE ARRAY(SELECT VALUE t FROM t IN c.tags OFFSET 0 LIMIT 1) FROM c", 58, "SC2204")]
    [InlineData("SELECT * FROM (SELECT * FROM c ORDER BY c.a)", 40, "SC2201")]
    [InlineData("SELECT TOP 1 * FROM c OFFSET 0 LIMIT 1", 29, "SC2203")]
    [InlineData("SELECT VALUE (SELECT VALUE t FROM t IN [1, 2]) FROM c", 39, "SC1001")]
    [InlineData("SELECT VALUE (SELECT VALUE t FROM t IN (SELECT VALUE [1, 2])) FROM c", 13, "SC2110")]
    public void Refuses(string sql, int position, string code)
    {
        var error = Run.Error(sql);
        error.Code.ShouldBe(code, error.Message);
        error.Position.ShouldBe(position, error.Message);
        error.End.ShouldBeGreaterThanOrEqualTo(error.Position);
    }

    [Fact]
    public void Deep_nesting_is_an_error_and_not_a_crash()
    {
        Run.Error($"SELECT VALUE {new string('(', 5000)}1{new string(')', 5000)}").Message.ShouldContain("deeply");
        Run.Error($"SELECT VALUE {string.Concat(Enumerable.Repeat("- ", 5000))}1").Message.ShouldContain("deeply");
        foreach (var part in new[] { "NOT ", "1 + ", "1 ?? ", "true ? 1 : ", "[", "ABS(", "{a: " })
        {
            Run.Error($"SELECT VALUE {string.Concat(Enumerable.Repeat(part, 40_000))}1").Message.ShouldContain("deeply", customMessage: part);
        }

        Run.Error($"SELECT VALUE c{string.Concat(Enumerable.Repeat(".a", 100_000))} FROM c").Message.ShouldContain("deeply");
        Run.Error($"SELECT VALUE x FROM x IN c{string.Concat(Enumerable.Repeat(".a", 100_000))}").Message.ShouldContain("deeply");
        Run.Error($"SELECT VALUE 1{string.Concat(Enumerable.Repeat(" IN (1)", 50_000))}").Message.ShouldContain("deeply");
        Run.Query($"SELECT VALUE {string.Concat(Enumerable.Repeat("1 + ", 999))}1", "{}").ShouldBe("[1000]");
    }

    [Fact]
    public void A_regular_expression_without_end_is_an_error() =>
        Run.Error($"SELECT VALUE REGEXMATCH('{new string('a', 40)}!', '^(a+)+$') FROM c").Message.ShouldContain("took longer");

    [Fact]
    public void A_text_beyond_512_KB_is_refused() => Run.Error($"SELECT VALUE '{new string('x', 600_000)}'").Message.ShouldContain("512 KB");

    [Fact]
    public void More_than_ten_joins_are_refused()
    {
        string Query(int joins) => $"SELECT VALUE 1 FROM c {string.Join(' ', Enumerable.Range(0, joins).Select(i => $"JOIN x{i} IN c.list"))}";
        Run.Query(Query(10), """{"id":"1","list":[1]}""").ShouldBe("[1]");
        Run.Error(Query(11)).Message.ShouldContain("10 JOINs");
    }

    [Fact]
    public void A_thousand_alternatives_are_fine()
    {
        var sql = $"SELECT VALUE c.id FROM c WHERE {string.Join(" OR ", Enumerable.Range(0, 1000).Select(i => $"(c.id = '{i}' AND c.n = {i})"))}";
        Run.Query(sql, """{"id":"999","n":999}""", """{"id":"5","n":6}""").ShouldBe("""["999"]""");
    }

    [Fact]
    public void An_excluded_path_cannot_be_sorted_by()
    {
        var source = new MemorySource(["""{"id":"1"}"""]) { Included = path => path != "/a/?" };
        Run.Error("SELECT * FROM c ORDER BY c.a", source).Position.ShouldBe(25);
        Run.Query("SELECT VALUE c.id FROM c ORDER BY c._ts", source).ShouldBe("""["1"]""");
    }

    [Fact]
    public void A_foreign_continuation_is_refused()
    {
        var source = new MemorySource(["""{"id":"1"}""", """{"id":"2"}"""]);
        var one = XenoCrm.Local.CosmosEmulator.Sql.CompiledQuery.Compile("SELECT * FROM c");
        var token = one.Execute(source, "[]"u8.ToArray(), 1, null).Continuation.ShouldNotBeNull();
        var other = XenoCrm.Local.CosmosEmulator.Sql.CompiledQuery.Compile("SELECT c.id FROM c");
        foreach (var bad in new[] { token, "x", "%%%", token[..^3], "AAAA" })
        {
            Should.Throw<XenoCrm.Local.CosmosEmulator.Sql.SqlException>(() => other.Execute(source, "[]"u8.ToArray(), 1, bad)).Message.ShouldContain("continuation");
        }
    }
}
