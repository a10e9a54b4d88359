namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

public sealed class QueryTests
{
    private static readonly string[] Items =
    [
        """{"id":"a","n":1,"s":"x","tags":["red","blue"],"sub":{"k":5}}""",
        """{"id":"b","n":2,"s":"y","tags":["blue"],"sub":{"k":"5"}}""",
        """{"id":"c","n":3.5,"s":"x","tags":[],"sub":null}""",
        """{"id":"d","n":"3","s":"zé"}""",
        """{"id":"e","n":null,"s":"x","flag":true}""",
    ];

    [Theory]
    [InlineData("SELECT * FROM c WHERE c.id = 'b'", """[{"id":"b","n":2,"s":"y","tags":["blue"],"sub":{"k":"5"}}]""")]
    [InlineData("SELECT VALUE c.id FROM c", """["a","b","c","d","e"]""")]
    [InlineData("SELECT VALUE root.id FROM root WHERE (root[\"n\"] >= 2)", """["b","c"]""")]
    [InlineData("SELECT c.id, c.n AS number FROM c WHERE c.n < 3", """[{"id":"a","number":1},{"id":"b","number":2}]""")]
    [InlineData("SELECT c.id, c.flag FROM c WHERE c.id IN ('d', 'e')", """[{"id":"d"},{"id":"e","flag":true}]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.n BETWEEN 2 AND 4", """["b","c"]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.n != 2", """["a","c","d","e"]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE NOT c.flag", "[]")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.flag", """["e"]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE NOT IS_DEFINED(c.sub)", """["d","e"]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.tags, 'blue')", """["a","b"]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE STARTSWITH(c.s, 'z')", """["d"]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE c.sub.k = 5 OR c.sub = null", """["a","c"]""")]
    [InlineData("SELECT VALUE COUNT(1) FROM c", "[5]")]
    [InlineData("SELECT COUNT(1) AS n, MIN(c.id) AS first, MAX(c.id) AS last FROM c", """[{"n":5,"first":"a","last":"e"}]""")]
    [InlineData("SELECT VALUE SUM(c.n) FROM c WHERE IS_NUMBER(c.n)", "[6.5]")]
    [InlineData("SELECT VALUE AVG(c.n) FROM c WHERE c.n < 3", "[1.5]")]
    [InlineData("SELECT VALUE SUM(c.n) FROM c", "[]")]
    [InlineData("SELECT c.s, COUNT(1) AS n FROM c GROUP BY c.s", """[{"s":"x","n":3},{"s":"y","n":1},{"s":"zé","n":1}]""")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.n", """["e","a","b","c","d"]""")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.n DESC", """["d","c","b","a","e"]""")]
    [InlineData("SELECT TOP 2 c.id FROM c ORDER BY c.id DESC", """[{"id":"e"},{"id":"d"}]""")]
    [InlineData("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2", """["b","c"]""")]
    [InlineData("SELECT VALUE c.id FROM c ORDER BY c.id OFFSET 3 LIMIT 5", """["d","e"]""")]
    [InlineData("SELECT DISTINCT VALUE c.s FROM c", """["x","y","zé"]""")]
    [InlineData("SELECT c.id, t FROM c JOIN t IN c.tags", """[{"id":"a","t":"red"},{"id":"a","t":"blue"},{"id":"b","t":"blue"}]""")]
    [InlineData("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'red')", """["a"]""")]
    [InlineData("SELECT VALUE ARRAY(SELECT VALUE UPPER(t) FROM t IN c.tags) FROM c WHERE c.id = 'a'", """[["RED","BLUE"]]""")]
    [InlineData("SELECT VALUE (SELECT VALUE COUNT(1) FROM t IN c.tags) FROM c", "[2,1,0,0,0]")]
    [InlineData("SELECT 1 + 2 AS three, 'a' || 'b'", """[{"three":3,"$1":"ab"}]""")]
    public void Answers(string sql, string expected)
    {
        Run.Query(sql, Items).ShouldBe(expected);
        Run.Query(sql, new MemorySource(Items, _ => true)).ShouldBe(expected, "by index");
        Run.Query(sql, new MemorySource(Items), pageSize: 1).ShouldBe(expected, "by pages of 1");
        Run.Query(sql, new MemorySource(Items, _ => true), pageSize: 2).ShouldBe(expected, "by index and pages of 2");
    }
}
