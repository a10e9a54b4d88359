using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Azure.Core.Pipeline;
using Azure.Storage.Queues;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XenoCrm.Accounts;
using XenoCrm.Analytics;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Privacy;
using XenoCrm.Segments;
using XenoCrm.Webhooks;

[assembly: AssemblyFixture(typeof(XenoCrm.Functions.Tests.Delivery.DeliveryEmulator))]

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>One Cosmos emulator in this process for all tests of delivery.</summary>
public sealed class DeliveryEmulator : IAsyncLifetime
{
    private EmulatorServer? server;

    public Uri Endpoint => server!.Endpoint;

    public async ValueTask InitializeAsync() => server = await EmulatorServer.StartAsync(new EmulatorOptions { Port = 0, FlushToDisk = false });

    public async ValueTask DisposeAsync() => await (server?.DisposeAsync() ?? default);
}

/// <summary>The process dies here, as far as the code under test can tell.</summary>
internal sealed class CrashException() : Exception("The process was killed.");

/// <summary>Stands in all the ways out of the process (database, queue, vendor) and kills it at a chosen one.</summary>
internal sealed class CrashPoint
{
    private int left = int.MaxValue;
    private bool dead;
    private volatile bool spared;

    /// <summary>Ways out taken since <see cref="Arm"/>.</summary>
    public int Passed { get; private set; }

    /// <summary>Whether what is asked for still happens, and only the answer is lost.</summary>
    public bool After { get; private set; }

    /// <summary>Awaited before each request goes out.</summary>
    public Func<HttpRequestMessage, Task>? Gate { get; set; }

    /// <param name="at">1: the first way out.</param>
    public void Arm(int at, bool after) => (left, After, dead, Passed) = (at, after, false, 0);

    /// <summary>What the test itself looks at does not count.</summary>
    public T Spare<T>(Func<T> look)
    {
        spared = true;
        try
        {
            return look();
        }
        finally
        {
            spared = false;
        }
    }

    /// <summary>The process is started again, and lives.</summary>
    public bool Restart()
    {
        var died = dead;
        Arm(int.MaxValue, false);
        return died;
    }

    public async Task<T> PassAsync<T>(Func<Task<T>> go)
    {
        if (spared)
        {
            return await go();
        }

        bool dies;
        lock (this)
        {
            if (dead)
            {
                throw new CrashException();
            }

            Passed++;
            dies = dead = --left == 0;
        }

        if (!dies)
        {
            return await go();
        }

        if (After)
        {
            await go();
        }

        throw new CrashException();
    }
}

/// <summary>Requests to the database and what they cost.</summary>
internal sealed class Meter
{
    private readonly Lock gate = new();

    public int Requests { get; private set; }

    public double Charge { get; private set; }

    public void Add(HttpResponseMessage response)
    {
        lock (gate)
        {
            Requests++;
            Charge += response.Headers.TryGetValues("x-ms-request-charge", out var values) ? double.Parse(values.First()) : 0;
        }
    }

    public void Reset() => (Requests, Charge) = (0, 0);
}

internal sealed class CrashingHandler : DelegatingHandler
{
    private readonly CrashPoint point;
    private readonly Meter? meter;

    public CrashingHandler(CrashPoint point) => this.point = point;

    public CrashingHandler(CrashPoint point, HttpMessageHandler inner, Meter? meter = null)
        : base(inner) => (this.point, this.meter) = (point, meter);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => point.PassAsync(async () =>
    {
        await (point.Gate?.Invoke(request) ?? Task.CompletedTask);
        var response = await base.SendAsync(request, cancellationToken);
        meter?.Add(response);
        return response;
    });
}

internal sealed record QueuedMessage(string Queue, string Json, DateTimeOffset Due, int Failures = 0);

/// <summary>The queue service, as far as sending to it goes.</summary>
internal sealed class MemoryQueues(TimeProvider clock) : HttpMessageHandler
{
    private readonly Lock gate = new();
    private readonly List<QueuedMessage> waiting = [];

    /// <summary>Everything that was ever sent.</summary>
    public ConcurrentQueue<QueuedMessage> Sent { get; } = new();

