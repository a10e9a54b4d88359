using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Local.CosmosEmulator.Tests.Durability;

/// <summary>The emulator as a process of its own that is killed while clients write.</summary>
public sealed class KillTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("emulator-kill-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [InlineData(1, "disk")]
    [InlineData(2, "os")]
    public async Task What_was_acknowledged_is_there_after_kill_9(int seed, string flush)
    {
        var random = new Random(seed);
        var single = new ConcurrentDictionary<string, (int N, string Etag)>();
        var batches = new ConcurrentDictionary<string, int>(); // newest acknowledged number of each batch group
        for (var round = 0; round < 5; round++)
        {
            using var process = Start(_data, "--flush", flush);
            using (var client = Connect(process.Endpoint))
            {
                Database database = await client.CreateDatabaseIfNotExistsAsync("d");
                Container container = await database.CreateContainerIfNotExistsAsync("c", "/pk");
                await Verify(container, single, batches);
                using var stop = new CancellationTokenSource();
                var base_ = (round + 1) * 1_000_000;
                var writers = Enumerable.Range(0, 8).Select(w => Task.Run(() => WriteItems(container, w, base_, single, stop.Token)))
                    .Concat(Enumerable.Range(0, 4).Select(w => Task.Run(() => WriteBatches(container, w, base_, batches, stop.Token)))).ToArray();
                await Task.Delay(150 + random.Next(500));
                process.Kill();
                await stop.CancelAsync();
                await Task.WhenAll(writers);
            }
        }

        single.Count.ShouldBeGreaterThan(0);
        batches.Count.ShouldBeGreaterThan(0);
        using var last = Start(_data);
        using var reader = Connect(last.Endpoint);
        await Verify(reader.GetContainer("d", "c"), single, batches);
    }

    [Fact]
    public async Task A_full_disk_refuses_writes_keeps_reads_and_loses_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "uses the shell's limit of a file's size");
        var single = new Dictionary<string, string>();
        using (var process = Start(_data, fileLimitKilobytes: 300))
        using (var client = Connect(process.Endpoint))
        {
            Database database = await client.CreateDatabaseAsync("d");
            Container container = await database.CreateContainerAsync("c", "/pk");
            var refused = 0;
            for (var i = 0; refused < 5 && i < 1_000; i++)
            {
                try
                {
                    single[$"i{i}"] = (await container.CreateItemAsync(Doc.Of($"i{i}", n: i) with { Text = new string('x', 20_000) }, new PartitionKey("p"))).ETag;
                }
                catch (CosmosException error) when (error.StatusCode == HttpStatusCode.ServiceUnavailable)
                {
                    refused++;
                    using var absent = await container.ReadItemStreamAsync($"i{i}", new PartitionKey("p"));
                    absent.StatusCode.ShouldBe(HttpStatusCode.NotFound);
                }
            }

            refused.ShouldBe(5);
            single.Count.ShouldBeGreaterThan(5);
            foreach (var (id, etag) in single)
            {
                (await container.ReadItemAsync<Doc>(id, new PartitionKey("p"))).ETag.ShouldBe(etag);
            }

            // What still fits is still taken.
            single["small"] = (await container.CreateItemAsync(Doc.Of("small"), new PartitionKey("p"))).ETag;
            process.Kill();
        }

        using var again = Start(_data);
        using var reader = Connect(again.Endpoint);
        var stored = await Protocol.QueryWireTests.All<Doc>(reader.GetContainer("d", "c"), "SELECT * FROM c");
        stored.ToDictionary(d => d.Id, d => d.Etag!).OrderBy(d => d.Key).ShouldBe(single.OrderBy(d => d.Key));
    }

    [Fact]
    public async Task It_ends_in_order_on_SIGTERM_and_with_its_parent()
    {
        using (var process = Start(_data))
        {
            using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            (await process.ExitCode()).ShouldBe(0);
        }

        using (var process = Start(_data, withParent: true))
        {
            process.CloseInput();
            (await process.ExitCode()).ShouldBe(0);
        }
    }

    private static async Task WriteItems(Container container, int writer, int from, ConcurrentDictionary<string, (int N, string Etag)> acknowledged, CancellationToken stop)
    {
        for (var n = from; !stop.IsCancellationRequested; n++)
        {
            var id = $"w{writer}-{n % 40}";
            try
            {
                // A write that fails may or may not have happened, so its item is not looked at again.
                acknowledged.TryRemove(id, out _);
                var written = await container.UpsertItemAsync(Doc.Of(id, $"p{writer}", n), new PartitionKey($"p{writer}"), cancellationToken: stop);
                acknowledged[id] = (n, written.ETag);
            }
            catch (Exception error) when (error is CosmosException or OperationCanceledException or HttpRequestException)
            {
                return;
            }
        }
    }

    private static async Task WriteBatches(Container container, int writer, int from, ConcurrentDictionary<string, int> acknowledged, CancellationToken stop)
    {
        for (var n = from; !stop.IsCancellationRequested; n++)
        {
            var key = $"batch{writer}";
            var batch = container.CreateTransactionalBatch(new PartitionKey(key));
            for (var i = 0; i < 10; i++)
            {
                batch.UpsertItem(Doc.Of($"{i}", key, n));
            }

            try
            {
                using var answer = await batch.ExecuteAsync(stop);
                if (!answer.IsSuccessStatusCode)
                {
                    return;
                }

                acknowledged[key] = n;
            }
            catch (Exception error) when (error is CosmosException or OperationCanceledException or HttpRequestException)
            {
                return;
            }
        }
    }

    private static async Task Verify(Container container, ConcurrentDictionary<string, (int N, string Etag)> single, ConcurrentDictionary<string, int> batches)
    {
        var stored = await Protocol.QueryWireTests.All<Doc>(container, "SELECT * FROM c");
        var byId = stored.Where(d => !d.Pk.StartsWith("batch", StringComparison.Ordinal)).ToDictionary(d => d.Id);
        foreach (var (id, (n, etag)) in single)
        {
            byId.ShouldContainKey(id);
            byId[id].N.ShouldBe(n);
            byId[id].Etag.ShouldBe(etag);
        }

        foreach (var (key, n) in batches)
        {
            var items = stored.Where(d => d.Pk == key).ToList();
            items.Count.ShouldBe(10);
            items.Select(d => d.N).Distinct().Count().ShouldBe(1, "half a batch");
            items[0].N.ShouldBeGreaterThanOrEqualTo(n);
        }
    }

    private static CosmosClient Connect(Uri endpoint) => Emulator.Connect(endpoint, configure: o => o.RequestTimeout = TimeSpan.FromSeconds(5));

    private static EmulatorProcess Start(string data, params string[] arguments) => new(["--port", "0", "--data", data, .. arguments]);

    private static EmulatorProcess Start(string data, int fileLimitKilobytes) => new(["--port", "0", "--data", data], fileLimitKilobytes);

    private static EmulatorProcess Start(string data, bool withParent) => new(["--port", "0", "--data", data], exitWithParent: withParent);
}
