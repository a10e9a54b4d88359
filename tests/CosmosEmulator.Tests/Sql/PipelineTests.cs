using System.Globalization;
using System.Text;
using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>FROM, JOIN, subqueries, GROUP BY, DISTINCT, ORDER BY and the shapes LINQ and the SDK send.</summary>
public sealed class PipelineTests
{
    private static readonly string[] Families =
    [
        """{"id":"A","last":"Andersen","address":{"city":"Seattle","zip":1},"children":[{"name":"Jesse","grade":1,"pets":["Goofy","Shadow"]},{"name":"Lisa","grade":8}],"n":1}""",
        """{"id":"W","last":"Wakefield","address":{"city":"NY"},"children":[{"name":"Henry","grade":5,"pets":["Fluffy"]}],"n":2}""",
        """{"id":"E","children":[],"n":2}""",
        """{"id":"N","children":null,"n":"2"}""",
    ];

    [Theory]
    [InlineData("SELECT VALUE ch.name FROM ch IN Families.children", """["Jesse","Lisa","Henry"]""")]
    [InlineData("SELECT * FROM ch IN Families.children WHERE ch.grade > 5", """[{"name":"Lisa","grade":8}]""")]
    [InlineData("SELECT * FROM Families.address.city", """["Seattle","NY"]""")]
    [InlineData("SELECT VALUE a.city FROM Families.address a WHERE a.zip = 1", """["Seattle"]""")]
    [InlineData("SELECT VALUE x.name FROM Families.children[0] x", """["Jesse","Henry"]""")]
    [InlineData("SELECT f.id, ch.name, p FROM Families f JOIN ch IN f.children JOIN p IN ch.pets", """[{"id":"A","name":"Jesse","p":"Goofy"},{"id":"A","name":"Jesse","p":"Shadow"},{"id":"W","name":"Henry","p":"Fluffy"}]""")]
    [InlineData("SELECT VALUE {f: f.id, c: ch.name} FROM f JOIN ch IN f.children WHERE ch.grade BETWEEN 1 AND 5", """[{"f":"A","c":"Jesse"},{"f":"W","c":"Henry"}]""")]
    [InlineData("SELECT VALUE COUNT(1) FROM f JOIN ch IN f.children", "[3]")]
    [InlineData("SELECT f.id, x FROM f JOIN (SELECT VALUE ch.name FROM ch IN f.children WHERE ch.grade > 2) AS x", """[{"id":"A","x":"Lisa"},{"id":"W","x":"Henry"}]""")]
    [InlineData("SELECT VALUE x.total FROM f JOIN (SELECT COUNT(1) AS total, MAX(ch.grade) AS best FROM ch IN f.children) x WHERE x.total > 0", "[2,1]")]
    [InlineData("SELECT f.id, m.k FROM f JOIN m IN (SELECT VALUE [{k: 1, n: 1}, {k: 2, n: 2}]) WHERE f.n = m.n", """[{"id":"A","k":1},{"id":"W","k":2},{"id":"E","k":2}]""")]
    [InlineData("SELECT VALUE a FROM f JOIN f.address AS a", """[{"city":"Seattle","zip":1},{"city":"NY"}]""")]
    [InlineData("SELECT f.id, (SELECT VALUE COUNT(1) FROM ch IN f.children WHERE ch.grade > 2) AS n FROM f", """[{"id":"A","n":1},{"id":"W","n":1},{"id":"E","n":0},{"id":"N","n":0}]""")]
    [InlineData("SELECT (SELECT f.last WHERE f.n = 1).last FROM f", """[{"last":"Andersen"},{},{},{}]""")]
    [InlineData("SELECT f.id FROM f WHERE (SELECT VALUE AVG(ch.grade) FROM ch IN f.children) > 4.5", """[{"id":"W"}]""")]
    [InlineData("SELECT VALUE EXISTS(SELECT VALUE undefined) FROM f WHERE f.id = 'A'", "[false]")]
    [InlineData("SELECT VALUE EXISTS(SELECT undefined) FROM f WHERE f.id = 'A'", "[true]")]
    [InlineData("SELECT VALUE f.id FROM f WHERE EXISTS(SELECT VALUE p FROM ch IN f.children JOIN p IN ch.pets WHERE p = 'Fluffy')", """["W"]""")]
    [InlineData("SELECT VALUE ARRAY(SELECT DISTINCT VALUE LENGTH(ch.name) FROM ch IN f.children) FROM f", "[[5,4],[5],[],[]]")]
    [InlineData("SELECT VALUE ALL(SELECT VALUE ch.grade > 0 FROM ch IN f.children) FROM f WHERE f.n = 1", "[true]")]
    [InlineData("SELECT VALUE FIRST(SELECT VALUE ch.name FROM ch IN f.children) FROM f", """["Jesse","Henry"]""")]
    [InlineData("SELECT VALUE LAST(SELECT VALUE ch.name FROM ch IN f.children) FROM f", """["Lisa","Henry"]""")]
    [InlineData("SELECT VALUE (SELECT TOP 1 VALUE ch.name FROM ch IN f.children) FROM f WHERE f.id = 'A'", """["Jesse"]""")]
    [InlineData("SELECT VALUE ARRAY(SELECT ch.grade, COUNT(1) AS n FROM ch IN f.children GROUP BY ch.grade) FROM f WHERE f.id = 'A'", """[[{"grade":1,"n":1},{"grade":8,"n":1}]]""")]
    [InlineData("SELECT COUNT(1) AS n FROM (SELECT DISTINCT VALUE f.n FROM f)", """[{"n":3}]""")]
    [InlineData("SELECT VALUE MAX(x.n) FROM (SELECT f.n, COUNT(1) AS c FROM f GROUP BY f.n) AS x WHERE x.c = 1", """["2"]""")]
    [InlineData("SELECT * FROM (SELECT f.id, ARRAY_LENGTH(f.children) AS c FROM f WHERE IS_ARRAY(f.children)) x ORDER BY x.c DESC", """[{"id":"A","c":2},{"id":"W","c":1},{"id":"E","c":0}]""")]
    [InlineData("SELECT VALUE x.id FROM (SELECT TOP 3 f.id FROM f) x WHERE x.id != 'A' ORDER BY x.id", """["E","W"]""")]
    [InlineData("SELECT x.id, p FROM (SELECT f.id, f.children[0].pets FROM f) x JOIN p IN x.pets", """[{"id":"A","p":"Goofy"},{"id":"A","p":"Shadow"},{"id":"W","p":"Fluffy"}]""")]
    [InlineData("SELECT VALUE x * 2 FROM x IN (SELECT VALUE [1, 2, 3])", "[2,4,6]")]
    [InlineData("SELECT * FROM (SELECT VALUE f.n FROM f)", """[1,2,2,"2"]""")]
    [InlineData("SELECT VALUE x FROM (SELECT VALUE f.id FROM f) x WHERE x > 'B'", """["W","E","N"]""")]
    [InlineData("SELECT *, f.id FROM f", null)]
    public void From_join_and_subqueries(string sql, string? expected)
    {
        if (expected is null)
        {
            Run.Error(sql).Code.ShouldBe("SC1001");
            return;
        }

        Run.Query(sql, Families).ShouldBe(expected);
        Run.Query(sql, new MemorySource(Families), pageSize: 1).ShouldBe(expected);
        Run.Query(sql, new MemorySource(Families, _ => true), pageSize: 2).ShouldBe(expected);
    }