    /// <summary>The message that is due first.</summary>
    public QueuedMessage? Take()
    {
        lock (gate)
        {
            var first = waiting.MinBy(m => m.Due);
            if (first is not null)
            {
                waiting.Remove(first);
            }

            return first;
        }
    }

    public bool Has(string queue)
    {
        lock (gate)
        {
            return waiting.Any(m => m.Queue == queue);
        }
    }

    /// <param name="queue">Null: all.</param>
    public void Clear(string? queue = null)
    {
        lock (gate)
        {
            waiting.RemoveAll(m => queue is null || m.Queue == queue);
        }
    }

    public void PutBack(QueuedMessage message)
    {
        lock (gate)
        {
            waiting.Add(message);
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method == HttpMethod.Put)
        {
            return new(HttpStatusCode.Created);
        }

        var queue = request.RequestUri!.AbsolutePath.Trim('/').Split('/')[1];
        if (request.Method == HttpMethod.Get)
        {
            var properties = new HttpResponseMessage(HttpStatusCode.OK);
            lock (gate)
            {
                properties.Headers.Add("x-ms-approximate-messages-count", waiting.Count(s => s.Queue == queue).ToString());
            }

            return properties;
        }

        var text = XDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken)).Root!.Element("MessageText")!.Value;
        var delay = System.Web.HttpUtility.ParseQueryString(request.RequestUri.Query)["visibilitytimeout"] is { } seconds ? int.Parse(seconds) : 0;
        var message = new QueuedMessage(queue, Encoding.UTF8.GetString(Convert.FromBase64String(text)), clock.GetUtcNow().AddSeconds(delay));
        Sent.Enqueue(message);
        PutBack(message);
        const string now = "Sun, 01 Mar 2026 12:00:00 GMT";
        return new(HttpStatusCode.Created)
        {
            Content = new StringContent(
                $"<QueueMessagesList><QueueMessage><MessageId>m</MessageId><InsertionTime>{now}</InsertionTime><ExpirationTime>{now}</ExpirationTime><PopReceipt>p</PopReceipt><TimeNextVisible>{now}</TimeNextVisible></QueueMessage></QueueMessagesList>",
                Encoding.UTF8, "application/xml"),
        };
    }
}

/// <summary>The wall clock, moved on at will.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    private TimeSpan shift;

    public void Advance(TimeSpan by) => shift += by;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + shift;

    public override long GetTimestamp() => System.GetTimestamp() + (long)(shift.TotalSeconds * TimestampFrequency);
}

/// <summary>A vendor that keeps a record of what it was asked.</summary>
internal sealed class RecordingVendor(CrashPoint point, string name) : IVendor
{
    public string Name => name;

    public bool Idempotent { get; set; } = true;

    public int MaxMessages { get; set; } = 1000;

    public int MaxRequests { get; set; } = 1;

    public double? MessagesPerSecond { get; set; }

    public bool KeepsStatus { get; set; }

    /// <summary>What it says when it is asked about a message.</summary>
    public Func<string, VendorFinding> Find { get; set; } = _ => new(VendorFate.NotThere);

    /// <summary>What the messages said.</summary>
    public ConcurrentDictionary<string, RenderedContent> Contents { get; } = new();

    /// <summary>How often each message was asked for.</summary>
    public ConcurrentDictionary<string, int> Asked { get; } = new();

    /// <summary>Addresses of the messages that were carried: a repeat under the same id is not, where the vendor knows ids.</summary>
    public ConcurrentQueue<string> Carried { get; } = new();

    public Func<VendorMessage, VendorResult> Answer { get; set; } = _ => new(VendorAnswer.Accepted, null);

    /// <summary>Runs after the messages were taken and before the sender learns of it.</summary>
    public Func<IReadOnlyList<VendorMessage>, Task> Taken { get; set; } = _ => Task.CompletedTask;

    public Func<Exception?> Fails { get; set; } = () => null;

    public string? FaultFor(Channel channel) => null;

