using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using XenoCrm.Local.CosmosEmulator.Http;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>Random documents and queries, against an evaluator that shares no code with the engine.</summary>
public sealed class PropertyTests
{
    private static readonly string[] Strings = ["", "a", "ab", "b", "é", "\u20ac", "\U0001F600", "\uFF5E", "q\"\\\n"];

    [Fact]
    public void The_engine_agrees_with_the_reference_by_every_way() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), Agrees).Check(Config.QuickThrowOnFailure.WithMaxTest(250));

    [Fact]
    public void The_engine_agrees_with_the_reference_over_the_real_store() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), AgreesOverStore).Check(Config.QuickThrowOnFailure.WithMaxTest(25));

    private static void AgreesOverStore(int seed)
    {
        var random = new Random(seed);
        using var store = new Store(new EmulatorOptions());
        Wait(store.CreateDatabase(new JsonObject { ["id"] = "d" }));
        var everything = random.Next(3) > 0;
        var policy = everything
            ? """{"includedPaths":[{"path":"/*"}]}"""
            : """{"includedPaths":[{"path":"/a/?"},{"path":"/arr/[]/?"}],"excludedPaths":[{"path":"/*"}]}""";
        var container = store.CreateContainer("d", new JsonObject
        {
            ["id"] = "c",
            ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") },
            ["indexingPolicy"] = JsonNode.Parse(policy),
        }).GetAwaiter().GetResult();
        var items = new List<JsonObject>();
        foreach (var number in Enumerable.Range(0, 90))
        {
            // Written twice: what the first version put into an index must be gone.
            var item = Item(random, number);
            item["pk"] = $"p{number % 2}";
            Put(store, container, """{"id":"ID","pk":"PK","a":1,"b":"b","arr":["x"],"o":{"x":2}}""".Replace("ID", (string)item["id"]!, StringComparison.Ordinal).Replace("PK", (string)item["pk"]!, StringComparison.Ordinal));
            if (number == 45)
            {
                // From here on indexes are kept, before they are built.
                foreach (var path in new[] { "/a/?", "/b/?", "/o/x/?", "/arr/[]/?" })
                {
                    _ = new ContainerSource(store, container, default).FindIndex(path);
                }
            }

            Put(store, container, item.ToJsonString());
            items.Add(JsonNode.Parse(item.ToJsonString())!.AsObject());
        }

        for (var round = 0; round < 12; round++)
        {
            var query = Query(random);
            if (!everything && query.OrderBy is { Names: not (["a"] or ["id"]) })
            {
                continue; // refused, as elsewhere tested
            }

            var size = 1 + random.Next(40);
            var why = $"seed {seed}: {query.Sql}, pages of {size}, {policy}";
            Normal(Run.Query(query.Sql, new ContainerSource(store, container, default), pageSize: size)).ShouldBe(Normal(query.Answer(items)), why);
            var count = query with { Shape = Shape.Count, Output = new Constant("x"), OrderBy = null, Top = null, Range = null };
            Normal(Run.Query(count.Sql, new ContainerSource(store, container, default))).ShouldBe(Normal(count.Answer(items)), $"{count.Sql}, {why}");
            var partition = new Scope(PartitionKey.Parse("[\"p1\"]"), null, null);
            var inPartition = items.Where(i => (string?)i["pk"] == "p1").ToList();
            Normal(Run.Query(query.Sql, new ContainerSource(store, container, partition), pageSize: size)).ShouldBe(Normal(query.Answer(inPartition)), $"one partition, {why}");
        }
    }

    private static void Put(Store store, Container container, string json)
    {
        var body = ItemBody.Parse(System.Text.Encoding.UTF8.GetBytes(json), container);
        Wait(store.Write(new ItemRequest(container, [new ItemOperation { Kind = OperationKind.Upsert, Key = body.Key, Id = body.Id, Body = body }], atomic: true)));
    }

    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    private static void Agrees(int seed)
    {
        var random = new Random(seed);
        var texts = Enumerable.Range(0, random.Next(12)).Select(i => Item(random, i).ToJsonString()).ToList();
        var items = texts.ConvertAll(t => JsonNode.Parse(t)!.AsObject());
        var indexed = new[] { "/a/?", "/b/?", "/o/x/?", "/arr/[]/?", "/id/?" }.Where(_ => random.Next(2) == 0).ToHashSet();
        for (var round = 0; round < 4; round++)
        {
            var query = Query(random);
            var expected = Normal(query.Answer(items));
            var size = 1 + random.Next(5);
            var why = $"seed {seed}: {query.Sql}\nover [{string.Join(",", texts)}]";
            Normal(Run.Query(query.Sql, new MemorySource(texts))).ShouldBe(expected, $"scan, {why}");
            Normal(Run.Query(query.Sql, new MemorySource(texts, indexed.Contains))).ShouldBe(expected, $"with {string.Join(" ", indexed)}, {why}");
            Normal(Run.Query(query.Sql, new MemorySource(texts, indexed.Contains), pageSize: size)).ShouldBe(expected, $"pages of {size} with {string.Join(" ", indexed)}, {why}");
            Normal(Run.Query(query.Sql, new MemorySource(texts), pageSize: size)).ShouldBe(expected, $"pages of {size}, {why}");

            // What indexes may answer alone.
            var count = query with { Shape = Shape.Count, Output = new Constant("x"), OrderBy = null, Top = null, Range = null };
            Normal(Run.Query(count.Sql, new MemorySource(texts, indexed.Contains))).ShouldBe(Normal(count.Answer(items)), $"{count.Sql} with {string.Join(" ", indexed)}, {why}");
        }
    }

    /// <summary>Without the differences of escapes and of 1 and 1.0.</summary>
    private static string Normal(string json) => JsonNode.Parse(json)!.ToJsonString();

    private static JsonObject Item(Random random, int number)
    {
        var item = new JsonObject();
        void Put(string name, Func<JsonNode?> value)
        {
            if (random.Next(4) > 0)
            {
                item[name] = value();
            }
        }

        Put("o", () => random.Next(5) == 0 ? Scalar(random) : new JsonObject { ["y"] = Scalar(random), ["x"] = Scalar(random) });
        Put("a", () => random.Next(8) == 0 ? new JsonArray(Scalar(random)) : Scalar(random));
        item["id"] = $"i{(number * 7) % 101}";
        Put("b", () => Scalar(random));
        Put("arr", () => random.Next(6) == 0 ? Scalar(random) : new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Scalar(random))]));
        return item;
    }

    private static JsonNode? Scalar(Random random) => random.Next(10) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => random.Next(-2, 3) / 2.0,
        < 6 => random.Next(-1, 4),
        _ => Strings[random.Next(Strings.Length)],
    };

    private static RandomQuery Query(Random random)
    {
        var shape = (Shape)random.Next(Enum.GetValues<Shape>().Length);
        var join = random.Next(5) == 0;
        var rows = shape is Shape.Value or Shape.List or Shape.Distinct;
        PathOf[] paths = [new("a"), new("b"), new("o", "x"), new("id")];
        var order = rows && random.Next(2) == 0 ? paths[random.Next(paths.Length)] : null;
        var range = (rows || shape == Shape.Group) && random.Next(5) == 0 ? (random.Next(4), random.Next(5)) : ((int, int)?)null;
        var top = (rows || shape == Shape.Group) && range is null && random.Next(5) == 0 ? random.Next(5) : (int?)null;
        var where = random.Next(5) == 0 ? null : Condition(random, join, 3);
        return new(shape, Value(random, join, 2), where, join, order, random.Next(2) == 0, top, range);
    }

    private static Node Leaf(Random random, bool join) => random.Next(join ? 7 : 6) switch
    {
        0 => new PathOf("a"),
        1 => new PathOf("b"),
        2 => new PathOf("o", "x"),
        3 => new PathOf("id"),
        4 => new PathOf("arr"),
        5 => Constant(random),
        _ => new PathOf(),
    };

    private static Constant Constant(Random random) => new(random.Next(20) == 0 ? Node.Undefined : Node.Read(Scalar(random)));

    private static Node Value(Random random, bool join, int depth) => depth == 0 ? Leaf(random, join) : random.Next(8) switch
    {
        0 => new Operation("+", Value(random, join, depth - 1), Value(random, join, depth - 1)),
        1 => new Operation("??", Value(random, join, depth - 1), Value(random, join, depth - 1)),
        2 => new Operation("?:", Condition(random, join, depth - 1), Value(random, join, depth - 1), Value(random, join, depth - 1)),
        _ => Leaf(random, join),
    };

    private static Node Condition(Random random, bool join, int depth)
    {
        string[] comparisons = ["=", "=", "!=", "<", "<=", ">", ">="];
        if (depth > 0 && random.Next(2) == 0)
        {
            return random.Next(5) switch
            {
                0 => new Operation("NOT", Condition(random, join, depth - 1)),
                1 => new Operation("OR", Condition(random, join, depth - 1), Condition(random, join, depth - 1)),
                _ => new Operation("AND", Condition(random, join, depth - 1), Condition(random, join, depth - 1)),
            };
        }

        return random.Next(11) switch
        {
            10 => new SomeElement(Condition(random, join: true, 1)),
            0 => new Operation("BETWEEN", Leaf(random, join), Constant(random), Constant(random)),
            1 => new Operation("IN", Leaf(random, join), Constant(random), Constant(random), Leaf(random, join)),
            2 => new Operation("ARRAY_CONTAINS", new PathOf("arr"), Leaf(random, join)),
            3 => new Operation("STARTSWITH", Leaf(random, join), new Constant(Strings[random.Next(Strings.Length)])),
            4 => new Operation("IS_DEFINED", Leaf(random, join)),
            5 => new Operation("IS_NULL", Leaf(random, join)),
            6 => new Operation(comparisons[random.Next(comparisons.Length)], Leaf(random, join), Leaf(random, join)),
            _ => new Operation(comparisons[random.Next(comparisons.Length)], Leaf(random, join), Constant(random)),
        };
    }
}
