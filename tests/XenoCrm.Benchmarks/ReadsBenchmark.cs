using System.Diagnostics;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.AppHost;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Benchmarks;

/// <summary>Reading a customer and a page of customers over HTTP, beside the call of the SDK that each comes down to. They are asked in turn.</summary>
internal static class ReadsBenchmark
{
    private const int Page = 50;

    public static async Task RunAsync(Report report, Size size)
    {
        var (customers, calls) = size != Size.Small ? (50_000, 10_000) : (2_000, 300);
        await using var crm = await CrmSystem.StartAsync();
        await crm.ImportCustomersAsync(customers);
        using var client = new CosmosClient(
            $"http://127.0.0.1:{crm.Host.Ports.Cosmos}", CosmosProcess.Key, new() { ConnectionMode = ConnectionMode.Gateway, LimitToEndpoint = true });
        var container = client.GetContainer(new CosmosOptions().Database, CustomerStore.ContainerName);
        var ids = await IdsAsync(crm);

        await CompareAsync(
            "a customer by its id",
            i => crm.Api.GetAsync($"api/customers/{ids[i % ids.Count]}", CancellationToken.None),
            async i =>
            {
                using var answer = await container.ReadItemStreamAsync(ids[i % ids.Count], new PartitionKey(ids[i % ids.Count]));
                answer.EnsureSuccessStatusCode();
                using var document = await JsonDocument.ParseAsync(answer.Content);
                return answer.Headers.RequestCharge;
            });
        await CompareAsync(
            $"{Page} customers, the newest first",
            _ => crm.Api.GetAsync($"api/customers?limit={Page}&sort=-createdAt", CancellationToken.None),
            _ => QueryAsync(container));

        async Task CompareAsync(string what, Func<int, Task<JsonElement>> ours, Func<int, Task<double>> theirs)
        {
            var (our, their, units) = (new long[calls], new long[calls], 0.0);
            for (var i = -calls / 10; i < calls; i++)
            {
                var index = Math.Abs(i);
                var first = Stopwatch.GetTimestamp();
                await ours(index);
                var second = Stopwatch.GetTimestamp();
                units = await theirs(index);
                (our[index], their[index]) = (second - first, Stopwatch.GetTimestamp() - second);
            }

            Array.Sort(our);
            Array.Sort(their);
            foreach (var (part, name) in new[] { (0.5, "median"), (0.99, "p99") })
                report.Add(new Figure($"{what} over HTTP, {name}, beside the SDK's call", At(our, part), "ms", At(their, part), 1, units, crm.Usage("functions").RssMb, calls));
        }
    }

    private static double At(long[] sorted, double part) => Math.Round(sorted[(int)(part * (sorted.Length - 1))] * 1000.0 / Stopwatch.Frequency, 3);

    private static async Task<List<string>> IdsAsync(CrmSystem crm) =>
        [.. (await crm.Api.GetAsync("api/customers?limit=200", CancellationToken.None)).GetProperty("items").EnumerateArray().Select(c => c.GetProperty("id").GetString()!)];

    private static async Task<double> QueryAsync(Container container)
    {
        var units = 0.0;
        using var pages = container.GetItemQueryStreamIterator($"SELECT TOP {Page + 1} * FROM c WHERE c.type = 'customer' ORDER BY c.createdAt DESC, c.id DESC");
        while (pages.HasMoreResults)
        {
            using var answer = await pages.ReadNextAsync();
            if (!answer.IsSuccessStatusCode)
                throw new LocalException($"The bare query failed: {answer.ErrorMessage}");
            using var document = await JsonDocument.ParseAsync(answer.Content);
            units += answer.Headers.RequestCharge;
        }

        return units;
    }
}
