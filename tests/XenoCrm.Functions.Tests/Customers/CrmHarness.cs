using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Delivery;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Privacy;

namespace XenoCrm.Customers;

/// <summary>Customers and orders as they run, on an emulator of their own, with every request to it seen.</summary>
public sealed class CrmHarness : IAsyncDisposable
{
    private readonly EmulatorServer emulator;
    private readonly ServiceProvider services;

    private CrmHarness(EmulatorServer emulator, ServiceProvider services, RequestLog log, CrmHarness? first)
    {
        this.emulator = emulator;
        this.first = first;
        journals = first?.journals ?? new();
        this.services = services;
        Log = log;
    }

    public RequestLog Log { get; }

    public CustomerStore Customers => services.GetRequiredService<CustomerStore>();

    public CustomerWriter Writer => services.GetRequiredService<CustomerWriter>();

    public OrderStore OrderStore => services.GetRequiredService<OrderStore>();

    public OrderWriter Orders => services.GetRequiredService<OrderWriter>();

    public AddressHasher Hasher => services.GetRequiredService<AddressHasher>();

    public CosmosDatabase Database => services.GetRequiredService<CosmosDatabase>();

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>A class of functions, as the host makes it.</summary>
    public T Create<T>() => ActivatorUtilities.CreateInstance<T>(services);

    public IServiceProvider Services => services;

    public static async Task<CrmHarness> StartAsync()
    {
        return await ConnectAsync(await EmulatorServer.StartAsync(new() { Port = 0, DataDirectory = null, Authenticate = false }));
    }

    private readonly ConcurrentDictionary<(string Import, int Run), List<byte[]>> journals;

    /// <summary>Whose the emulator is; null: this one's.</summary>
    private readonly CrmHarness? first;

    /// <summary>The journal of a run, as it was left; it outlives crashes as the storage does.</summary>
    public WriteJournal Journal(string import, int run = 1)
    {
        var attempts = journals.GetOrAdd((import, run), _ => []);
        var journal = new WriteJournal(import, run, (attempt, content, _) =>
        {
            lock (attempts)
            {
                if (attempts.Count != attempt - 1)
                {
                    throw new Imports.ImportTakenOverException(import);
                }

                attempts.Add(content.ToArray());
            }

            return Task.CompletedTask;
        });
        foreach (var (attempt, lines) in ReadJournal(import, run))
        {
            journal.Load(attempt, lines);
        }

        return journal;
    }

    public IReadOnlyList<(int Attempt, IReadOnlyList<JournalLine> Lines)> ReadJournal(string import, int run = 1) =>
        [.. journals.GetOrAdd((import, run), _ => []).Select((content, i) => (i + 1, WriteJournal.ReadAsync(new MemoryStream(content), CancellationToken.None).GetAwaiter().GetResult()))];