    [Theory]
    [InlineData("SELECT VALUE root FROM root WHERE (root[\"n\"] = 1)", 1)]
    [InlineData("SELECT VALUE root FROM root WHERE ((root[\"n\"] = 2) AND IS_DEFINED(root[\"last\"])) ORDER BY root[\"n\"] DESC", 1)]
    [InlineData("SELECT VALUE ch FROM root JOIN ch IN root[\"children\"] WHERE (ch[\"grade\"] > 1)", 2)]
    [InlineData("SELECT VALUE root FROM root JOIN (SELECT VALUE EXISTS(SELECT VALUE c0 FROM root JOIN c0 IN root[\"children\"] WHERE (c0[\"grade\"] > 4))) AS v0 WHERE v0", 2)]
    [InlineData("SELECT VALUE root FROM root WHERE (root[\"id\"] IN (\"A\", \"W\"))", 2)]
    [InlineData("SELECT VALUE root FROM root WHERE ARRAY_CONTAINS([\"A\", \"E\"], root[\"id\"])", 2)]
    [InlineData("SELECT VALUE {\"Id\": root[\"id\"], \"City\": root[\"address\"][\"city\"]} FROM root", 4)]
    [InlineData("SELECT TOP 1 VALUE root FROM root", 1)]
    [InlineData("SELECT DISTINCT VALUE root[\"n\"] FROM root", 3)]
    [InlineData("SELECT VALUE root FROM root OFFSET 1 LIMIT 2", 2)]
    [InlineData("SELECT * FROM c WHERE STARTSWITH(c.id, 'A')", 1)]
    [InlineData("select * from root r where r.offerResourceId= @targetRID", 0)]
    [InlineData("SELECT * FROM c WHERE ( ( c.id = @a AND c[\"last\"] = @b ) OR ( c.id = @c AND c[\"last\"] = @b ) )", 1)]
    [InlineData("SELECT * FROM c WHERE c.id IN ( @a,@c )", 2)]
    public void What_the_sdk_sends(string sql, int count)
    {
        const string Parameters = """[{"name":"@a","value":"A"},{"name":"@b","value":"Andersen"},{"name":"@c","value":"W"},{"name":"@targetRID","value":"x"}]""";
        foreach (var indexed in new[] { false, true })
        {
            var result = Run.Query(sql, new MemorySource(Families, _ => indexed), Parameters);
            System.Text.Json.Nodes.JsonNode.Parse(result)!.AsArray().Count.ShouldBe(count, result);
        }
    }

