using System.Text.Json;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>The feature on a Cosmos emulator in this process, with a clock and a queue that the test holds in its hand.</summary>
internal sealed class SegmentWorld : IAsyncDisposable
{
    private readonly EmulatorServer emulator;
    private readonly List<ServiceProvider> processes = [];

    private SegmentWorld(EmulatorServer emulator)
    {
        this.emulator = emulator;
        Clock = new TestClock(Rules.Now);
        Queue = new TestQueue(Clock);
        Process = NewProcess();
    }

    public TestClock Clock { get; }

    public TestQueue Queue { get; }

    /// <summary>Before the database of <see cref="Process"/> and of every other.</summary>
    public HoldingHandler CustomerWrites { get; } = new("/colls/customers/docs");

    /// <summary>The function app.</summary>
    public ServiceProvider Process { get; }

    public CustomerStore Customers => Get<CustomerStore>();

    public static async Task<SegmentWorld> StartAsync()
    {
        var world = new SegmentWorld(await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0 }));
        await world.Get<CosmosDatabase>().EnsureCreatedAsync();
        return world;
    }

    /// <summary>Another instance of the app, with rules in a memory of its own.</summary>
    /// <param name="settings">Beside the usual ones.</param>
    public ServiceProvider NewProcess(Dictionary<string, string?>? settings = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Cosmos:Endpoint"] = emulator.Endpoint.ToString(),
            ["Cosmos:Key"] = EmulatorOptions.WellKnownKey,
            ["Signing:Key"] = Convert.ToBase64String(new byte[40]),
        }).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Clock);
        services.AddPlatform(configuration);
        services.AddSegments(configuration);
        services.AddCampaigns();
        services.AddSingleton(CustomerStore.Definition);
        services.AddSingleton<CustomerStore>();
        services.AddSingleton<CustomerTags>();
        services.Configure<CosmosOptions>(o => o.HttpClientFactory = () => new HttpClient(CustomerWrites, disposeHandler: false));
        services.Replace(ServiceDescriptor.Singleton<QueueServiceClient>(Queue));
        var process = services.BuildServiceProvider();
        processes.Add(process);
        return process;
    }

    public T Get<T>()
        where T : notnull => Process.GetRequiredService<T>();

    /// <summary>Stores customers as they are, tags included: what an earlier time has left.</summary>
    public async Task PutAsync(IEnumerable<Customer> customers)
    {
        var container = Get<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        await Task.WhenAll(customers.Select(c => container.UpsertItemAsync(c, new(c.Id))));
    }

    public async Task<SegmentView> CreateAsync(string rule, string name = "Test") =>
        (await Get<SaveSegment>().CreateAsync(new(name, null, JsonElement.Parse(rule)), default)).View;

    public async Task<SegmentView> ReadAsync(string id) => (await Get<ListSegments>().ReadAsync(id, default)).View;

    public async Task<Versioned<Customer>> CustomerAsync(string id) => (await Customers.ReadAsync(id, default)).ShouldNotBeNull();

    public async Task<List<string>> TaggedAsync(string segmentId) =>
        [.. await Customers.PageIdsAsync(CompiledRule.ToFilterTagged(segmentId), null, 100_000, default)];

    /// <summary>Delivers every message in its time until there is none, each one as often as asked for. Returns how many there were.</summary>
    public async Task<int> RunQueueAsync(int deliveries = 1)
    {
        var count = 0;
        for (; Queue.TakeNext() is { } message; count++)
        {
            for (var i = 0; i < deliveries; i++)
            {
                await Get<SegmentRebuild>().HandleAsync(message, default);
            }
        }

        return count;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            await process.DisposeAsync();
        }

        CustomerWrites.Dispose();
        await emulator.DisposeAsync();
    }
}

internal sealed class TestClock(DateTimeOffset now) : TimeProvider
{
    private long ticks = now.UtcTicks;

    /// <summary>Added at each look at the stopwatch.</summary>
    public TimeSpan Tick { get; set; } = TimeSpan.FromTicks(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Interlocked.Add(ref ticks, Tick.Ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);
}

/// <summary>Keeps messages in the order of their becoming visible. Taking one moves the clock there.</summary>
internal sealed class TestQueue : QueueServiceClient
{
    private readonly TestClock clock;
    private readonly Dictionary<string, PriorityQueue<string, (DateTimeOffset, int)>> queues = new()
    {
        [SegmentRebuild.QueueName] = new(),
        [ScoreRfm.Queue] = new(),
    };

    private int sent;

    public TestQueue(TestClock clock) => this.clock = clock;

    public override QueueClient GetQueueClient(string queueName) => new Client(this, queues[queueName]);

    public RebuildSegment? TakeNext() => Take<RebuildSegment>(SegmentRebuild.QueueName);

    public ScoreRfm? TakeNextRfm() => Take<ScoreRfm>(ScoreRfm.Queue);

    private T? Take<T>(string queue)
        where T : class
    {
        if (!queues[queue].TryDequeue(out var message, out var at))
        {
            return null;
        }

        if (at.Item1 > clock.GetUtcNow())
        {
            clock.Advance(at.Item1 - clock.GetUtcNow());
        }

        return JsonSerializer.Deserialize<T>(message, Json.Options);
    }

    private sealed class Client(TestQueue owner, PriorityQueue<string, (DateTimeOffset, int)> queue) : QueueClient
    {
        public override Task<Response> CreateIfNotExistsAsync(IDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
            Task.FromResult<Response>(null!);

        public override Task<Response<SendReceipt>> SendMessageAsync(
            BinaryData message, TimeSpan? visibilityTimeout = null, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
        {
            lock (queue)
            {
                queue.Enqueue(message.ToString(), (owner.clock.GetUtcNow() + (visibilityTimeout ?? default), owner.sent++));
            }

            return Task.FromResult<Response<SendReceipt>>(null!);
        }
    }
}
