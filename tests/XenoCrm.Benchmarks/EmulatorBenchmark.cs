using Microsoft.Azure.Cosmos;
using XenoCrm.Scenarios;

namespace XenoCrm.Benchmarks;

/// <summary>The Cosmos emulator, durable and as a process of its own, through the .NET SDK.</summary>
internal static class EmulatorBenchmark
{
    private const int InFlight = 64;

    public static async Task RunAsync(Report report, Size size)
    {
        var count = size == Size.Full ? 100_000 : 20_000;
        using var folder = new TemporaryFolder();
        await using var emulator = await CosmosProcess.StartAsync(folder["cosmos"]);
        using var client = emulator.Connect();
        Database database = await client.CreateDatabaseAsync("bench");
        Container container = await database.CreateContainerAsync("items", "/pk");

        using (var stage = Report.Begin("point upserts"))
        {
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, _) =>
            {
                await container.UpsertItemAsync(new { id = $"i{i}", pk = $"p{i % 1000}", n = i, text = new string('x', 600) }, new PartitionKey($"p{i % 1000}"), new ItemRequestOptions { EnableContentResponseOnWrite = false }, CancellationToken.None);
                stage.Done();
            });
            report.Add(new Figure("point upserts, 64 in flight", count / stage.Elapsed.TotalSeconds, "per s", RssMb: emulator.Usage.RssMb, N: count));
        }
    }
}