    [Theory]
    [InlineData("SELECT c.g, COUNT(1) AS n, COUNT(c.v) AS v FROM c GROUP BY c.g", """[{"g":"x","n":3,"v":2},{"g":1,"n":2,"v":2},{"n":1,"v":1},{"g":null,"n":1,"v":1}]""")]
    [InlineData("SELECT VALUE COUNT(1) FROM c GROUP BY c.g", "[3,2,1,1]")]
    [InlineData("SELECT VALUE {k: UPPER(c.g), s: SUM(c.v)} FROM c WHERE IS_STRING(c.g) GROUP BY UPPER(c.g)", """[{"k":"X","s":3}]""")]
    [InlineData("SELECT c.g AS k, SUM(c.v) / COUNT(1) AS mean, 'lit' AS l FROM c WHERE c.g = 1 GROUP BY c.g", """[{"k":1,"mean":15,"l":"lit"}]""")]
    [InlineData("SELECT SUM(c.v * 2) AS twice FROM c WHERE c.g = 'x'", """[{"twice":6}]""")]
    [InlineData("SELECT c.g, COUNT(1) AS n FROM c GROUP BY c.g OFFSET 1 LIMIT 1", """[{"g":1,"n":2}]""")]
    [InlineData("SELECT DISTINCT VALUE COUNT(1) FROM c GROUP BY c.g", "[3,2,1]")]
    [InlineData("SELECT c.g FROM c WHERE c.v > 1 GROUP BY c.g, c.v", """[{"g":1},{"g":"x"},{"g":1.0}]""")]
    [InlineData("SELECT MIN(c.v) AS a, MAX(c.v) AS b FROM c", """[{"a":1,"b":"z"}]""")]
    [InlineData("SELECT MIN(c.o) AS a FROM c", "[{}]")]
    [InlineData("SELECT VALUE MAX(c.none) FROM c", "[]")]
    [InlineData("SELECT VALUE AVG(c.v) FROM c", "[]")]
    [InlineData("SELECT VALUE SUM(c.none) FROM c", "[0]")]
    [InlineData("SELECT VALUE AVG(c.none) FROM c", "[]")]
    [InlineData("SELECT VALUE COUNT(1) FROM c WHERE false", "[0]")]
    [InlineData("SELECT COUNT(1) AS n FROM c WHERE false GROUP BY c.g", "[]")]
    [InlineData("SELECT VALUE COUNT(1)", "[1]")]
    [InlineData("SELECT VALUE COUNTIF(c.g = 'x') FROM c", "[3]")]
    [InlineData("SELECT VALUE COUNTIF(c.v) FROM c", "[0]")]
    [InlineData("SELECT VALUE MAKELIST(c.g) FROM c", """[["x",1,"x",null,1.0,"x"]]""")]
    [InlineData("SELECT VALUE MAKESET(c.g) FROM c", """[["x",1,null]]""")]
    [InlineData("SELECT c.g, MAKESET(c.v > 5) AS s FROM c WHERE c.g = 1 GROUP BY c.g", """[{"g":1,"s":[true]}]""")]
    [InlineData("SELECT VALUE MAKELIST(c.none) FROM c", "[[]]")]
    public void Groups_and_aggregates(string sql, string expected)
    {
        string[] items =
        [
            """{"id":"1","g":"x","v":1}""", """{"id":"2","g":1,"v":10}""", """{"id":"3","g":"x","v":2.0}""", """{"id":"4","v":1}""",
            """{"id":"5","g":null,"v":"z"}""", """{"id":"6","g":1.0,"v":20}""", """{"id":"7","g":"x","o":{}}""",
        ];
        var pages = new List<int>();
        Run.Query(sql, new MemorySource(items), pageSize: 1, pages: pages).ShouldBe(expected);
        pages.Count.ShouldBe(1, "no continuation for aggregates");
    }

