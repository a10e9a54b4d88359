using System.Text;
using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>The conditions of patches.</summary>
public sealed class FilterTests
{
    [Theory]
    [InlineData("FROM c WHERE c.n > 10", true)]
    [InlineData("from c where c.n > 11", false)]
    [InlineData("FROM c WHERE c.n > '10'", false)]
    [InlineData("FROM c WHERE c.none = 1", false)]
    [InlineData("FROM c WHERE NOT IS_DEFINED(c.none) AND c.s IN ('a', 'b')", true)]
    [InlineData("FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'y')", true)]
    [InlineData("FROM c JOIN t IN c.tags WHERE t = 'z'", false)]
    [InlineData("FROM c", true)]
    [InlineData("SELECT * FROM c WHERE c.n = 11", true)]
    public void Matches(string condition, bool expected) =>
        CompiledFilter.Compile(condition).Matches(Encoding.UTF8.GetBytes("""{"id":"1","n":11,"s":"a","tags":["x","y"]}""")).ShouldBe(expected);

    [Theory]
    [InlineData("WHERE c.n > 10", 0)]
    [InlineData("FROM c WHERE", 12)]
    [InlineData("FROM c WHERE d.n = 1", 13)]
    [InlineData("FROM c WHERE c.n = @x", 19)]
    public void Refuses(string condition, int position) =>
        Should.Throw<SqlException>(() => CompiledFilter.Compile(condition)).Position.ShouldBe(position);
}