    /// <summary>A second process on the same storage.</summary>
    public Task<CrmHarness> AnotherAsync() => ConnectAsync(emulator, first ?? this);

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        if (first is null)
        {
            await emulator.DisposeAsync();
        }
    }

    /// <summary>All customers, and whether what identifies them is as it must be.</summary>
    public async Task<IReadOnlyList<Customer>> CheckedCustomersAsync()
    {
        var customers = (await Customers.PageAsync(CustomerFilter.All, null, 100_000, CancellationToken.None)).Select(c => c.Value).ToList();
        var identities = (await AllAsync<Identity>(CustomerIdentities.ContainerName)).ToDictionary(i => i.Id);
        foreach (var customer in customers)
        {
            foreach (var key in new[] { Hasher.KeysOf(customer).External, Hasher.KeysOf(customer).Email }.OfType<string>())
            {
                identities.ShouldContainKey(key, "a customer carries a key that is not known");
                identities[key].Erased.ShouldBeNull("a customer carries a key of someone who was erased");
                (await Customers.ReadFollowingAsync(identities[key].CustomerId, CancellationToken.None))!.Value.Id
                    .ShouldBe(customer.Id, $"{key} is carried by one customer and leads to another");
            }
        }

        customers.Where(c => c.Email is not null).GroupBy(c => c.Email!.ToLowerInvariant()).ShouldAllBe(g => g.Count() == 1);
        customers.Where(c => c.ExternalId is not null).GroupBy(c => c.ExternalId).ShouldAllBe(g => g.Count() == 1);
        return customers;
    }

    public async Task<List<T>> AllAsync<T>(string container)
    {
        var items = new List<T>();
        using var pages = Database.Container(container).GetItemQueryStreamIterator("SELECT * FROM c");
        while (pages.HasMoreResults)
        {
            items.AddRange((await CosmosPages.ReadAsync<T>(pages, CancellationToken.None)).Select(i => i.Value));
        }

        return items;
    }

    private static async Task<CrmHarness> ConnectAsync(EmulatorServer server, CrmHarness? first = null)
    {
        var log = new RequestLog();
        var collection = new ServiceCollection();
        collection.Configure<CosmosOptions>(options =>
        {
            options.Endpoint = server.Endpoint.ToString();
            options.Key = EmulatorOptions.WellKnownKey;
            options.HttpClientFactory = () => new HttpClient(new LoggingHandler(log));
        });
        collection.Configure<Platform.WorkspaceOptions>(options => options.AddressKey = Convert.ToBase64String(new byte[32]));
        collection.AddSingleton(TimeProvider.System);
        collection.AddSingleton<Platform.Ids>();
        collection.AddSingleton<CosmosDatabase>();
        collection.AddSingleton<Platform.Http.Cursors>();
        collection.Configure<Platform.Http.SigningOptions>(options => options.Key = new string('k', 44));
        collection.AddSingleton(Workspace.Definition);
        collection.AddSingleton(Platform.Idempotency.StoredRequests.Definition).AddSingleton<Platform.Idempotency.StoredRequests>();
        collection.AddLogging();
        collection.AddSingleton<ISegmentTagger, NoSegments>();
        var configuration = new ConfigurationBuilder().Build();
        collection.AddCustomers(configuration).AddOrders(configuration).AddPrivacy();
        collection.AddSingleton(Workspace.Definition);
        collection.AddSingleton(BatchStore.Definition).AddSingleton<BatchStore>();
        collection.AddSingleton(SuppressionStore.Definition).AddSingleton<SuppressionStore>();
        var provider = collection.BuildServiceProvider();
        await provider.GetRequiredService<CosmosDatabase>().EnsureCreatedAsync();
        log.Reset();
        return new(server, provider, log, first);
    }

    internal sealed class NoSegments : ISegmentTagger
    {
        public ValueTask RefreshAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public IReadOnlyList<string> SegmentsOf(Customer customer) => [];

        public string? NameOf(string segmentId) => null;
    }

    internal sealed class LoggingHandler(RequestLog log) : DelegatingHandler(new SocketsHttpHandler { MaxConnectionsPerServer = 50 })
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            log.Before(request);
            Interlocked.Increment(ref log.InFlight);
            try
            {
                var answer = await base.SendAsync(request, cancellationToken);
                log.After(request, answer);
                return answer;
            }
            finally
            {
                Interlocked.Decrement(ref log.InFlight);
            }
        }
    }
}

/// <summary>The process "ends" here: nothing more reaches the storage.</summary>
public sealed class CrashException : Exception;

/// <summary>What went to the storage, and where to stop.</summary>
public sealed class RequestLog
{
    private readonly ConcurrentQueue<string> requests = new();
    private int writes;

    /// <summary>Requests that the storage has not answered yet.</summary>
    internal int InFlight;

    /// <summary>Fail for good before the write of this number (1-based); the one before it is stored.</summary>
    public int? CrashBeforeWrite { get; set; }

    /// <summary>Or right after it was stored, before its answer arrives.</summary>
    public int? CrashAfterWrite { get; set; }

    /// <summary>Sees what was stored, with its status, also when the answer is then lost.</summary>
    public Action<HttpRequestMessage, HttpResponseMessage>? Stored { get; set; }

    public int Count => requests.Count;

    public int Writes => writes;

    public IReadOnlyCollection<string> Requests => requests;

    public void Reset()
    {
        requests.Clear();
        writes = 0;
        CrashBeforeWrite = null;
        CrashAfterWrite = null;
    }

    public void Before(HttpRequestMessage request)
    {
        requests.Enqueue($"{request.Method} {request.RequestUri!.AbsolutePath}");
        if (!IsWrite(request))
        {
            if (writes >= CrashBeforeWrite || writes >= CrashAfterWrite)
            {
                throw new CrashException();
            }

            return;
        }

        var number = Interlocked.Increment(ref writes);
        if (number >= CrashBeforeWrite || number > CrashAfterWrite)
        {
            throw new CrashException();
        }
    }

    public void After(HttpRequestMessage request, HttpResponseMessage answer)
    {
        Stored?.Invoke(request, answer);
        if (IsWrite(request) && writes >= CrashAfterWrite)
        {
            throw new CrashException();
        }
    }

    private static bool IsWrite(HttpRequestMessage request) =>
        request.Method.Method is "PUT" or "PATCH" or "DELETE"
        || (request.Method.Method == "POST" && !request.Headers.Contains("x-ms-documentdb-isquery") && !request.Headers.Contains("x-ms-cosmos-is-query-plan-request"));
}