    [Fact]
    public void Aggregates_over_many_items_are_the_same_in_parallel()
    {
        var items = Enumerable.Range(0, 20_000).Select(i => $$"""{"id":"{{i}}","g":{{i % 7}},"v":{{(i * 0.1).ToString(CultureInfo.InvariantCulture)}}}""").ToList();
        var source = new MemorySource(items);
        Run.Query("SELECT COUNT(1) AS n, MIN(c.v) AS a, MAX(c.v) AS b FROM c WHERE c.g != 3", source).ShouldBe("""[{"n":17143,"a":0,"b":1999.9}]""");
        var groups = Run.Query("SELECT c.g, COUNT(1) AS n, SUM(c.v) AS s FROM c GROUP BY c.g", source);
        groups.ShouldStartWith("""[{"g":0,"n":2858,"s":""");
        for (var i = 0; i < 5; i++)
        {
            Run.Query("SELECT c.g, COUNT(1) AS n, SUM(c.v) AS s FROM c GROUP BY c.g", source).ShouldBe(groups);
        }

        Run.Query("SELECT MAKESET(c.g) AS s, COUNTIF(c.g = 3) AS n FROM c", source).ShouldBe("""[{"s":[0,1,2,3,4,5,6],"n":2857}]""");
        Run.Error("SELECT VALUE COUNT((SELECT VALUE x FROM x IN (SELECT VALUE [1, 2]))) FROM c", source).Code.ShouldBe("SC2110");
    }

