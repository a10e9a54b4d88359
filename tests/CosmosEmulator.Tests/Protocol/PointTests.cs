using System.Net;
using System.Text;
using Microsoft.Azure.Cosmos;
using Newtonsoft.Json.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class PointTests(Emulator emulator)
{
    private static readonly PartitionKey P = new("p");

    [Fact]
    public async Task An_item_is_created_read_replaced_upserted_and_deleted()
    {
        var container = await emulator.NewContainer();
        var created = await container.CreateItemAsync(Doc.Of("a", n: 1), P);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        created.Resource.Etag.ShouldBe(created.ETag);
        created.ETag.ShouldStartWith("\"");

        var read = await container.ReadItemAsync<Doc>("a", P);
        read.Resource.N.ShouldBe(1);
        read.ETag.ShouldBe(created.ETag);

        var replaced = await container.ReplaceItemAsync(read.Resource with { N = 2 }, "a", P);
        replaced.StatusCode.ShouldBe(HttpStatusCode.OK);
        replaced.ETag.ShouldNotBe(created.ETag);

        (await container.UpsertItemAsync(Doc.Of("a", n: 3), P)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await container.UpsertItemAsync(Doc.Of("b", n: 4), P)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await container.ReadItemAsync<Doc>("a", P)).Resource.N.ShouldBe(3);

        (await container.DeleteItemAsync<Doc>("a", P)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await Status(() => container.ReadItemAsync<Doc>("a", P))).ShouldBe((HttpStatusCode.NotFound, 0));
        (await Status(() => container.DeleteItemAsync<Doc>("a", P))).ShouldBe((HttpStatusCode.NotFound, 0));
        (await Status(() => container.ReplaceItemAsync(Doc.Of("a"), "a", P))).ShouldBe((HttpStatusCode.NotFound, 0));
    }

    [Fact]
    public async Task The_partition_key_is_taken_from_the_item_when_none_is_given()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("a", "x"));
        (await container.ReadItemAsync<Doc>("a", new PartitionKey("x"))).Resource.Pk.ShouldBe("x");
        (await Status(() => container.ReadItemAsync<Doc>("a", P))).ShouldBe((HttpStatusCode.NotFound, 0));
        await container.CreateItemAsync(Doc.Of("a", "y")); // an id is unique within its partition only
    }

    [Fact]
    public async Task A_second_create_is_a_conflict()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("a", n: 1), P);
        (await Status(() => container.CreateItemAsync(Doc.Of("a", n: 2), P))).ShouldBe((HttpStatusCode.Conflict, 0));
        (await container.ReadItemAsync<Doc>("a", P)).Resource.N.ShouldBe(1);
    }

    [Fact]
    public async Task A_key_that_differs_from_the_items_is_refused()
    {
        var container = await emulator.NewContainer();
        (await Status(() => container.CreateItemAsync(Doc.Of("a", "x"), new PartitionKey("y")))).ShouldBe((HttpStatusCode.BadRequest, 1001));
        (await Status(() => container.UpsertItemAsync(Doc.Of("a", "x"), new PartitionKey(7)))).ShouldBe((HttpStatusCode.BadRequest, 1001));
    }

    [Fact]
    public async Task Etags_guard_writes_and_save_reads()
    {
        var container = await emulator.NewContainer();
        var first = await container.CreateItemAsync(Doc.Of("a", n: 1), P);
        var second = await container.ReplaceItemAsync(Doc.Of("a", n: 2), "a", P, new ItemRequestOptions { IfMatchEtag = first.ETag });

        var stale = new ItemRequestOptions { IfMatchEtag = first.ETag };
        (await Status(() => container.ReplaceItemAsync(Doc.Of("a", n: 3), "a", P, stale))).ShouldBe((HttpStatusCode.PreconditionFailed, 0));
        (await Status(() => container.UpsertItemAsync(Doc.Of("a", n: 3), P, stale))).ShouldBe((HttpStatusCode.PreconditionFailed, 0));
        (await Status(() => container.DeleteItemAsync<Doc>("a", P, stale))).ShouldBe((HttpStatusCode.PreconditionFailed, 0));
        (await Status(() => container.PatchItemAsync<Doc>("a", P, [PatchOperation.Set("/n", 3)], new PatchItemRequestOptions { IfMatchEtag = first.ETag })))
            .ShouldBe((HttpStatusCode.PreconditionFailed, 0));
        (await container.ReadItemAsync<Doc>("a", P)).Resource.N.ShouldBe(2);

        using var unchanged = await container.ReadItemStreamAsync("a", P, new ItemRequestOptions { IfNoneMatchEtag = second.ETag });
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        using var changed = await container.ReadItemStreamAsync("a", P, new ItemRequestOptions { IfNoneMatchEtag = first.ETag });
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await container.ReplaceItemAsync(Doc.Of("a", n: 4), "a", P, new ItemRequestOptions { IfMatchEtag = "*" })).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_write_can_answer_without_the_item()
    {
        var container = await emulator.NewContainer();
        var quiet = new ItemRequestOptions { EnableContentResponseOnWrite = false };
        var created = await container.CreateItemAsync(Doc.Of("a"), P, quiet);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        created.Resource.ShouldBeNull();
        created.ETag.ShouldNotBeNullOrEmpty();
        (await container.UpsertItemAsync(Doc.Of("a"), P, quiet)).Resource.ShouldBeNull();
        (await container.ReplaceItemAsync(Doc.Of("a"), "a", P, quiet)).Resource.ShouldBeNull();
        (await container.PatchItemAsync<Doc>("a", P, [PatchOperation.Set("/n", 1)], new PatchItemRequestOptions { EnableContentResponseOnWrite = false })).Resource.ShouldBeNull();
        (await container.ReadItemAsync<Doc>("a", P)).Resource.N.ShouldBe(1);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("with space")]
    [InlineData("ünïcödé-名前-🙂")]
    [InlineData("a+b&c=d;e,f@g:h")]
    [InlineData("quote\"s'and`ticks")]
    [InlineData("100%")]
    [InlineData("<tag>{x}[y]|~^")]
    [InlineData(".")]
    [InlineData("a..b")]
    public async Task Ids_of_all_sorts_are_found_again(string id)
    {
        Assert.SkipWhen(Emulator.IsForeign && id == ".", "the service normalises such a path");
        var container = await emulator.NewContainer("/id");
        await container.CreateItemAsync(Doc.Of(id, n: 5), new PartitionKey(id));
        if (id != ".") // Uri removes the segment before it is sent
        {
            (await container.ReadItemAsync<Doc>(id, new PartitionKey(id))).Resource.Id.ShouldBe(id);
        }

        using var found = await container.ReadManyItemsStreamAsync([(id, new PartitionKey(id)), ("other", new PartitionKey("other"))]);
        found.StatusCode.ShouldBe(HttpStatusCode.OK);
        JObject.Parse(await new StreamReader(found.Content).ReadToEndAsync())["Documents"]!.Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a#b")]
    [InlineData("a?b")]
    public async Task Ids_that_cannot_be_addressed_are_refused(string id)
    {
        var container = await emulator.NewContainer();
        (await StatusOfBody(container, new JObject { ["id"] = id, ["pk"] = "p" }.ToString())).ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("""{"pk":"p"}""")]
    [InlineData("""{"id":7,"pk":"p"}""")]
    [InlineData("""{"id":"a","pk":"p","ttl":0}""")]
    [InlineData("""{"id":"a","pk":"p","ttl":"soon"}""")]
    [InlineData("""{"id":"a","pk":"p" """)]
    [InlineData("""{"id":"a","pk":"p"} trailing""")]
    [InlineData("""["id"]""")]
    [InlineData("")]
    public async Task Bodies_that_are_no_items_are_refused(string body)
    {
        var container = await emulator.NewContainer();
        (await StatusOfBody(container, body)).ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Invalid_utf8_and_too_deep_nesting_are_refused()
    {
        var container = await emulator.NewContainer();
        byte[] bytes = [.. "{\"id\":\"a\",\"pk\":\"p\",\"x\":\""u8, 0xC3, 0x28, .. "\"}"u8];
        using var bad = await container.CreateItemStreamAsync(new MemoryStream(bytes), P);
        bad.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await StatusOfBody(container, $$"""{"id":"a","pk":"p","x":{{new string('[', 200)}}{{new string(']', 200)}}}""")).ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task An_item_of_more_than_2_MB_is_too_large()
    {
        var container = await emulator.NewContainer();
        var fits = Doc.Of("a") with { Text = new string('x', (2 * 1024 * 1024) - 1000) };
        (await container.CreateItemAsync(fits, P)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await container.ReadItemAsync<Doc>("a", P)).Resource.Text.ShouldBe(fits.Text);
        (await Status(() => container.UpsertItemAsync(fits with { Text = fits.Text + new string('x', 2000) }, P))).ShouldBe((HttpStatusCode.RequestEntityTooLarge, 0));
    }

    public static TheoryData<string, string> Keys => new()
    {
        { "12345678901234", "number" }, { "1e21", "number" }, { "0.1", "number" }, { "-0.0", "number" }, { "7", "number" },
        { "true", "bool" }, { "false", "bool" }, { "null", "null" }, { "undefined", "none" },
        { "\"ü 名\\\"\\u0001\"", "string" }, { "\"\"", "string" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Keys_are_compared_by_value(string json, string kind)
    {
        var container = await emulator.NewContainer();
        var body = json == "undefined" ? """{"id":"a"}""" : $$"""{"id":"a","pk":{{json}}}""";
        var key = kind switch
        {
            "number" => new PartitionKey(double.Parse(json)),
            "bool" => new PartitionKey(json == "true"),
            "null" => PartitionKey.Null,
            "none" => PartitionKey.None,
            _ => new PartitionKey(JToken.Parse(json).Value<string>()),
        };
        using var created = await container.CreateItemStreamAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)), key);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await container.ReadItemAsync<JObject>("a", key)).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var other = await container.ReadItemStreamAsync("a", new PartitionKey("something else"));
        other.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        if (kind is "null" or "none")
        {
            using var wrong = await container.ReadItemStreamAsync("a", kind == "null" ? PartitionKey.None : PartitionKey.Null);
            wrong.StatusCode.ShouldBe(HttpStatusCode.NotFound, "null and undefined are two keys");
        }
    }

    [Fact]
    public async Task Nested_and_hierarchical_keys_work()
    {
        var nested = await emulator.NewContainer("/a/b");
        await nested.CreateItemAsync(new { id = "1", a = new { b = "x" } });
        (await nested.ReadItemAsync<JObject>("1", new PartitionKey("x"))).StatusCode.ShouldBe(HttpStatusCode.OK);

        var levels = await emulator.NewContainer(configure: p => p.PartitionKeyPaths = ["/tenant", "/user", "/n"]);
        await levels.CreateItemAsync(new { id = "1", tenant = "t", user = "u", n = 5 });
        await levels.CreateItemAsync(new { id = "1", tenant = "t", user = "v", n = 5 });
        var key = new PartitionKeyBuilder().Add("t").Add("u").Add(5).Build();
        (await levels.ReadItemAsync<JObject>("1", key)).Resource["user"]!.Value<string>().ShouldBe("u");
        using var wrong = await levels.ReadItemStreamAsync("1", new PartitionKeyBuilder().Add("t").Add("u").Add(6).Build());
        wrong.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task What_is_stored_is_what_was_sent_plus_system_properties()
    {
        var container = await emulator.NewContainer();
        const string body = """
            { "id" : "a", "pk":"p",  "_rid":"mine", "_etag":"mine", "_ts": 1, "_self":"mine", "_attachments":"mine", "_own": 1,
              "big": 9007199254740993, "e": 1.0E+2, "s":"\u0041\"\\ \u2028 é", "empty": {}, "list": [ ], "deep": [ { "x": [1, 2 , [ ] ] } ], "nil":null }
            """;
        using var created = await container.CreateItemStreamAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)), P);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var read = await container.ReadItemStreamAsync("a", P);
        var text = await new StreamReader(read.Content).ReadToEndAsync();
        var item = JObject.Parse(text);
        foreach (var property in JObject.Parse(body).Properties().Where(p => p.Name is not ("_rid" or "_etag" or "_ts" or "_self" or "_attachments")))
        {
            JToken.DeepEquals(item[property.Name], property.Value).ShouldBeTrue(property.Name);
        }

        item["_etag"]!.Value<string>().ShouldBe(read.Headers.ETag);
        item["_ts"]!.Value<long>().ShouldBeGreaterThan(1_700_000_000);
        item["_rid"]!.Value<string>()!.Length.ShouldBe(24);
        item["_self"]!.Value<string>()!.ShouldContain(item["_rid"]!.Value<string>()!);
        if (!Emulator.IsForeign)
        {
            text.ShouldContain("\"big\":9007199254740993,\"e\":1.0E+2,");
            text.ShouldNotContain(" :");
        }
    }

    [Fact]
    public async Task Reads_and_writes_are_charged_by_size()
    {
        var container = await emulator.NewContainer();
        var small = await container.CreateItemAsync(Doc.Of("small"), P);
        var large = await container.CreateItemAsync(Doc.Of("large") with { Text = new string('x', 50_000) }, P);
        small.RequestCharge.ShouldBeInRange(4, 9);
        large.RequestCharge.ShouldBeGreaterThan(small.RequestCharge * 3);
        (await container.ReadItemAsync<Doc>("small", P)).RequestCharge.ShouldBe(1);
        (await container.ReadItemAsync<Doc>("large", P)).RequestCharge.ShouldBeGreaterThan(4);
    }

    [Fact]
    public async Task An_update_is_charged_for_the_index_terms_that_change()
    {
        var container = await emulator.NewContainer();
        object Of(int n, int from) => new { id = "a", pk = "p", n, tags = Enumerable.Range(from, 50) };
        var created = await container.CreateItemAsync(Of(1, 0), P);
        var same = await container.UpsertItemAsync(Of(1, 0), P);
        var one = await container.UpsertItemAsync(Of(2, 0), P);
        var all = await container.UpsertItemAsync(Of(3, 100), P);
        var patched = await container.PatchItemAsync<object>("a", P, [PatchOperation.Set("/n", 4)]);
        one.RequestCharge.ShouldBeGreaterThan(same.RequestCharge);
        patched.RequestCharge.ShouldBe(one.RequestCharge, 0.5);
        all.RequestCharge.ShouldBeGreaterThan(one.RequestCharge + 5);
        if (!Emulator.IsForeign)
        {
            created.RequestCharge.ShouldBeGreaterThan(4.5 + (50 * 0.12));
            same.RequestCharge.ShouldBeLessThan(10);
            (one.RequestCharge - same.RequestCharge).ShouldBe(2 * 0.12, 0.02);
            var batch = await container.CreateTransactionalBatch(P).UpsertItem(Of(4, 100)).UpsertItem(Of(5, 100)).ExecuteAsync();
            batch.RequestCharge.ShouldBe(same.RequestCharge + one.RequestCharge, 0.2);
        }
    }

    [Fact]
    public async Task Concurrent_compare_and_swaps_lose_no_update()
    {
        var container = await emulator.NewContainer();
        await container.CreateItemAsync(Doc.Of("counter"), P);
        var conflicts = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var done = 0; done < 10;)
            {
                var read = await container.ReadItemAsync<Doc>("counter", P);
                try
                {
                    await container.ReplaceItemAsync(read.Resource with { N = read.Resource.N + 1 }, "counter", P, new ItemRequestOptions { IfMatchEtag = read.ETag });
                    done++;
                }
                catch (CosmosException error) when (error.StatusCode == HttpStatusCode.PreconditionFailed)
                {
                    Interlocked.Increment(ref conflicts);
                }
            }
        }));
        (await container.ReadItemAsync<Doc>("counter", P)).Resource.N.ShouldBe(80);
        conflicts.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Of_concurrent_creates_one_wins()
    {
        var container = await emulator.NewContainer();
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Status(() => container.CreateItemAsync(Doc.Of("one", n: i), P))));
        answers.Count(a => a.Status == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.Status == HttpStatusCode.Conflict).ShouldBe(31);
    }

    [Fact]
    public async Task The_session_token_counts_the_writes()
    {
        var container = await emulator.NewContainer();
        var first = await container.CreateItemAsync(Doc.Of("a"), P);
        var second = await container.CreateItemAsync(Doc.Of("b"), P);
        Lsn(second.Headers.Session).ShouldBeGreaterThan(Lsn(first.Headers.Session));
        (await container.ReadItemAsync<Doc>("a", P, new ItemRequestOptions { SessionToken = second.Headers.Session })).StatusCode.ShouldBe(HttpStatusCode.OK);

        static long Lsn(string token) => long.Parse(token[(token.LastIndexOf('#') + 1)..]);
    }

    internal static async Task<(HttpStatusCode Status, int SubStatus)> Status<T>(Func<Task<ItemResponse<T>>> call)
    {
        try
        {
            return ((await call()).StatusCode, 0);
        }
        catch (CosmosException error)
        {
            return (error.StatusCode, error.SubStatusCode);
        }
    }

    private static async Task<HttpStatusCode> StatusOfBody(Container container, string body)
    {
        using var response = await container.CreateItemStreamAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)), P);
        return response.StatusCode;
    }
}
