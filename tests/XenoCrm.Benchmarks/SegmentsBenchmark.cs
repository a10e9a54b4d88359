using System.Diagnostics;
using System.Text.Json;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using XenoCrm.AppHost;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Insights;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Scenarios;
using XenoCrm.Segments;

namespace XenoCrm.Benchmarks;

/// <summary>Segments as the app has them, over many customers in an emulator that is a process of its own.</summary>
internal sealed class SegmentsBenchmark : IAsyncDisposable
{
    private const int Small = 10_000;

    private readonly Report _report;
    private readonly TemporaryFolder _folder;
    private readonly CosmosProcess _emulator;
    private readonly ServiceProvider _app;
    private readonly Traffic _traffic = new();
    private readonly SentMessages _queue = new();
    private readonly int _customers;

    private SegmentsBenchmark(Report report, int customers, TemporaryFolder folder, CosmosProcess emulator)
    {
        (_report, _customers, _folder, _emulator) = (report, customers, folder, emulator);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Vendors:Generic:BaseAddress"] = "http://127.0.0.1:9/" }).Build();
        var services = AppParts.On(emulator.Endpoint);
        services.AddSingleton<IConfiguration>(configuration);
        services.AddOrders(configuration).AddDelivery(configuration).AddInsights(configuration);
        services.Configure<CosmosOptions>(o => o.HttpClientFactory = () => new HttpClient(_traffic.Handler()));
        services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new StandingClock()));
        services.Replace(ServiceDescriptor.Singleton<QueueServiceClient>(_queue));
        _app = services.BuildServiceProvider();
    }

    public static async Task RunAsync(Report report, Size size)
    {
        var folder = new TemporaryFolder();
        await using var benchmark = new SegmentsBenchmark(report, size != Size.Small ? 1_000_000 : Small, folder, await CosmosProcess.StartAsync(folder["segments"]));
        benchmark.EvaluateFifty();
        await benchmark.FillAsync();
        await benchmark.PreviewAsync();
        await benchmark.LearnAsync();
        await benchmark.RebuildAsync();
        await benchmark.ScoreAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _emulator.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>What every write of a customer does in memory. The bar is 50 µs.</summary>
    private void EvaluateFifty()
    {
        var parser = _app.GetRequiredService<RuleParser>();
        var rules = new SegmentRules(SegmentCustomers.Fifty().Select((r, i) => new ActiveRule($"s{i:00}", 1, SegmentCustomers.Compile(parser, r))), 0);
        var customers = Enumerable.Range(0, 1000).Select(SegmentCustomers.Of).ToList();
        var moment = new Moment(SegmentCustomers.Now);
        var rounds = Enumerable.Range(0, 20).Select(_ => Time(() => customers.ForEach(c => rules.SegmentsOf(c, moment)))).ToList();
        var compiled = SegmentCustomers.Fifty().Select(r => SegmentCustomers.Compile(parser, r)).ToArray();
        var (matches, tags) = (0, customers.Sum(c => rules.SegmentsOf(c, moment).Count));
        var delegates = Enumerable.Range(0, 20).Select(_ => Time(() =>
        {
            matches = 0;
            foreach (var customer in customers)
            {
                foreach (var rule in compiled)
                    matches += rule.Matches(customer, moment) ? 1 : 0;
            }
        })).ToList();
        if (matches != tags || matches == 0)
            throw new LocalException($"Live evaluation gives {tags} tags, the rules one by one {matches}.");
        var (live, bare) = (Report.Median(rounds) * 1000 / customers.Count, Report.Median(delegates) * 1000 / customers.Count);
        _report.Add(new Figure("live evaluation: 50 segments of two comparisons on one customer write, beside the compiled rules", live, "µs", bare, N: 50));
        _report.Add(new Figure("live evaluation, beside the bar", live, "µs", Ceiling: 50, N: 50));
    }

    private async Task FillAsync()
    {
        await _app.GetRequiredService<CosmosDatabase>().EnsureCreatedAsync();
        var container = _app.GetRequiredService<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        await Load.RunAsync("writing customers", _customers, 2_000, async i =>
        {
            using var answer = await container.UpsertItemStreamAsync(SegmentCustomers.Stream(i), new PartitionKey(SegmentCustomers.Id(i)), new() { EnableContentResponseOnWrite = false });
            answer.EnsureSuccessStatusCode();
        });
    }

    /// <summary>What a person waits for: both look at a sample whose size does not grow with the customers. The bar is a second.</summary>
    private async Task LearnAsync()
    {
        var segment = new Segment { Id = "learnt", Name = "Learnt from", Rule = JsonElement.Parse(SegmentCustomers.Rule), Version = 1, CreatedAt = SegmentCustomers.Now, UpdatedAt = SegmentCustomers.Now };
        var stored = _app.GetRequiredService<WorkspaceStore<Segment>>();
        await stored.TryCreateAsync(segment, default);
        var (describe, lookalikes) = (_app.GetRequiredService<DescribeSegment>(), _app.GetRequiredService<FindLookalikes>());
        if ((await describe.HandleAsync(segment.Id, default)).Findings.Count == 0 || (await lookalikes.HandleAsync(segment.Id, new(100, null, null, null), default)).Outcome != LookalikeOutcome.Ranked)
            throw new LocalException("Nothing distinguishes the members of the segment.");

        async Task MeasureAsync(string name, Func<int, Task> operation)
        {
            var rounds = _customers == Small ? 3 : 10;
            _traffic.Reset();
            var load = await Load.RunAsync(name, rounds, 1, operation);
            _report.Add(new Figure(
                $"{name}, beside the bar", load.Milliseconds(0.5), "ms", Ceiling: 1000,
                RequestsPerUnit: (double)_traffic.Requests / rounds, RuPerUnit: _traffic.Ru / rounds, RssMb: Environment.WorkingSet / 1e6, N: _customers));
        }

        await MeasureAsync("what distinguishes a segment", _ => describe.HandleAsync(segment.Id, default));
        await MeasureAsync("a hundred lookalikes, learnt and ranked", _ => lookalikes.HandleAsync(segment.Id, new(100, null, null, null), default));

        // The rebuilds that follow are of their own segments.
        await stored.DeleteAsync(segment.Id, etag: null, default);
    }

    private async Task PreviewAsync()
    {
        var parser = _app.GetRequiredService<RuleParser>();
        var preview = _app.GetRequiredService<PreviewSegment>();
        var customers = _app.GetRequiredService<CustomerStore>();
        var rule = SegmentCustomers.Compile(parser, SegmentCustomers.Rule);
        var moment = new Moment(SegmentCustomers.Now);
        var request = new PreviewRequest(JsonElement.Parse(SegmentCustomers.Rule));
        var expected = Enumerable.Range(0, _customers).LongCount(i => rule.Matches(SegmentCustomers.Of(i), moment));
        if (await preview.HandleAsync(request, default) is var answer && answer.Count != expected)
            throw new LocalException($"The preview counts {answer.Count}, there are {expected}.");

        // A million objects would fit in no cache either; a part of them is gone over as often as it takes.
        var some = Enumerable.Range(0, Math.Min(_customers, 100_000)).Select(SegmentCustomers.Of).ToList();
        var found = 0;
        var memory = Time(() =>
        {
            for (var i = 0; i < _customers; i++)
                found += rule.Matches(some[i % some.Count], moment) ? 1 : 0;
        });
        if (found == 0)
            throw new LocalException("The delegate finds nobody.");

        var count = await Load.RunAsync("counting by a rule", 15, 1, _ => customers.CountAsync(rule.ToFilter(moment), default));
        _report.Add(new Figure("count of a three-condition rule, beside the compiled rule over objects in memory", count.Milliseconds(0.5), "ms", memory, RssMb: _emulator.Usage.RssMb, N: _customers));
        _traffic.Reset();
        var whole = await Load.RunAsync("previewing a rule", 15, 1, _ => preview.HandleAsync(request, default));
        _report.Add(new Figure(
            "preview: count, sample, reach and cost on four channels", whole.Milliseconds(0.5), "ms", memory,
            RequestsPerUnit: _traffic.Requests / 15.0, RuPerUnit: _traffic.Ru / 15, RssMb: _emulator.Usage.RssMb, N: _customers));
    }

    /// <summary>Tags half of all customers and takes most of it back; then the same number of patches through the SDK alone.</summary>
    private async Task RebuildAsync()
    {
        var save = _app.GetRequiredService<SaveSegment>();
        const string Buyers = """{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": ">", "value": 3 } ] }""";
        var (segment, _) = await save.CreateAsync(new("Buyers", null, JsonElement.Parse(Buyers)), default);
        var (rate, changed) = await RebuildOnceAsync("tagging");
        await save.ReplaceAsync(segment.Id, new("Buyers", null, JsonElement.Parse(Buyers.Replace("3", "10", StringComparison.Ordinal))), "*", default);
        var (back, removed) = await RebuildOnceAsync("untagging");

        var container = _app.GetRequiredService<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        _traffic.Reset();
        var raw = await Load.RunAsync("patches through the SDK", (int)changed, 2_000, async i =>
        {
            using var answer = await container.PatchItemStreamAsync(
                SegmentCustomers.Id(i), new PartitionKey(SegmentCustomers.Id(i)), [PatchOperation.Set("/segmentIds", new[] { "raw" })], new() { EnableContentResponseOnWrite = false });
            answer.EnsureSuccessStatusCode();
        });
        var (requests, ru) = (_traffic.Requests / (double)changed, _traffic.Ru / changed);
        _report.Add(new Figure("rebuild by difference: tags set, beside bulk patches through the SDK", rate.PerSecond, "per s", raw.PerSecond, rate.Requests, rate.Ru, N: changed));
        _report.Add(new Figure("rebuild by difference: tags taken away", back.PerSecond, "per s", raw.PerSecond, back.Requests, back.Ru, N: removed));
        _report.Add(new Figure("bulk patches through the SDK", raw.PerSecond, "per s", RequestsPerUnit: requests, RuPerUnit: ru, N: changed));
    }

    private async Task<((double PerSecond, double Requests, double Ru) Rate, long Changed)> RebuildOnceAsync(string what)
    {
        var message = _queue.Take<RebuildSegment>(SegmentRebuild.QueueName);
        var before = await MembersAsync(message.SegmentId);
        using var stage = Report.Begin(what);
        _traffic.Reset();
        for (var next = message; next is not null; next = _queue.TryTake<RebuildSegment>(SegmentRebuild.QueueName))
        {
            // The second look at a change is not part of it.
            if (next.Reason == RebuildReason.Changed)
                await _app.GetRequiredService<SegmentRebuild>().HandleAsync(next, default);
        }

        var seconds = stage.Elapsed.TotalSeconds;
        var build = (await _app.GetRequiredService<WorkspaceStore<SegmentBuild>>().ReadAsync(message.SegmentId, default))!.Value;
        var changed = Math.Abs(await MembersAsync(message.SegmentId) - before);
        if (build.Version != message.Version || changed == 0)
            throw new LocalException($"The rebuild is not done: {build}");
        return ((changed / seconds, _traffic.Requests / (double)changed, _traffic.Ru / changed), changed);
    }

    private Task<long> MembersAsync(string segmentId) => _app.GetRequiredService<CustomerStore>().CountAsync(CompiledRule.ToFilterTagged(segmentId), default);

    private async Task ScoreAsync()
    {
        var job = _app.GetRequiredService<RfmJob>();
        foreach (var what in new[] { "RFM: all customers with orders scored for the first time", "RFM: scored again, nothing changed" })
        {
            await job.StartAsync(default);
            using var stage = Report.Begin(what);
            _traffic.Reset();
            while (_queue.TryTake<ScoreRfm>(ScoreRfm.Queue) is { } message)
                await job.HandleAsync(message, default);
            var view = await _app.GetRequiredService<ReadRfm>().HandleAsync(default);
            _report.Add(new Figure(
                what, view.Customers / stage.Elapsed.TotalSeconds, "per s", RequestsPerUnit: _traffic.Requests / (double)view.Customers, RuPerUnit: _traffic.Ru / view.Customers,
                RssMb: ProcessUsage.OfThis().RssMb, N: view.Customers));
        }
    }

    private static double Time(Action action)
    {
        var since = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }

    /// <summary>The rules' clock; the stopwatch goes on.</summary>
    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => SegmentCustomers.Now;
    }

    /// <summary>Keeps what is sent for whoever takes it.</summary>
    private sealed class SentMessages : QueueServiceClient
    {
        private readonly Dictionary<string, Queue<BinaryData>> _queues = [];

        public override QueueClient GetQueueClient(string queueName) => new Client(_queues.TryGetValue(queueName, out var queue) ? queue : _queues[queueName] = new());

        public T? TryTake<T>(string queue)
            where T : class => _queues.TryGetValue(queue, out var messages) && messages.TryDequeue(out var message) ? JsonSerializer.Deserialize<T>(message, Json.Options) : null;

        public T Take<T>(string queue)
            where T : class => TryTake<T>(queue) ?? throw new LocalException($"There is no message in {queue}.");

        private sealed class Client(Queue<BinaryData> queue) : QueueClient
        {
            public override Task<Response> CreateIfNotExistsAsync(IDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) => Task.FromResult<Response>(null!);

            public override Task<Azure.Response<SendReceipt>> SendMessageAsync(
                BinaryData message, TimeSpan? visibilityTimeout = null, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
            {
                queue.Enqueue(message);
                return Task.FromResult<Azure.Response<SendReceipt>>(null!);
            }
        }
    }
}