    [Fact]
    public void Whole_items_are_returned_as_they_are_stored()
    {
        const string Item = """{"id":"1","n":1.500,"s":"\u0041\/","z":{"b":1,"a":2}}""";
        foreach (var sql in new[] { "SELECT * FROM c", "SELECT VALUE c FROM c", "SELECT * FROM c ORDER BY c.n", "SELECT TOP 1 * FROM c WHERE c.s = 'A/'", "SELECT DISTINCT * FROM c" })
        {
            Run.Query(sql, Item).ShouldBe($"[{Item}]");
        }
    }

    [Fact]
    public void The_same_compiled_query_serves_many_threads()
    {
        var source = new MemorySource(Enumerable.Range(0, 200).Select(i => $$"""{"id":"{{i}}","n":{{i}},"tags":["t{{i % 5}}"]}"""));
        var query = CompiledQuery.Compile("SELECT VALUE c.n FROM c JOIN t IN c.tags WHERE t = @t AND c.n < @n ORDER BY c.n DESC");
        Parallel.For(0, 200, i =>
        {
            var page = query.Execute(source, Encoding.UTF8.GetBytes($$"""[{"name":"@t","value":"t{{i % 5}}"},{"name":"@n","value":{{i}}}]"""), -1, null);
            var expected = Enumerable.Range(0, i).Where(n => n % 5 == i % 5).Reverse().Select(n => n.ToString(CultureInfo.InvariantCulture));
            page.Documents.Select(d => Encoding.UTF8.GetString(d.Span)).ShouldBe(expected);
        });
    }

    [Fact]
    public void Many_alternatives_of_one_path_are_looked_up_with_the_same_result()
    {
        var items = Enumerable.Range(0, 40).Select(i => $$"""{"id":"{{i}}","pk":"p{{i % 3}}","n":{{(i % 5 == 0 ? "\"x\"" : i)}}}""").Append("""{"id":"none"}""").ToArray();
        string[] alternatives = ["(c.id = '3' AND c.pk = 'p0')", "(c.pk = 'p1' AND c.id = '4')", "(c.id = '5' AND c.pk = 'p0')", "(c.id = '3' AND c.n = 3)", "(c.id = @id)", "(c.id = undefined)",
            "(c.id = '7' AND (c.n > 6 OR c.pk = 'q'))", "(c.id = '8' AND NOT c.n = 8)", "(c.id = '9' AND c.n != 9)", "(c.id = 'none' AND NOT IS_DEFINED(c.n))"];
        var where = string.Join(" OR ", alternatives);
        const string Parameters = """[{"name":"@id","value":"11"}]""";
        const string Expected = """["3","4","7","11","none"]""";
        Run.Query($"SELECT VALUE c.id FROM c WHERE {where}", new MemorySource(items), Parameters).ShouldBe(Expected);
        Run.Query($"SELECT VALUE c.id FROM c WHERE {where}", new MemorySource(items, _ => true), Parameters, 2).ShouldBe(Expected);
        Run.Query($"SELECT VALUE c.id FROM c WHERE ({where}) AND c.id != '4'", new MemorySource(items), Parameters).ShouldBe("""["3","7","11","none"]""");

        // Under NOT false and undefined differ, so the same condition must keep all three values there.
        Run.Query($"SELECT VALUE COUNT(1) FROM c WHERE NOT ({where})", new MemorySource(items), Parameters).ShouldBe("[0]");
        var list = string.Join(", ", Enumerable.Range(0, 9).Select(i => $"@p{i}"));
        var parameters = $"[{string.Join(",", Enumerable.Range(0, 9).Select(i => $$"""{"name":"@p{{i}}","value":{{i * 2}}}"""))}]";
        Run.Query($"SELECT VALUE c.n FROM c WHERE c.n IN ({list})", new MemorySource(items), parameters).ShouldBe("[2,4,6,8,12,14,16]");
        Run.Query($"SELECT VALUE COUNT(1) FROM c WHERE c.n NOT IN ({list})", new MemorySource(items), parameters).ShouldBe("[33]");
    }
}
