using System.Net;
using Microsoft.Azure.Cosmos;
using Newtonsoft.Json.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class PatchTests(Emulator emulator)
{
    private static readonly PartitionKey P = new("p");

    private const string Item = """{"id":"a","pk":"p","n":1,"f":1.5,"big":9007199254740993,"o":{"x":1},"list":[1,2,3],"a/b":{"~c":1}}""";

    [Fact]
    public async Task Every_operation_does_what_it_says()
    {
        var container = await Prepare();
        var patched = await container.PatchItemAsync<JObject>("a", P,
        [
            PatchOperation.Add("/new", "x"),
            PatchOperation.Set("/o/y", 2),
            PatchOperation.Replace("/f", "text"),
            PatchOperation.Remove("/o/x"),
            PatchOperation.Increment("/n", 5),
            PatchOperation.Increment("/fresh", 3),
            PatchOperation.Add("/list/-", 4),
            PatchOperation.Add("/list/0", 0),
            PatchOperation.Set("/list/1", 11),
            PatchOperation.Move("/a~1b/~0c", "/moved"),
        ]);
        patched.StatusCode.ShouldBe(HttpStatusCode.OK);
        var item = Own(patched.Resource);
        JToken.DeepEquals(item, JObject.Parse("""{"id":"a","pk":"p","n":6,"f":"text","big":9007199254740993,"o":{"y":2},"list":[0,11,2,3,4],"a/b":{},"new":"x","fresh":3,"moved":1}"""))
            .ShouldBeTrue(item.ToString());
        patched.ETag.ShouldBe((await container.ReadItemAsync<JObject>("a", P)).ETag);
    }

    [Fact]
    public async Task Increments_keep_integers_and_add_doubles()
    {
        var container = await Prepare();
        var item = (await container.PatchItemAsync<JObject>("a", P, [PatchOperation.Increment("/big", 1), PatchOperation.Increment("/n", 0.5)])).Resource;
        item["big"]!.Value<long>().ShouldBe(9007199254740994);
        item["n"]!.Value<double>().ShouldBe(1.5);
    }

    public static TheoryData<string, PatchOperation[]> Bad => new()
    {
        { "replace of what is not there", [PatchOperation.Replace("/none", 1)] },
        { "remove of what is not there", [PatchOperation.Remove("/none")] },
        { "parent that is not there", [PatchOperation.Set("/none/x", 1)] },
        { "index behind the end", [PatchOperation.Add("/list/9", 1)] },
        { "incr of a string", [PatchOperation.Increment("/id", 1)] },
        { "the id", [PatchOperation.Set("/id", "b")] },
        { "the key", [PatchOperation.Set("/pk", "q")] },
        { "a system property", [PatchOperation.Set("/_ts", 1)] },
        { "move from nowhere", [PatchOperation.Move("/none", "/x")] },
        { "second operation fails", [PatchOperation.Set("/n", 99), PatchOperation.Remove("/none")] },
        { "eleven operations", [.. Enumerable.Range(0, 11).Select(i => PatchOperation.Set($"/x{i}", i))] },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task What_cannot_be_applied_is_refused_and_changes_nothing(string why, PatchOperation[] operations)
    {
        var container = await Prepare();
        (await PointTests.Status(() => container.PatchItemAsync<JObject>("a", P, operations))).ShouldBe((HttpStatusCode.BadRequest, 0), why);
        JToken.DeepEquals(Own((await container.ReadItemAsync<JObject>("a", P)).Resource), JObject.Parse(Item)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_condition_decides()
    {
        var container = await Prepare();
        PatchItemRequestOptions When(string condition) => new() { FilterPredicate = condition };
        (await container.PatchItemAsync<JObject>("a", P, [PatchOperation.Set("/n", 2)], When("FROM c WHERE c.n = 1"))).Resource["n"]!.Value<int>().ShouldBe(2);
        (await PointTests.Status(() => container.PatchItemAsync<JObject>("a", P, [PatchOperation.Set("/n", 3)], When("FROM c WHERE c.n = 1"))))
            .Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await PointTests.Status(() => container.PatchItemAsync<JObject>("a", P, [PatchOperation.Set("/n", 3)], When("FROM c WHERE"))))
            .Status.ShouldBe(HttpStatusCode.BadRequest);
        (await container.ReadItemAsync<JObject>("a", P)).Resource["n"]!.Value<int>().ShouldBe(2);
    }

    [Fact]
    public async Task A_missing_item_is_not_found()
    {
        var container = await emulator.NewContainer();
        (await PointTests.Status(() => container.PatchItemAsync<JObject>("a", P, [PatchOperation.Set("/n", 2)]))).ShouldBe((HttpStatusCode.NotFound, 0));
    }

    [Fact]
    public async Task Concurrent_increments_are_all_counted()
    {
        var container = await Prepare();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => container.PatchItemAsync<JObject>("a", P, [PatchOperation.Increment("/n", 1)])));
        (await container.ReadItemAsync<JObject>("a", P)).Resource["n"]!.Value<int>().ShouldBe(101);
    }

    private async Task<Container> Prepare()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(JObject.Parse(Item), P);
        return container;
    }

    private static JObject Own(JObject item) => new(item.Properties().Where(p => !p.Name.StartsWith('_')));
}
