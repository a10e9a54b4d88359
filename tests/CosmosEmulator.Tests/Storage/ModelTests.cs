using System.Text;
using System.Text.Json.Nodes;
using XenoCrm.Local.CosmosEmulator.Http;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;
using JsonValue = XenoCrm.Local.CosmosEmulator.Json.JsonValue;

namespace XenoCrm.Local.CosmosEmulator.Tests.Storage;

/// <summary>
/// Random operations against a dictionary. Many are queued before any is awaited, so they meet inside one group and depend
/// on each other there; now and then the store is closed and recovered, and compacts itself meanwhile.
/// </summary>
public sealed class ModelTests : IDisposable
{
    private sealed record Row(int N, string Etag);

    private static readonly JsonPatch Impossible = JsonPatch.Parse("""{"operations":[{"op":"remove","path":"/absent"}]}"""u8);

    private static readonly JsonPatch Increment =
        JsonPatch.Parse("""{"condition":"FROM c WHERE c.n < 40","operations":[{"op":"incr","path":"/n","value":1}]}"""u8);

    private readonly string _directory = Directory.CreateTempSubdirectory("emulator-model-").FullName;
    private readonly Dictionary<(string Key, string Id), Row> _model = [];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_store_does_what_a_dictionary_does(int seed)
    {
        var random = new Random(seed);
        for (var life = 0; life < 4; life++)
        {
            using var store = new Store(new EmulatorOptions { DataDirectory = _directory, FlushToDisk = false, CompactAboveBytes = 20_000 });
            if (life == 0)
            {
                await store.CreateDatabase(new JsonObject { ["id"] = "d" });
                await store.CreateContainer("d", new JsonObject { ["id"] = "c", ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray("/pk") } });
            }

            var container = store.FindDatabase("d")!.Find("c")!;
            Check(store, container);
            for (var round = 0; round < 20; round++)
            {
                var requests = Enumerable.Range(0, 30).Select(_ => NewRequest(random, container)).ToList();
                var done = requests.Select(store.Write).ToList();
                await Task.WhenAll(done);
                foreach (var request in requests)
                {
                    Follow(request, container);
                }

                Check(store, container);
            }
        }
    }

    private static ItemRequest NewRequest(Random random, Container container)
    {
        var atomic = random.Next(3) > 0;
        var key = $"k{random.Next(3)}";
        var count = random.Next(4) == 0 ? random.Next(2, 6) : 1;
        return new ItemRequest(container, [.. Enumerable.Range(0, count).Select(_ => NewOperation(random, container, atomic ? key : $"k{random.Next(3)}"))], atomic);
    }

    private static ItemOperation NewOperation(Random random, Container container, string key)
    {
        OperationKind[] kinds = [OperationKind.Create, OperationKind.Upsert, OperationKind.Replace, OperationKind.Delete, OperationKind.Patch, OperationKind.Read];
        var kind = kinds[random.Next(kinds.Length)];
        var id = $"i{random.Next(6)}";
        var writes = kind is OperationKind.Create or OperationKind.Upsert or OperationKind.Replace;
        var partition = PartitionKey.Parse($"[\"{key}\"]");
        var etag = random.Next(4) switch
        {
            0 => "\"00000000-0000-0000-0000-000000000000\"",
            1 when container.View.Find(partition, id, 0) is { } version => container.Layout.Etag(version),
            _ => null,
        };
        return new ItemOperation
        {
            Kind = kind,
            Key = partition,
            Id = id,
            Body = writes ? ItemBody.Parse(Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","pk":"{{key}}","n":{{random.Next(50)}}}"""), container) : null,
            Patch = kind != OperationKind.Patch ? null : random.Next(4) == 0 ? Impossible : Increment,
            IfMatch = kind is OperationKind.Replace or OperationKind.Upsert or OperationKind.Delete or OperationKind.Patch ? etag : null,
        };
    }

    /// <summary>Predicts each outcome from the model, in the order of submission.</summary>
    private void Follow(ItemRequest request, Container container)
    {
        var before = _model.ToDictionary();
        var failed = false;
        foreach (var operation in request.Operations)
        {
            var expected = Predict(operation);
            if (failed)
            {
                operation.Status.ShouldBe(424);
                continue;
            }

            if (request.Atomic && expected >= 300)
            {
                operation.Status.ShouldBe(expected);
                failed = true;
                _model.Clear();
                foreach (var (key, row) in before)
                {
                    _model[key] = row;
                }

                continue;
            }

            if (operation.Status == 424)
            {
                request.Atomic.ShouldBeTrue();
                request.Operations.ShouldContain(o => o.Status >= 300 && o.Status != 424);
            }
            else
            {
                operation.Status.ShouldBe(expected, $"{operation.Kind} {operation.Id}");
            }

            Keep(operation, expected);
        }

        if (request.Atomic && request.Operations.Any(o => o.Status == 424))
        {
            failed.ShouldBeTrue();
        }

        int Predict(ItemOperation operation)
        {
            var exists = _model.TryGetValue(KeyOf(operation), out var row);
            if (!exists)
            {
                return operation.Kind is OperationKind.Create or OperationKind.Upsert ? 201 : 404;
            }

            if (operation.Kind == OperationKind.Create)
            {
                return 409;
            }

            if (operation.IfMatch is not null && operation.IfMatch != row!.Etag)
            {
                return 412;
            }

            return operation.Kind switch
            {
                OperationKind.Delete => 204,
                OperationKind.Patch when operation.Patch == Impossible => 400,
                OperationKind.Patch when row!.N >= 40 => 412,
                _ => 200,
            };
        }

        void Keep(ItemOperation operation, int status)
        {
            if (status >= 300 || operation.Kind == OperationKind.Read)
            {
                return;
            }

            if (operation.Kind == OperationKind.Delete)
            {
                _model.Remove(KeyOf(operation));
                return;
            }

            var n = operation.Kind == OperationKind.Patch
                ? _model[KeyOf(operation)].N + 1
                : (int)JsonValue.Parse(operation.Body!.Json)["n"u8].Number;
            // In a batch that failed later the outcome is gone; the model is put back then.
            _model[KeyOf(operation)] = new Row(n, operation.Version is { } version ? container.Layout.Etag(version) : "undone");
        }
    }

    private static (string, string) KeyOf(ItemOperation operation) => (Encoding.UTF8.GetString(operation.Key.Encoded[5..]), operation.Id);

    private void Check(Store store, Container container)
    {
        var view = container.View;
        var expected = _model.OrderBy(m => m.Key.Id, StringComparer.Ordinal).ThenBy(m => m.Key.Key, StringComparer.Ordinal).Select(m => $"{m.Key} {m.Value.N} {m.Value.Etag}").ToList();
        Describe(view.ByRid.Ascending(0, view.ByRid.Count)).ShouldBe(expected);
        Describe(view.ByKey.Ascending(0, view.ByKey.Count)).ShouldBe(expected);
        Describe(view.ById.Ascending(0, view.ById.Count)).ShouldBe(expected);
        Describe(view.ByPartition.Ascending(0, view.ByPartition.Count)).ShouldBe(expected);
        Describe(view.Changes.Ascending(0, view.Changes.Count).Select(c => c.Item)).ShouldBe(expected);
        view.Changes.Ascending(0, view.Changes.Count).ShouldAllBe(c => c.Lsn == c.Item.Current.Lsn && c.Lsn <= view.Lsn);
        var index = new ContainerSource(store, container, default).FindIndex("/n/?")!;
        index.Range(null, true, null, true, false).Select(i => (int)JsonValue.Parse(i.Json)["n"u8].Number).ShouldBe(_model.Values.Select(m => m.N).Order());

        List<string> Describe(IEnumerable<Item> items) => [.. items
            .Select(item => (Key: Encoding.UTF8.GetString(item.Key.Encoded[5..]), item.Id, item.Current))
            .OrderBy(i => i.Id, StringComparer.Ordinal).ThenBy(i => i.Key, StringComparer.Ordinal)
            .Select(i => $"{(i.Key, i.Id)} {(int)JsonValue.Parse(i.Current.Json)["n"u8].Number} {container.Layout.Etag(i.Current)}")];
    }
}
