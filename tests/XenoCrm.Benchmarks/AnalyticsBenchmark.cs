using System.Diagnostics;
using System.Text.Json;
using Azure.Storage.Queues;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using XenoCrm.Analytics;
using XenoCrm.AppHost;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Scenarios;

namespace XenoCrm.Benchmarks;

/// <summary>
/// Figures over many customers, in an emulator that is a process of its own: counted from the items, and from what is kept, beside a point
/// read of one roll-up through the SDK whose answer is parsed and dropped. The bar of the dashboard is 200 ms.
/// </summary>
internal sealed class AnalyticsBenchmark : IAsyncDisposable
{
    private const int Calls = 200;
    private const int Campaigns = 20;

    private readonly Report _report;
    private readonly TemporaryFolder _folder;
    private readonly CosmosProcess _emulator;
    private readonly ServiceProvider _app;
    private readonly Traffic _traffic = new();
    private readonly int _customers;

    private AnalyticsBenchmark(Report report, int customers, TemporaryFolder folder, CosmosProcess emulator)
    {
        (_report, _customers, _folder, _emulator) = (report, customers, folder, emulator);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Vendors:Generic:BaseAddress"] = "http://127.0.0.1:9/",
            ["Analytics:Patience"] = "00:03:00",
        }).Build();
        var services = AppParts.On(emulator.Endpoint);
        services.AddSingleton<IConfiguration>(configuration);
        services.AddOrders(configuration).AddDelivery(configuration).AddAnalytics(configuration);
        services.Replace(ServiceDescriptor.Singleton(new QueueServiceClient("UseDevelopmentStorage=true")));
        services.Configure<CosmosOptions>(o => o.HttpClientFactory = () => new HttpClient(_traffic.Handler()));
        services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new StandingClock()));
        _app = services.BuildServiceProvider();
    }

    public static async Task RunAsync(Report report, Size size)
    {
        var folder = new TemporaryFolder();
        await using var benchmark = new AnalyticsBenchmark(report, size != Size.Small ? 1_000_000 : 10_000, folder, await CosmosProcess.StartAsync(folder["analytics"]));
        await benchmark.FillAsync();
        await benchmark.DashboardAsync();
        await benchmark.RevenueAsync();
        await benchmark.CohortsAsync();
        await benchmark.SendTimesAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _emulator.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Those who ever ordered have two orders of one or two lines, the first and the last; a tenth has opened messages.</summary>
    private async Task FillAsync()
    {
        await _app.GetRequiredService<CosmosDatabase>().EnsureCreatedAsync();
        var container = _app.GetRequiredService<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        await Load.RunAsync("writing customers and orders", _customers, 1_000, async i =>
        {
            var customer = SegmentCustomers.Of(i);
            if (i % 10 == 0)
            {
                var at = SegmentCustomers.Now.Date.AddDays(-i % 28).AddHours(17 + (i / 10 % 4));
                customer = customer with { Messages = [new($"c.{i / 100}.{i % 100}", "email", "delivered", at, at, OpenedAt: at)], Engagement = new() { Sent = 1, Delivered = 1, Opened = 1 } };
            }

            var writes = new List<object> { customer };
            if (customer is { FirstOrderAt: { } first, LastOrderAt: { } last })
                writes.AddRange([Order(customer.Id, 1, first, i), Order(customer.Id, 2, last, i)]);
            await Task.WhenAll(writes.Select(async item =>
            {
                using var body = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(item, Json.Options));
                using var answer = await container.UpsertItemStreamAsync(body, new PartitionKey(customer.Id), new() { EnableContentResponseOnWrite = false });
                answer.EnsureSuccessStatusCode();
            }));
        });

        // A campaign on each of the last days, together to a tenth of the customers.
        var campaigns = _app.GetRequiredService<WorkspaceStore<Campaign>>();
        for (var i = 0; i < Campaigns; i++)
        {
            var at = SegmentCustomers.Now.AddDays(-i);
            await campaigns.TryCreateAsync(
                new() { Id = $"{i:x32}", Name = $"Campaign {i}", Channel = Channel.Email, SegmentId = "s", Variants = Variant.Only(new("Hi", null, "Hi", null)), State = CampaignState.Completed, CreatedAt = at, CreatedBy = "u", UpdatedAt = at, LaunchedAt = at },
                default);
            var batches = Enumerable.Range(0, Math.Max(1, _customers / 10 / 100 / Campaigns)).Select(n => Ledger.Count(Batch.Create($"{i:x32}", n, Enumerable.Range(0, 100).Select(r => SegmentCustomers.Id(r)), at) with
            {
                State = BatchState.Sent,
                Recipients = [.. Enumerable.Range(0, 100).Select(r => new Recipient { CustomerId = SegmentCustomers.Id(r), Status = MessageStatus.Delivered, At = 1000, SentAt = 500, DeliveredAt = 1000, OpenedAt = r % 4 == 0 ? 60_000 : null })],
            })).ToList();
            await _app.GetRequiredService<BatchStore>().CreateManyAsync(batches, default);
        }
    }

    private static Order Order(string customerId, int number, DateTimeOffset at, int i) => new()
    {
        CustomerId = customerId, OrderNumber = $"{i}-{number}", Amount = 1000 + (i % 5000), Currency = "USD", Status = i % 40 == 0 ? OrderStatus.Refunded : OrderStatus.Delivered, PlacedAt = at, CreatedAt = at, UpdatedAt = at,
        Items = [new("p", i % 3 == 0 ? "Books" : "Garden", 1 + (i % 3), 500), .. i % 2 == 0 ? [new OrderItem("q", "Music", i % 10 == 0 ? 0.5m : 1, 333)] : Array.Empty<OrderItem>()],
        Credit = i % 20 == 0 ? new($"{i % Campaigns:x32}", $"{i % Campaigns:x32}.0.{i % 100}", CreditBasis.Click, at) : null,
    };

    private async Task DashboardAsync()
    {
        var dashboard = _app.GetRequiredService<ReadDashboard>();
        var days = Range(30);
        await OnceAsync("the first question at all: the database builds its indexes", FirstAsync);
        var first = await OnceAsync("dashboard of 30 days, fresh", () => dashboard.HandleAsync(days, fresh: true, default));
        if (first.Customers.Total != _customers)
            throw new LocalException($"The dashboard has {first.Customers.Total} customers, there are {_customers}.");

        // The bar is for what is kept; the ceiling is one point read of the largest part of it.
        var container = _app.GetRequiredService<CosmosDatabase>().Container(Workspace.ContainerName);
        var key = LocalMonth.Of(days.To, days.Zone).Key;
        var (raw, warm) = (new double[Calls], new double[Calls]);
        var read = 0.0;
        _traffic.Reset();
        for (var i = 0; i < Calls; i++)
        {
            raw[i] = await TimeAsync(async () =>
            {
                using var answer = await container.ReadItemStreamAsync(key, new PartitionKey(MonthRollUps.KindName));
                answer.EnsureSuccessStatusCode();
                using var document = await JsonDocument.ParseAsync(answer.Content);
                read += answer.Headers.RequestCharge;
            });
            warm[i] = await TimeAsync(async () => JsonSerializer.SerializeToUtf8Bytes(await dashboard.HandleAsync(days, fresh: false, default), Json.Options));
        }

        foreach (var (quantile, name) in new[] { (0.5, "median"), (0.99, "p99") })
        {
            _report.Add(new Figure(
                $"dashboard of 30 days from what is kept, {name}, beside a point read of a month", At(warm, quantile), "ms", At(raw, quantile),
                (_traffic.Requests / (double)Calls) - 1, (_traffic.Ru - read) / Calls, _emulator.Usage.RssMb, _customers));
        }

        var year = Range(365);
        await OnceAsync("dashboard of a year, nothing kept", () => dashboard.HandleAsync(year, fresh: false, default));
        await OnceAsync("dashboard of a year, from what is kept", () => dashboard.HandleAsync(year, fresh: false, default));

        // Of days on which nothing was: all that it waits for is not there yet.
        async Task<Dashboard> FirstAsync()
        {
            while (true)
            {
                try
                {
                    return await dashboard.HandleAsync(new(new(2001, 1, 1), new(2001, 1, 1), TimeZoneInfo.Utc), fresh: false, default);
                }
                catch (ProblemException problem) when (problem.Problem is FiguresNotReady)
                {
                    await Task.Delay(TimeSpan.FromSeconds(1));
                }
            }
        }
    }

    private async Task RevenueAsync()
    {
        var revenue = _app.GetRequiredService<ReadRevenue>();
        await OnceAsync("revenue of a year by month, campaign and category, from what is kept", () => revenue.HandleAsync(Range(365), Interval.Month, 20, fresh: false, default));
        await OnceAsync("revenue of a year by month, campaign and category, fresh", () => revenue.HandleAsync(Range(365), Interval.Month, 20, fresh: true, default));
    }

    private async Task CohortsAsync()
    {
        var cohorts = _app.GetRequiredService<CohortRollUps>();
        var keys = LocalMonth.Between(DateOnly.FromDateTime(SegmentCustomers.Now.Date.AddMonths(-11)), DateOnly.FromDateTime(SegmentCustomers.Now.Date), TimeZoneInfo.Utc).Select(m => m.Key).ToList();
        var found = await OnceAsync("12 cohorts, fresh", () => cohorts.ReadAsync(keys, fresh: true, default));
        if (found.Sum(c => c.Value!.Customers) == 0)
            throw new LocalException("The cohorts are empty.");
        await OnceAsync("12 cohorts, from what is kept", () => cohorts.ReadAsync(keys, fresh: false, default));
    }

    private async Task SendTimesAsync()
    {
        var times = _app.GetRequiredService<SendTimes>();
        await OnceAsync("best time of everybody, fresh (up to 10,000 who answered)", () => times.HandleAsync(new(Fresh: true), default));
        await times.PrepareAsync(default);
        var customers = Enumerable.Range(0, 1000).Select(i => SegmentCustomers.Of(i) with { Messages = [.. Enumerable.Range(0, 10).Select(m => new CustomerMessage($"c.{m}.0", "email", "delivered", SegmentCustomers.Now, OpenedAt: SegmentCustomers.Now.AddHours(-m * i))) ] }).ToList();
        var rounds = new double[10];
        for (var i = 0; i < rounds.Length; i++)
            rounds[i] = await TimeAsync(() => Task.FromResult(customers.Count(c => times.BestHour(c) is not null)));
        _report.Add(new Figure("best hour of one recipient with ten messages", At(rounds, 0.5) * 1000 / customers.Count, "µs", N: customers.Count));
    }

    private async Task<T> OnceAsync<T>(string what, Func<Task<T>> call)
    {
        using var stage = Report.Begin(what);
        _traffic.Reset();
        var since = Stopwatch.GetTimestamp();
        var answer = await call();
        _report.Add(new Figure(what, Stopwatch.GetElapsedTime(since).TotalMilliseconds, "ms", RequestsPerUnit: _traffic.Requests, RuPerUnit: _traffic.Ru, N: _customers));
        return answer;
    }

    private static DateRange Range(int days)
    {
        var today = DateOnly.FromDateTime(SegmentCustomers.Now.UtcDateTime);
        return new(today.AddDays(1 - days), today, TimeZoneInfo.Utc);
    }

    private static async Task<double> TimeAsync(Func<Task> action)
    {
        var since = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }

    private static double At(double[] milliseconds, double quantile) => milliseconds.Order().ElementAt((int)(quantile * (milliseconds.Length - 1)));

    /// <summary>The figures' clock; the stopwatch goes on.</summary>
    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => SegmentCustomers.Now;
    }
}
