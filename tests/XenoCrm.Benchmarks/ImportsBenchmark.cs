using System.Diagnostics;
using System.Text.Json;
using CsvHelper;
using Microsoft.Azure.Cosmos;
using XenoCrm.AppHost;
using XenoCrm.Customers;
using XenoCrm.Scenarios;

namespace XenoCrm.Benchmarks;

/// <summary>
/// Imports of customers and of orders through the whole system, beside the SDK writing the same items in bulk to a fresh
/// database, and beside reading the file only.
/// </summary>
internal sealed class ImportsBenchmark : IDisposable
{
    private const int InFlight = 2_000;
    private const int Prepared = 20_000;

    /// <summary>As many transactions as an import of orders has under way.</summary>
    private const int TransactionsInFlight = 48;

    private readonly Report _report;
    private readonly TemporaryFolder _folder = new();

    /// <summary>Rows per second of what an import is held against.</summary>
    private (double Customers, double Orders, double Transactions) _sdk;

    private ImportsBenchmark(Report report) => _report = report;

    public static async Task RunAsync(Report report, Size size)
    {
        using var benchmark = new ImportsBenchmark(report);
        var (customers, orders) = (new List<(double N, double Seconds)>(), new List<(double N, double Seconds)>());
        foreach (var (rows, isWithSdk) in size != Size.Small ? new[] { (30_000, true), (100_000, true), (1_000_000, false) } : [(10_000, true), (3_000, false), (1_000, false)])
        {
            var seconds = await benchmark.MeasureAsync(rows, isWithSdk);
            customers.Add((rows, seconds.Customers));
            orders.Add((rows, seconds.Orders));
        }

        report.Add(new Figure("import of customers, growth exponent of its time", Report.Exponent(customers), "", 1));
        report.Add(new Figure("import of orders, growth exponent of its time", Report.Exponent(orders), "", 1));
    }

    public void Dispose() => _folder.Dispose();

    /// <param name="isWithSdk">
    /// Else it is held against the rates of the size before: what the SDK writes in a second does not depend on how much it is,
    /// and a million would take ten minutes more.
    /// </param>
    private async Task<(double Customers, double Orders)> MeasureAsync(int rows, bool isWithSdk)
    {
        var files = new ImportFiles(rows);
        var (customers, orders) = (_folder[$"customers-{rows}.csv"], _folder[$"orders-{rows}.csv"]);
        files.WriteCustomers(customers);
        files.WriteOrders(orders);
        if (isWithSdk)
        {
            var runs = await files.ReadRunsAsync(orders);
            var (ofCustomers, ofOrders) = await BulkAsync(rows, files.CustomerItems, files.OrderItems);
            _sdk = (ofCustomers, ofOrders, await TransactionsAsync(rows, files, runs));
        }

        await using var crm = await CrmSystem.StartAsync();
        return (
            await ImportAsync(crm, "customers", customers, rows, _sdk.Customers),
            await ImportAsync(crm, "orders", orders, rows, _sdk.Orders, _sdk.Transactions));
    }

    private async Task<double> ImportAsync(CrmSystem crm, string kind, string file, int rows, double ceiling, double? transactions = null)
    {
        var parsed = Parse(file);
        var before = await crm.DatabaseAsync();
        var (processor, database) = (crm.Usage("functions").Processor, crm.Usage("cosmos").Processor);
        using var stage = Report.Begin($"importing {rows:N0} {kind}");
        var path = $"{kind}/benchmark-{rows}.csv";
        await crm.DropAsync(path, file);
        var peak = 0.0;
        for (var looks = 0; ; looks++)
        {
            await Task.Delay(200);
            peak = Math.Max(peak, crm.Usage("functions").RssMb);
            if (looks % 5 != 0)
                continue;
            var import = (await crm.Api.GetAsync("api/imports?limit=10", CancellationToken.None)).GetProperty("items").EnumerateArray()
                .FirstOrDefault(i => i.TryGetProperty("blob", out var blob) && blob.GetString() == path);
            if (import.ValueKind == JsonValueKind.Undefined || import.GetProperty("state").GetString() is "queued" or "running")
                continue;
            if (import.GetProperty("created").GetInt64() != rows)
                throw new LocalException($"The import did not end well: {import}");
            var seconds = (import.GetProperty("finishedAt").GetDateTimeOffset() - import.GetProperty("startedAt").GetDateTimeOffset()).TotalSeconds;
            var after = await crm.DatabaseAsync();
            (processor, database) = (crm.Usage("functions").Processor - processor, crm.Usage("cosmos").Processor - database);
            var name = $"import of {rows:N0} {kind}";
            _report.Add(new Figure($"{name}, beside the SDK in bulk", rows / seconds, "rows/s", ceiling, (after.Requests - before.Requests) / rows, (after.Units - before.Units) / rows, peak, rows));
            if (transactions is { } ofSdk)
                _report.Add(new Figure($"{name}, beside the SDK with the same transactions", rows / seconds, "rows/s", ofSdk, N: rows));
            _report.Add(new Figure($"{name}, beside reading the file", rows / seconds, "rows/s", parsed, N: rows));
            _report.Add(new Figure($"{name}, the app's processor time", processor.TotalMicroseconds / rows, "µs", N: rows));
            _report.Add(new Figure($"{name}, the emulator's processor time", database.TotalMicroseconds / rows, "µs", N: rows));
            return seconds;
        }
    }

