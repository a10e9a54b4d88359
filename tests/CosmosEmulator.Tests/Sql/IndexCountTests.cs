using System.Text;
using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>Counts that indexes answer: the same as those of a scan, and what is read for them. Random ones are in <see cref="PropertyTests"/>.</summary>
public sealed class IndexCountTests
{
    private static MemorySource Source(bool indexed) => new(
        Enumerable.Range(0, 200).Select(i => $$"""{"id":"i{{i:000}}","n":{{i}},"few":{{i % 2}},"city":"{{(i % 3 == 0 ? "Pune" : "Agra")}}",{{(i % 5 == 0 ? "" : "\"maybe\":null,")}}"tags":["t{{i % 20}}","all"],"mixed":{{(i % 50 == 0 ? "[1]" : i % 2 == 0 ? "\"x\"" : "1")}},"big":{{9007199254740992 + i}}}"""),
        indexed ? path => path is not "/mixed/[]/?" : null) { Weight = 1 };

    [Theory]
    [InlineData("c.few = 1 AND c.n >= 50 AND c.city = 'Pune'")]
    [InlineData("c.few = 1 AND c.n >= 50 AND StringEquals(c.city, 'PUNE', true)")]
    [InlineData("c.few != 1")]
    [InlineData("NOT (c.few = 1)")]
    [InlineData("CONTAINS(c.city, 'gr') AND c.n < 100")]
    [InlineData("c.n < 20 OR c.n > 180 OR c.city LIKE '%une'")]
    [InlineData("(c.n < 20 OR c.few = 1) AND (c.city = 'Agra' OR c.n > 100)")]
    [InlineData("IS_DEFINED(c.maybe)")]
    [InlineData("NOT IS_DEFINED(c.maybe) AND c.few = 0")]
    [InlineData("IS_NULL(c.maybe) AND c.n BETWEEN 10 AND 150")]
    [InlineData("ARRAY_CONTAINS(c.tags, 't7') AND c.n > 3 OR c.few = 1 AND c.city > 'B'")]
    [InlineData("c.mixed = 'x' AND c.n >= 0")]
    [InlineData("c.n + 1 > 100")]
    [InlineData("c.n >= 3")]
    [InlineData("c.n >= 3 AND c.n < 190 AND IS_STRING(c.city) AND NOT (IS_DEFINED(c.none) AND c.none = 1)")]
    [InlineData("IS_STRING(c.n) OR c.n > 7 OR c.few = 1")]
    [InlineData("c.few = 0 AND (IS_STRING(c.city) OR c.n = 4)")]
    [InlineData("c.n BETWEEN 5 AND 500 AND c.city IN ('Pune', 'Agra', 'Bern')")]
    [InlineData("c.n > 2 AND ARRAY_CONTAINS(c.tags, 'all') AND c.n != 90")]
    [InlineData("IS_STRING(c.none) AND c.n > 2")]
    public void Are_answered_without_reading_an_item(string where)
    {
        var (count, page) = Count(where, Source(indexed: true));
        count.ShouldBe(Count(where, Source(indexed: false)).Count);
        page.BytesRead.ShouldBe(0);
        ((long)page.ItemsRead).ShouldBe(count);
    }

    [Theory]
    [InlineData("c.few = 1 AND c.n >= 50 AND c.n > c.few", 75)]
    [InlineData("c.few = 1 AND NOT ARRAY_CONTAINS(c.tags, 't7')", 100)]
    [InlineData("c.few = 1 AND c.city = 'Pune' AND RAND() < 2", 33)]
    [InlineData("IS_ARRAY(c.mixed) AND c.few = 0", 4)]
    [InlineData("c.big = 9007199254740993 AND c.few = 1", 100)]
    [InlineData("c.few = 1 AND c.id > 'i100'", 100)]
    public void Read_only_the_items_that_the_indexes_leave(string where, int atMost)
    {
        var (count, page) = Count(where, Source(indexed: true));
        count.ShouldBe(Count(where, Source(indexed: false)).Count);
        ((long)page.ItemsRead).ShouldBeInRange(count, atMost);
    }

    [Fact]
    public void Other_aggregates_read_only_the_items_that_the_indexes_leave()
    {
        const string sql = "SELECT SUM(c.n) AS s, COUNT(c.maybe) AS m FROM c WHERE c.city = 'Pune' AND c.few = 1";
        var source = Source(indexed: true);
        Run.Query(sql, source).ShouldBe(Run.Query(sql, Source(indexed: false)));
        source.UsedIndexes.ShouldContain("set");
        source.Scans.ShouldBe(0);
    }

    [Theory]
    [InlineData("SELECT VALUE COUNT(1) FROM c JOIN t IN c.tags WHERE c.few = 1 AND t = 'all'", "[100]")]
    [InlineData("SELECT VALUE COUNT(undefined) FROM c WHERE c.few = 1", "[0]")]
    [InlineData("SELECT c.city, COUNT(1) AS n FROM c WHERE c.few = 1 AND c.n < 100 GROUP BY c.city", """[{"city":"Agra","n":33},{"city":"Pune","n":17}]""")]
    [InlineData("SELECT COUNT(1) AS a, COUNT(c) AS b FROM c WHERE c.few = 1", """[{"a":100,"b":100}]""")]
    [InlineData("SELECT COUNT(1) AS a, COUNT('x') AS b FROM c WHERE c.few = 1 AND c.n < 10", """[{"a":5,"b":5}]""")]
    public void Count_rows_and_groups(string sql, string expected) => Run.Query(sql, Source(indexed: true)).ShouldBe(expected);

    private static (long Count, QueryPage Page) Count(string where, MemorySource source)
    {
        var page = CompiledQuery.Compile($"SELECT VALUE COUNT(1) FROM c WHERE {where}").Execute(source, "[]"u8.ToArray(), -1, null);
        return (long.Parse(Encoding.UTF8.GetString(page.Documents.Single().Span)), page);
    }
}
