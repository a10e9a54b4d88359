using System.Diagnostics;
using Microsoft.Azure.Cosmos;
using XenoCrm.AppHost;
using XenoCrm.Scenarios;

namespace XenoCrm.Benchmarks;

/// <summary>The Cosmos emulator, durable and as a process of its own, through the .NET SDK.</summary>
internal sealed class EmulatorBenchmark : IDisposable
{
    private const int InFlight = 64, BulkInFlight = 2_000, BatchesInFlight = 16, BatchSize = 100;

    private static readonly ItemRequestOptions Quiet = new() { EnableContentResponseOnWrite = false };

    private readonly Report _report;
    private readonly TemporaryFolder _folder = new();
    private readonly int _items, _operations;

    private EmulatorBenchmark(Report report, Size size)
    {
        _report = report;
        (_items, _operations) = size != Size.Small ? (1_000_000, 100_000) : (20_000, 6_000);
    }

    public static async Task RunAsync(Report report, Size size)
    {
        using var benchmark = new EmulatorBenchmark(report, size);
        await benchmark.OperationsAsync();
        await benchmark.ManyItemsAsync();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Requests: each kind through the SDK, then the same bytes to a server that does nothing with them.</summary>
    private async Task OperationsAsync()
    {
        await using var emulator = await CosmosProcess.StartAsync(_folder["operations"]);
        await using var bare = await BareServer.StartAsync(_folder["bare"]);
        using var client = emulator.Connect();
        using var bulkClient = emulator.Connect(bulk: true);
        Database database = await client.CreateDatabaseAsync("bench");
        Container container = await database.CreateContainerAsync(EmulatorItems.Container);
        var bulk = bulkClient.GetContainer("bench", "items");

        await MeasureAsync(emulator, bare, "point upserts", _operations, InFlight, 1,
            i => EnsureAsync(container.UpsertItemStreamAsync(EmulatorItems.Stream(i), EmulatorItems.Key(i), Quiet)),
            i => bare.PostAsync(EmulatorItems.Json(i), 0));
        await MeasureAsync(emulator, bare, "point reads", _operations, InFlight, 1,
            i => EnsureAsync(container.ReadItemStreamAsync(EmulatorItems.Id(i), EmulatorItems.Key(i))),
            _ => bare.GetAsync(1024));
        await MeasureAsync(emulator, bare, "bulk upserts", _operations * 2, BulkInFlight, 1,
            i => EnsureAsync(bulk.UpsertItemStreamAsync(EmulatorItems.Stream(i, round: 1), EmulatorItems.Key(i), Quiet)),
            i => bare.PostAsync(Bodies(i), 0), bareBatch: BatchSize);
        await MeasureAsync(emulator, bare, "transactional batches of 100", _operations / 20, BatchesInFlight, BatchSize,
            i => UpsertBatchAsync(container, i, round: 2),
            i => bare.PostAsync(Bodies(i), 0));
    }

    /// <param name="weight">Items in one operation.</param>
    /// <param name="bareBatch">So many operations are one request to the bare server.</param>
    private async Task MeasureAsync(
        CosmosProcess emulator, BareServer bare, string what, int count, int inFlight, int weight, Func<int, Task> operation, Func<int, Task> bareOperation, int bareBatch = 1)
    {
        await Load.RunAsync($"{what}, warming up", count / 5, inFlight, operation);
        await Load.RunAsync($"{what}, bare server, warming up", count / 5 / bareBatch, Math.Min(inFlight, InFlight), bareOperation);
        var (server, client) = (emulator.Usage.Processor, ProcessUsage.OfThis().Processor);
        var load = await Load.RunAsync(what, count, inFlight, operation);
        (server, client) = (emulator.Usage.Processor - server, ProcessUsage.OfThis().Processor - client);
        var bareServer = bare.Usage.Processor;
        var ceiling = await Load.RunAsync($"{what}, bare server", count / bareBatch, Math.Min(inFlight, InFlight), bareOperation);
        bareServer = bare.Usage.Processor - bareServer;
        _report.Add(new Figure($"{what}, {inFlight:N0} in flight", load.PerSecond, "per s", ceiling.PerSecond * bareBatch, RssMb: emulator.Usage.RssMb, N: (long)count * weight));
        _report.Add(new Figure($"{what}, the server's processor time", server.TotalMicroseconds / count, "µs", bareServer.TotalMicroseconds / count, N: (long)count * weight));
        _report.Add(new Figure($"{what}, the client's processor time", client.TotalMicroseconds / count, "µs", N: (long)count * weight));
    }

    /// <summary>Queries, memory and start with many items.</summary>
    private async Task ManyItemsAsync()
    {
        var data = _folder["many"];
        double empty, used;
        await using (var emulator = await CosmosProcess.StartAsync(data))
        {
            empty = emulator.Usage.RssMb;
            using var client = emulator.Connect();
            Database database = await client.CreateDatabaseAsync("bench");
            Container container = await database.CreateContainerAsync(EmulatorItems.Container);
            await FillAsync(container, round: 0, _items);
            await emulator.KillAsync();
        }

        await StartAsync(data, "log", async (emulator, container) =>
        {
            await QueriesAsync(container);
            used = emulator.Usage.RssMb;
            _report.Add(new Figure("memory per byte of JSON, four paths indexed", (used - empty) * 1048576 / (1024.0 * _items), "bytes", Ceiling: 1, RssMb: used, N: _items));

            // Everything once more, and again until what is dead is worth a snapshot. New items would only add to what lives.
            await FillAsync(container, round: 1, _items);
            using var stage = Report.Begin("waiting for the snapshot");
            for (var i = 0; Directory.GetFiles(data, "snapshot-*").All(f => f.EndsWith(".tmp", StringComparison.Ordinal)); i++)
            {
                await UpsertBatchAsync(container, i % (_items / BatchSize), round: 2);
                if (stage.Elapsed > TimeSpan.FromMinutes(3))
                    throw new LocalException("The emulator has not written a snapshot.");
            }
        });
        await StartAsync(data, "snapshot and log", (_, _) => Task.CompletedTask);
    }

    private static Task FillAsync(Container container, int round, int items) =>
        Load.RunAsync("writing items, in hundreds", items / BatchSize, BatchesInFlight, i => UpsertBatchAsync(container, i, round));

    private async Task StartAsync(string data, string what, Func<CosmosProcess, Container, Task> then)
    {
        var since = Stopwatch.GetTimestamp();
        ReadAll(data);
        var reading = Stopwatch.GetElapsedTime(since);
        using var stage = Report.Begin($"starting with a {what}");
        await using var emulator = await CosmosProcess.StartAsync(data);
        var (ready, usage) = (stage.Elapsed, emulator.Usage);
        using var client = emulator.Connect();
        var container = client.GetContainer("bench", "items");
        await ScalarAsync(container, EmulatorItems.CountByIndex);
        var (answered, usageThen) = (stage.Elapsed, emulator.Usage);
        stage.Dispose();
        _report.Add(new Figure($"start with a {what}: ready", ready.TotalSeconds, "s", reading.TotalSeconds, RssMb: usage.RssMb, N: _items));
        _report.Add(new Figure($"start with a {what}: ready, processor time", usage.Processor.TotalSeconds, "s", N: _items));
        _report.Add(new Figure($"start with a {what}: first indexed query answered", answered.TotalSeconds, "s", reading.TotalSeconds, RssMb: usageThen.RssMb, N: _items));
        _report.Add(new Figure($"start with a {what}: first indexed query answered, processor time", usageThen.Processor.TotalSeconds, "s", N: _items));
        await then(emulator, container);
    }

    private async Task QueriesAsync(Container container)
    {
        var expected = Enumerable.Range(0, _items).LongCount(i => EmulatorItems.Matches(EmulatorItems.Values(i)));
        foreach (var (what, query, ceiling) in new[]
        {
            ("by index", EmulatorItems.CountByIndex, EmulatorCeilings.CountColumns(_items)),
            ("by scan", EmulatorItems.CountByScan, EmulatorCeilings.CountBytes(_items)),
        })
        {
            if (await ScalarAsync(container, query) is var count && count != expected)
                throw new LocalException($"{query} counts {count}, there are {expected}.");
            var load = await Load.RunAsync($"COUNT {what}", 15, 1, _ => ScalarAsync(container, query));
            _report.Add(new Figure($"COUNT with three conditions, {what}", load.Milliseconds(0.5), "ms", ceiling, N: _items));
        }

        await using var bare = await BareServer.StartAsync(_folder["bare"]);
        async Task<Load> RunAsync(string what, Func<int, Task> operation)
        {
            await Load.RunAsync(what, 500, 1, operation);
            return await Load.RunAsync(what, 2_000, 1, operation);
        }

        var point = await RunAsync("point query", i => PointQueryAsync(container, i * 7919 % _items));
        var request = await RunAsync("point query, bare server", _ => bare.GetAsync(1024));
        _report.Add(new Figure("point query on an indexed path, p50", point.Milliseconds(0.5), "ms", request.Milliseconds(0.5), N: _items));
        _report.Add(new Figure("point query on an indexed path, p99", point.Milliseconds(0.99), "ms", request.Milliseconds(0.99), N: _items));
    }

    private static async Task PointQueryAsync(Container container, int item)
    {
        using var pages = container.GetItemQueryStreamIterator(new QueryDefinition(EmulatorItems.ByEmail).WithParameter("@email", EmulatorItems.Email(item)));
        using var page = await pages.ReadNextAsync();
        page.EnsureSuccessStatusCode();
        if (page.Content.Length < 1024)
            throw new LocalException($"The query for item {item} found nothing.");
    }

    private static async Task<long> ScalarAsync(Container container, string query)
    {
        using var pages = container.GetItemQueryIterator<long>(query);
        return (await pages.ReadNextAsync()).Single();
    }

    private static async Task UpsertBatchAsync(Container container, int number, int round)
    {
        var batch = container.CreateTransactionalBatch(EmulatorItems.Key(number * BatchSize));
        for (var i = 0; i < BatchSize; i++)
            batch.UpsertItemStream(EmulatorItems.Stream((number * BatchSize) + i, round), new TransactionalBatchItemRequestOptions { EnableContentResponseOnWrite = false });
        using var response = await batch.ExecuteAsync();
        if (!response.IsSuccessStatusCode)
            throw new LocalException($"A batch failed: {response.StatusCode} {response.ErrorMessage}");
    }

    private static byte[] Bodies(int number) => [.. Enumerable.Range(number * BatchSize, BatchSize).SelectMany(i => EmulatorItems.Json(i))];

    private static async Task EnsureAsync(Task<ResponseMessage> sent)
    {
        using var response = await sent;
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The least that a start can do.</summary>
    private static void ReadAll(string folder)
    {
        var buffer = new byte[4 * 1024 * 1024];
        foreach (var file in Directory.GetFiles(folder))
        {
            using var handle = File.OpenHandle(file);
            for (long at = 0; RandomAccess.Read(handle, buffer, at) is > 0 and var read;)
                at += read;
        }
    }
}