    public Task<VendorFinding> FindAsync(string messageId, CancellationToken cancellation) => point.PassAsync(() => Task.FromResult(Find(messageId)));

    public Task<IReadOnlyList<VendorResult>> SendAsync(IReadOnlyList<VendorMessage> messages, CancellationToken cancellation) => point.PassAsync(async () =>
    {
        if (Fails() is { } failure)
        {
            throw failure;
        }

        var results = new List<VendorResult>();
        foreach (var message in messages)
        {
            Contents[message.Id] = message.Render();
            var answer = Answer(message);
            if (Asked.AddOrUpdate(message.Id, 1, (_, n) => n + 1) == 1 || !Idempotent)
            {
                if (answer.Answer == VendorAnswer.Accepted)
                {
                    Carried.Enqueue(message.To);
                }
            }

            if (answer.Answer == VendorAnswer.Deferred)
            {
                Asked.TryRemove(message.Id, out _);
            }

            results.Add(answer);
        }

        await Taken(messages);
        return (IReadOnlyList<VendorResult>)results;
    });
}

/// <summary>Delivery with its real parts over an emulated database; queue, vendor and clock are the test's.</summary>
internal sealed class DeliveryHarness : IAsyncDisposable
{
    public const string SegmentId = "seg";
    private readonly ServiceProvider services;
    private int launched;

