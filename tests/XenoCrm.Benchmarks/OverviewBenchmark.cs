using System.Diagnostics;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.AppHost;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Benchmarks;

/// <summary>
/// The 360° view beside the bare query of the same partition through the SDK, whose answer is parsed and dropped. They are
/// asked in turn, so that whatever else the machine does at that moment is in both.
/// </summary>
internal static class OverviewBenchmark
{
    private const string Query = "SELECT TOP 21 * FROM c ORDER BY c.sortKey DESC";

    public static async Task RunAsync(Report report, Size size)
    {
        var (customers, calls) = size != Size.Small ? (20_000, 20_000) : (500, 600);
        await using var system = await CrmSystem.StartAsync();
        foreach (var (name, field, value) in new[] { ("Spent more than 500", "totalSpend", 500), ("Ordered often", "orderCount", 12), ("Buys tea", "categories.Tea.count", 1) })
        {
            await system.Api.PostAsync("api/segments", new { name, rule = new { combinator = "and", rules = new[] { new { field, @operator = ">", value } } } }, CancellationToken.None);
        }

        await using var app = Compose(system.Host.Ports);
        var ids = await FillAsync(app, customers);
        var overview = app.GetRequiredService<ReadOverview>();
        var container = app.GetRequiredService<CosmosDatabase>().Container(CustomerStore.ContainerName);

        foreach (var inFlight in new[] { 1, 16 })
        {
            await MeasureAsync("warming up", Math.Min(calls, 500), inFlight);
            var (raw, handler, http, ru) = await MeasureAsync($"overviews, {inFlight} in flight", calls, inFlight);
            foreach (var (quantile, name) in new[] { (0.5, "median"), (0.99, "p99") })
            {
                report.Add(new Figure($"360° view, {inFlight} in flight, {name}", At(handler, quantile), "ms", At(raw, quantile), RequestsPerUnit: 1, RuPerUnit: ru, N: calls));
                report.Add(new Figure($"360° view over HTTP, {inFlight} in flight, {name}", At(http, quantile), "ms", At(raw, quantile), RequestsPerUnit: 1, RuPerUnit: ru, RssMb: system.Usage("functions").RssMb, N: calls));
            }
        }

        async Task<(long[] Raw, long[] Handler, long[] Http, double Ru)> MeasureAsync(string what, int count, int inFlight)
        {
            var (raw, handler, http) = (new long[count], new long[count], new long[count]);
            var random = new Random(1);
            var chosen = Enumerable.Range(0, count).Select(_ => ids[random.Next(ids.Count)]).ToList();
            var ru = 0L;
            await Load.RunAsync(what, count, inFlight, async i =>
            {
                // Each is first as often as the others: the second of two reads of a partition is the quicker one.
                for (var turn = 0; turn < 3; turn++)
                {
                    var since = Stopwatch.GetTimestamp();
                    switch ((i + turn) % 3)
                    {
                        case 0:
                            Interlocked.Add(ref ru, (long)(1000 * await RawAsync(container, chosen[i])));
                            raw[i] = Stopwatch.GetTimestamp() - since;
                            break;
                        case 1:
                            JsonSerializer.SerializeToUtf8Bytes((await overview.HandleAsync(chosen[i], CancellationToken.None)).Overview, Json.Options);
                            handler[i] = Stopwatch.GetTimestamp() - since;
                            break;
                        default:
                            await system.Api.GetAsync($"api/customers/{chosen[i]}/overview", CancellationToken.None);
                            http[i] = Stopwatch.GetTimestamp() - since;
                            break;
                    }
                }
            });
            return (raw, handler, http, ru / 1000.0 / count);
        }
    }

    private static async Task<double> RawAsync(Container container, string id)
    {
        var charge = 0.0;
        using var pages = container.GetItemQueryStreamIterator(Query, requestOptions: new() { PartitionKey = new PartitionKey(id), EnableOptimisticDirectExecution = true });
        while (pages.HasMoreResults)
        {
            using var answer = await pages.ReadNextAsync();
            answer.EnsureSuccessStatusCode();
            using var document = await JsonDocument.ParseAsync(answer.Content);
            charge += answer.Headers.RequestCharge;
        }

        return charge;
    }

    private static double At(long[] ticks, double quantile) =>
        Math.Round(ticks.Order().ElementAt((int)(quantile * (ticks.Length - 1))) * 1000.0 / Stopwatch.Frequency, 3);

    /// <summary>What the function app is made of, on the storage of the one that runs.</summary>
    private static ServiceProvider Compose(LocalPorts ports)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(LocalSettings.For(ports).ToDictionary(s => s.Key.Replace("__", ":", StringComparison.Ordinal), s => (string?)s.Value))
            .Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddPlatform(configuration).AddCustomers(configuration).AddOrders(configuration).AddSegments(configuration);
        return services.BuildServiceProvider();
    }

    /// <summary>1 to 24 orders each, of one to three items.</summary>
    private static async Task<List<string>> FillAsync(ServiceProvider app, int customers)
    {
        using var stage = Report.Begin("filling");
        var random = new Random(20_260_131);
        string[] categories = ["Tea", "Cups", "Pots", "Books"];
        var writer = app.GetRequiredService<OrderWriter>();
        var ids = new HashSet<string>();
        foreach (var some in Enumerable.Range(0, customers).Chunk(400))
        {
            var rows = some.SelectMany(c => Enumerable.Range(0, random.Next(1, 25)).Select(o => new OrderInput
            {
                OrderNumber = $"{c}-{o}", Customer = new() { ExternalId = $"C{c}", Email = $"c{c}@example.com" },
                Status = (OrderStatus)random.Next(5), PlacedAt = new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(random.Next(400_000)),
                Items = [.. Enumerable.Range(0, random.Next(1, 4)).Select(i => new OrderItemInput($"Product {i}", categories[random.Next(4)], random.Next(1, 5), random.Next(100, 9_999) / 100m))],
            })).Select((input, row) => new OrderRow(OrderNormalizer.Normalize(input, "USD", [])!, row)).ToList();
            var written = await writer.UpsertAsync(rows, new("benchmark", CreateMissingCustomers: true), CancellationToken.None);
            ids.UnionWith(written.Select(w => w.CustomerId ?? throw new LocalException($"An order was not written: {w.Message}")));
            stage.Done(rows.Count);
        }

        return [.. ids];
    }
}
