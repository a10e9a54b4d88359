using System.Text;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Tests.Storage;

public sealed class IndexTermsTests
{
    private const string Everything = """{"includedPaths":[{"path":"/*"}]}""";
    private const string Some = """{"includedPaths":[{"path":"/n/?"},{"path":"/tags/[]/?"},{"path":"/attributes/*"}],"excludedPaths":[{"path":"/*"},{"path":"/attributes/secret/*"}]}""";
    private const string Item = """{"id":"1","n":1,"tags":["a","b"],"attributes":{"colour":"red","secret":{"x":1}},"other":{"deep":[{"y":1},{"y":2}]}}""";

    [Theory]
    [InlineData(Everything, "\"n\":1", "\"n\":1", 0)]
    [InlineData(Everything, "\"n\":1", "\"n\":2", 2)] // one term goes, one comes
    [InlineData(Everything, "\"n\":1,", "", 1)]
    [InlineData(Everything, "\"n\":1", "\"n\":1,\"m\":1", 1)]
    [InlineData(Everything, "\"y\":2", "\"y\":3", 2)]
    [InlineData(Everything, "\"y\":2", "\"y\":1", 1)] // both elements have the same value now
    [InlineData(Everything, "{\"deep\":[{\"y\":1},{\"y\":2}]}", "{\"deep\":[{\"y\":2},{\"y\":1}]}", 0)]
    [InlineData(Everything, "{\"x\":1}", "{\"x\":1,\"x\\\"2\":[[1,2],[]]}", 2)]
    [InlineData(Some, "\"n\":1", "\"n\":2", 2)]
    [InlineData(Some, "[\"a\",\"b\"]", "[\"b\",\"a\"]", 0)]
    [InlineData(Some, "[\"a\",\"b\"]", "[\"a\",\"b\",\"c\",\"d\"]", 2)]
    [InlineData(Some, "[\"a\",\"b\"]", "\"a\"", 2)] // /tags/? itself is left out
    [InlineData(Some, "\"red\"", "\"blue\"", 2)]
    [InlineData(Some, "\"red\"", "{\"name\":\"red\"}", 2)]
    [InlineData(Some, "{\"x\":1}", "{\"x\":2,\"z\":3}", 0)]
    [InlineData(Some, "\"y\":2", "\"y\":3,\"text\":\"long\"", 0)]
    public void What_changes_is_counted(string policy, string before, string after, int expected)
    {
        Item.ShouldContain(before);
        var parsed = IndexingPolicy.Parse((JsonObject)JsonNode.Parse($$"""{"indexingPolicy":{{policy}}}""")!);
        byte[] old = Encoding.UTF8.GetBytes(Item), current = Encoding.UTF8.GetBytes(Item.Replace(before, after, StringComparison.Ordinal));
        IndexTerms.CountChanges(parsed, old, current).ShouldBe(expected);
        IndexTerms.CountChanges(parsed, current, old).ShouldBe(expected);
        IndexTerms.CountChanges(parsed, old.AsSpan(..^1), current.AsSpan(..^1)).ShouldBe(expected, "without the closing brace");
    }

    [Fact]
    public void The_walk_and_the_policy_agree_on_what_is_included()
    {
        var policy = (JsonObject)JsonNode.Parse("""
            {"indexingPolicy":{"includedPaths":[{"path":"/n/?"},{"path":"/tags/[]/?"},{"path":"/a/*"},{"path":"/a/b/c/?"},{"path":"/\"with space\"/?"}],
             "excludedPaths":[{"path":"/*"},{"path":"/a/b/*"},{"path":"/a/d/?"}]}}
            """)!;
        var parsed = IndexingPolicy.Parse(policy);
        foreach (var path in new[] { "n", "n/x", "tags", "tags/[]", "tags/[]/x", "a", "a/x", "a/x/y", "a/[]", "a/b", "a/b/x", "a/b/c", "a/b/c/x", "a/d", "a/d/x", "with space", "zzz" })
        {
            var json = path.Split('/').Reverse().Aggregate("1", (value, name) => name == "[]" ? $"[{value}]" : $$"""{"{{name}}":{{value}}}""");
            IndexTerms.CountChanges(parsed, "{}"u8, Encoding.UTF8.GetBytes(json)).ShouldBe(parsed.IsIncluded($"/{path}/?") ? 1 : 0, path);
        }
    }
}