    private DeliveryHarness(DeliveryEmulator emulator, Dictionary<string, string?> settings)
    {
        Queues = new(Clock);
        Vendor = new(Crash, "recording");
        Second = new(Crash, "second");
        settings.TryAdd("Vendors:Email:0", Vendor.Name);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(settings)
        {
            ["Cosmos:Endpoint"] = emulator.Endpoint.ToString(),
            ["Cosmos:Key"] = EmulatorOptions.WellKnownKey,
            ["Cosmos:Database"] = $"delivery-{Guid.NewGuid():n}",
            ["Signing:Key"] = Convert.ToBase64String(new byte[40]),
            ["Workspace:AddressKey"] = Convert.ToBase64String(new byte[32]),
            ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true",
            ["Vendors:Generic:BaseAddress"] = "http://127.0.0.1:1/",
            ["PublicBaseAddress"] = "http://127.0.0.1:2/",
            ["Delivery:RecordAfter"] = "00:00:00",
        }).Build();
        var collection = new ServiceCollection();
        collection.AddLogging(b => b.SetMinimumLevel(LogLevel.None));
        collection.AddSingleton<IConfiguration>(configuration);
        collection.AddPlatform(configuration).AddCustomers(configuration).AddOrders(configuration).AddSegments(configuration).AddCampaigns().AddDelivery(configuration).AddAnalytics(configuration)
            .AddWebhooks(configuration).AddPrivacy();
        collection.AddHttpClient(WebhookPoster.ClientName).AddHttpMessageHandler(() => new CrashingHandler(Crash));
        collection.Configure<CosmosOptions>(o => o.HttpClientFactory = () => new HttpClient(new CrashingHandler(Crash, new SocketsHttpHandler(), Meter)));
        collection.AddSingleton(_ => new QueueServiceClient("UseDevelopmentStorage=true", new QueueClientOptions
        {
            MessageEncoding = QueueMessageEncoding.Base64,
            Transport = new HttpClientTransport(new HttpClient(new CrashingHandler(Crash, Queues))),
        }));
        collection.AddSingleton<TimeProvider>(Clock);
        collection.AddSingleton<IVendor>(Vendor);
        collection.AddSingleton<IVendor>(Second);
        services = collection.BuildServiceProvider();
    }

    /// <summary>The feature's services with these settings alone, to see what it says about them.</summary>
    public static ServiceProvider Services(Dictionary<string, string?> settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Vendors:Generic:BaseAddress"] = "http://127.0.0.1:1/", ["PublicBaseAddress"] = "http://127.0.0.1:2/" })
            .AddInMemoryCollection(settings).Build();
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton<IConfiguration>(configuration);
        return collection.AddPlatform(configuration).AddDelivery(configuration).BuildServiceProvider();
    }

    public IServiceProvider Provider => services;
    public CrashPoint Crash { get; } = new();
    public Meter Meter { get; } = new();
    public ShiftedClock Clock { get; } = new();
    public MemoryQueues Queues { get; }
    public RecordingVendor Vendor { get; }

    /// <summary>Not used unless a test's settings name it.</summary>
    public RecordingVendor Second { get; }

    /// <summary>The segment is everyone in Rome; the planner's pages are of 300.</summary>
    public static async Task<DeliveryHarness> StartAsync(DeliveryEmulator emulator, params (string Key, string Value)[] settings)
    {
        var harness = new DeliveryHarness(emulator, settings.ToDictionary(s => s.Key, s => (string?)s.Value));
        await harness.Get<CosmosDatabase>().EnsureCreatedAsync();
        harness.Get<Planner>().PageSize = 300;
        var now = harness.Clock.GetUtcNow();
        await harness.Get<WorkspaceStore<Segment>>().TryCreateAsync(
            new()
            {
                Id = SegmentId, Name = "Rome", Version = 1, CreatedAt = now, UpdatedAt = now,
                Rule = JsonSerializer.SerializeToElement(new { combinator = "and", rules = new[] { new { field = "city", @operator = "=", value = "Rome" } } }),
            },
            default);
        return harness;
    }

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    public T Create<T>() => ActivatorUtilities.CreateInstance<T>(services);

    public async ValueTask DisposeAsync() => await services.DisposeAsync();

    /// <summary>Customers 1…n in Rome (see <see cref="Samples.Customer"/>), as <paramref name="change"/> makes them.</summary>
    public Task AddCustomersAsync(IEnumerable<int> numbers, Func<Customer, Customer>? change = null)
    {
        var container = Get<CosmosDatabase>().BulkContainer(CustomerStore.ContainerName);
        return Task.WhenAll(numbers.Select(n =>
        {
            var customer = Samples.Customer(n) with { City = "Rome" };
            return container.UpsertItemAsync(change?.Invoke(customer) ?? customer, new PartitionKey(customer.Id));
        }));
    }

    public Task RemoveCustomerAsync(int number)
    {
        var id = Samples.Customer(number).Id;
        return Get<CosmosDatabase>().Container(CustomerStore.ContainerName).DeleteItemAsync<Customer>(id, new PartitionKey(id));
    }

    /// <summary>A campaign to the segment, launched.</summary>
    public async Task<string> LaunchAsync(Func<Campaign, Campaign>? change = null)
    {
        var campaign = Samples.Campaign($"c{++launched}") with { SegmentId = SegmentId };
        await Get<WorkspaceStore<Campaign>>().TryCreateAsync(change?.Invoke(campaign) ?? campaign, default);
        await Get<SteerCampaign>().LaunchAsync(campaign.Id, null, new Caller("u", "U", Role.Manager), default);
        return campaign.Id;
    }

    /// <summary>
    /// Does what the host does until no message is left: delivers them in the order of their time (moving the clock), and
    /// delivers again what failed; after twelve failures it goes to the poison queue.
    /// </summary>
    /// <param name="crashed">Runs after each crash, when the process is up again.</param>
    /// <param name="until">Looked at before each delivery.</param>
    public async Task RunAsync(Func<Task>? crashed = null, Func<bool>? until = null)
    {
        var jobs = ActivatorUtilities.CreateInstance<DeliveryJobs>(services);
        var figures = ActivatorUtilities.CreateInstance<RefreshFigures>(services);
        var webhooks = ActivatorUtilities.CreateInstance<WebhookJobs>(services);
        for (var deliveries = 0; until?.Invoke() != true && Queues.Take() is { } message; deliveries++)
        {
            deliveries.ShouldBeLessThan(3000, "The queues never run dry.");
            if (message.Due > Clock.GetUtcNow())
            {
                Clock.Advance(message.Due - Clock.GetUtcNow());
            }

            try
            {
                await (message.Queue switch
                {
                    CampaignTurn.Queue => jobs.Plan(message.Json, default),
                    SendRun.Queue => jobs.Send(message.Json, default),
                    MessagesToRecord.Queue => jobs.Record(message.Json, default),
                    ReceiptInbox.Queue => jobs.Apply(message.Json, default),
                    ReclassifyTurn.Queue => jobs.Reclassify(message.Json, default),
                    RefreshRollUp.Queue => figures.Refresh(JsonSerializer.Deserialize<RefreshRollUp>(message.Json, Json.Options)!, default),
                    WebhookJob.Queue => webhooks.Deliver(message.Json, default),
                    WebhookJob.Queue + "-poison" => webhooks.GiveUp(message.Json, default),
                    ReplayJob.Queue => webhooks.Replay(message.Json, default),
                    CampaignTurn.Queue + "-poison" => jobs.GiveUpPlan(message.Json, default),
                    ReceiptInbox.Queue + "-poison" => jobs.GiveUpReceipts(message.Json, default),
                    SendRun.Queue + "-poison" => jobs.GiveUpRun(message.Json, default),
                    _ => throw new InvalidOperationException($"Nobody listens to {message.Queue}."),
                });
            }
            catch (Exception) when (Crash.Restart())
            {
                Queues.PutBack(message with { Due = Clock.GetUtcNow() + TimeSpan.FromSeconds(10) });
                await (crashed?.Invoke() ?? Task.CompletedTask);
            }
            catch (Exception) when (!message.Queue.EndsWith("-poison", StringComparison.Ordinal))
            {
                var failed = message with { Failures = message.Failures + 1, Due = Clock.GetUtcNow() + TimeSpan.FromSeconds(5) };
                Queues.PutBack(failed.Failures < 12 ? failed : failed with { Queue = message.Queue + "-poison", Failures = 0 });
            }
        }

        // A crash that nobody noticed in the last delivery.
        Crash.Restart();
    }

    /// <summary>Has the customers told what became of their messages, as the timer does.</summary>
    public async Task RecordAsync(Func<Task>? crashed = null)
    {
        await Get<RecordMessages>().SweepAsync(default);
        await RunAsync(crashed);
    }

    public async Task<Customer> CustomerAsync(int number) => (await Get<CustomerStore>().ReadAsync(Samples.Customer(number).Id, default))!.Value;

    public async Task<IReadOnlyList<Batch>> BatchesAsync(string campaignId)
    {
        var batches = await Get<BatchStore>().ReadManyAsync([.. Enumerable.Range(0, 200).Select(n => Batch.BatchId(campaignId, n))], default);
        batches.Select(b => b.Value.Number).ShouldBe(Enumerable.Range(0, batches.Count), "The batches have consecutive numbers.");
        return [.. batches.Select(b => b.Value)];
    }

    /// <summary>The campaign's figures, after checking that they balance and are those of its messages.</summary>
    public async Task<CampaignStatsView> LedgerAsync(string campaignId)
    {
        var s = await Get<CampaignStats>().ReadAsync(campaignId, default);
        s.Audience.ShouldBe(s.Delivered + s.Failed + s.Suppressed + s.Skipped + s.Pending);
        var recipients = (await BatchesAsync(campaignId)).SelectMany(b => b.Recipients).ToList();
        recipients.Select(r => r.CustomerId).ShouldBeUnique();
        s.Audience.ShouldBe(recipients.Count);
        s.Delivered.ShouldBe(recipients.Count(r => r.Status == MessageStatus.Delivered));
        s.Failed.ShouldBe(recipients.Count(r => r.Status is MessageStatus.Failed or MessageStatus.Bounced));
        s.Unknown.ShouldBe(recipients.Count(r => r.Status == MessageStatus.Unknown));
        s.Sent.ShouldBe(recipients.Count(r => r.SentAt is not null));
        s.Reasons.Values.Sum().ShouldBe(recipients.Count(r => r.Reason is not null));
        return s;
    }

    public static Receipt Receipt(string messageId, ReceiptStatus status, string? reason = null) =>
        new() { MessageId = messageId, Status = status, At = Samples.Noon.AddYears(1), Reason = reason, EventId = messageId + status };
}