    /// <returns>Rows per second of reading every field of a CSV and doing nothing with them.</returns>
    private static double Parse(string file)
    {
        var since = Stopwatch.GetTimestamp();
        using var reader = CsvReader.Create(File.OpenRead(file));
        long rows = 0, characters = 0;
        while (reader.Read())
        {
            rows++;
            for (var i = 0; i < reader.FieldCount; i++)
                characters += reader.GetString(i).Length;
        }

        return characters == 0 ? 0 : rows / Stopwatch.GetElapsedTime(since).TotalSeconds;
    }

    private async Task<(double Customers, double Orders)> BulkAsync(
        int rows, Func<int, IEnumerable<(string Container, byte[] Item, PartitionKey Key)>> customers, Func<int, IEnumerable<(string Container, byte[] Item, PartitionKey Key)>> orders)
    {
        await using var emulator = await CosmosProcess.StartAsync(_folder[$"bulk-{rows}"], "--flush", "os");
        using var client = emulator.Connect(bulk: true);
        Database database = await client.CreateDatabaseAsync("bulk");
        await database.CreateContainerAsync(CustomerStore.Definition.ToProperties());
        await database.CreateContainerAsync(CustomerIdentities.Definition.ToProperties());
        return (await WriteAsync(database, $"the SDK, {rows:N0} customers", rows, customers), await WriteAsync(database, $"the SDK, {rows:N0} orders", rows, orders));
    }

    /// <summary>
    /// Orders and their customers' totals must change together, and transactions do not share requests as other writes do: what
    /// the SDK makes of the same transactions, with nothing read, planned or noted before.
    /// </summary>
    /// <returns>Orders per second.</returns>
    private async Task<double> TransactionsAsync(int rows, ImportFiles files, IReadOnlyList<int> runs)
    {
        await using var emulator = await CosmosProcess.StartAsync(_folder[$"transactions-{rows}"], "--flush", "os");
        using var client = emulator.Connect();
        Database database = await client.CreateDatabaseAsync("transactions");
        Container container = await database.CreateContainerAsync(CustomerStore.Definition.ToProperties());
        var quiet = new TransactionalBatchItemRequestOptions { EnableContentResponseOnWrite = false };
        var seconds = 0.0;
        foreach (var (first, end) in runs.Prepend(0).Zip(runs))
        {
            var run = Enumerable.Range(first, end - first).SelectMany(files.OrderItems).GroupBy(i => i.Key).ToArray();
            seconds += (await Load.RunAsync($"the SDK, {rows:N0} orders in transactions", run.Length, TransactionsInFlight, async i =>
            {
                var batch = container.CreateTransactionalBatch(run[i].Key);
                foreach (var (_, item, _) in run[i])
                    batch.UpsertItemStream(new MemoryStream(item, writable: false), quiet);
                using var answer = await batch.ExecuteAsync();
                if (!answer.IsSuccessStatusCode)
                    throw new LocalException($"A transaction failed: {answer.StatusCode}");
            })).Seconds;
        }

        return rows / seconds;
    }

    /// <summary>Items are prepared a part at a time, which is not counted: all of them would not fit in memory.</summary>
    /// <returns>Rows per second.</returns>
    private static async Task<double> WriteAsync(Database database, string what, int rows, Func<int, IEnumerable<(string Container, byte[] Item, PartitionKey Key)>> itemsOf)
    {
        var containers = new[] { CustomerStore.ContainerName, CustomerIdentities.ContainerName }.ToDictionary(n => n, database.GetContainer);
        var quiet = new ItemRequestOptions { EnableContentResponseOnWrite = false };
        var seconds = 0.0;
        for (var first = 0; first < rows; first += Prepared)
        {
            var items = Enumerable.Range(first, Math.Min(Prepared, rows - first)).SelectMany(itemsOf).ToArray();
            seconds += (await Load.RunAsync(what, items.Length, InFlight, async i =>
            {
                using var content = new MemoryStream(items[i].Item, writable: false);
                using var answer = await containers[items[i].Container].UpsertItemStreamAsync(content, items[i].Key, quiet);
                answer.EnsureSuccessStatusCode();
            })).Seconds;
        }

        return rows / seconds;
    }
}
