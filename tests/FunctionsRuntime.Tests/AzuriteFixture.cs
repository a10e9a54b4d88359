using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using XenoCrm.AppHost;
using XenoCrm.Local.FunctionsRuntime.Tests;

[assembly: AssemblyFixture(typeof(AzuriteFixture))]
// Nearly all the time of these tests is waiting.
[assembly: CollectionBehavior(MaxParallelThreads = 6)]

namespace XenoCrm.Local.FunctionsRuntime.Tests;

/// <summary>One Azurite for the whole assembly. Tests run side by side in it, each with names of its own.</summary>
public sealed class AzuriteFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("functions-runtime-tests-");
    private AzuriteProcess? _azurite;

    public string ConnectionString => _azurite!.ConnectionString;

    public async ValueTask InitializeAsync() => _azurite = await AzuriteProcess.StartAsync(new AzuriteOptions { Folder = _folder.FullName });

    public async ValueTask DisposeAsync()
    {
        if (_azurite is not null)
            await _azurite.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A name that no other test has, valid for queues and containers.</summary>
    public static string Unique(string name) => name + "-" + Guid.NewGuid().ToString("N")[..12];

    /// <summary>A client that encodes as the runtime does by default.</summary>
    public QueueClient Queue(string name, bool base64 = true) => new(
        ConnectionString, name, new QueueClientOptions { MessageEncoding = base64 ? QueueMessageEncoding.Base64 : QueueMessageEncoding.None });

    public async Task<QueueClient> NewQueue(string name, bool base64 = true)
    {
        var queue = Queue(name, base64);
        await queue.CreateAsync();
        return queue;
    }

    public BlobContainerClient Container(string name) => new(ConnectionString, name);

    /// <summary>Settings for an app on this storage, with more in pairs of name and value.</summary>
    public Dictionary<string, string> Settings(params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string>
        {
            ["AzureWebJobsStorage"] = ConnectionString,
            ["AzureFunctionsJobHost:extensions:queues:maxPollingInterval"] = "00:00:00.200",
            ["FUNCTIONS_BLOB_POLL"] = "00:00:00.200",
        };
        foreach (var (name, value) in more)
            settings[name] = value;
        return settings;
    }
}

/// <summary>What functions tell the test, with waits that end.</summary>
internal sealed class Recorder
{
    private readonly Lock _lock = new();
    private readonly List<object> _items = [];

    /// <summary>Set by a test to decide what its function does; by default nothing.</summary>
    public Func<object, CancellationToken, Task> Behaviour { get; set; } = (_, _) => Task.CompletedTask;

    public IReadOnlyList<object> Items
    {
        get
        {
            lock (_lock)
                return [.. _items];
        }
    }

    public void Add(object item)
    {
        lock (_lock)
            _items.Add(item);
    }

    /// <summary>Notes the item, then does what the test wants.</summary>
    public Task Run(object item, CancellationToken token = default)
    {
        Add(item);
        return Behaviour(item, token);
    }

    public async Task<IReadOnlyList<object>> WaitFor(int count)
    {
        await Eventually.True(() => Items.Count >= count, () => $"expected {count}, got {Items.Count}: {string.Join(", ", Items)}");
        return Items;
    }
}

internal static class Eventually
{
    /// <summary>What is waited for here comes at once; a busy machine may take its time, and only what never comes waits so long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Task True(Func<bool> condition, Func<string>? otherwise = null)
        => True(() => Task.FromResult(condition()), otherwise);

    public static async Task True(Func<Task<bool>> condition, Func<string>? otherwise = null)
    {
        var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!await condition())
        {
            if (Environment.TickCount64 > end)
                throw new TimeoutException($"Not within {Patience}. {otherwise?.Invoke()}");
            await Task.Delay(20);
        }
    }
}
