using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Hosting;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace XenoCrm.Local.FunctionsRuntime.Blobs;

/// <summary>
/// Scans a container for blobs that its function has not seen. The receipt is written after the function has returned,
/// so a crash in between means a second run, never a missed one.
/// </summary>
internal sealed class BlobListener(
    Function function,
    BlobServiceClient service,
    BlobPath path,
    StorageClients storage,
    HostSettings host,
    FunctionExecutor executor,
    IServiceScopeFactory scopes,
    Shutdown shutdown,
    ILogger<BlobListener> logger) : ITriggerListener
{
    public const string PoisonQueue = "webjobs-blobtrigger-poison";

    private readonly BlobContainerClient _container = service.GetBlobContainerClient(path.Container);
    private readonly BlobReceipts _receipts = new(storage.Host, host.HostId, function.Definition.Id, path.Container);
    private readonly StorageHealth _health = new($"Blobs of {path.Container} for {function.Name}", logger);
    private readonly List<Task> _running = [];

    /// <summary>Blob → the state of its newest version, as far as this process knows it. Only the scan loop reads or writes it.</summary>
    private readonly Dictionary<string, Known> _known = [];
    private Dictionary<string, Receipt> _stored = [];

    public Function Function => function;

    public string Describe() => $"{path.Container}, scanned every {host.Blobs.Poll.TotalSeconds:0.###} s";

    public async Task Run()
    {
        var ready = false;
        while (!shutdown.Stopping.IsCancellationRequested)
        {
            var wait = host.Blobs.Poll;
            try
            {
                if (!ready)
                {
                    await _container.CreateIfNotExistsAsync(cancellationToken: shutdown.Stopping);
                    _stored = await _receipts.ReadAll(shutdown.Stopping);
                    ready = true;
                }
                var started = Stopwatch.GetTimestamp();
                await Scan();
                _health.Worked();
                // A container so full that listing it takes long is not listed without pause.
                var took = Stopwatch.GetElapsedTime(started);
                wait = took > wait ? took : wait;
            }
            catch (Exception) when (shutdown.Stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                ready = ready && e is not RequestFailedException { ErrorCode: "ContainerNotFound" };
                wait = _health.Failed(e);
            }
            await Task.Delay(wait, shutdown.Stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
        await Task.WhenAll(_running);
    }

    private async Task Scan()
    {
        var seen = new HashSet<string>();
        var found = new List<(BlobItem Item, Dictionary<string, string> Parts, ETag ETag)>();
        await foreach (var item in _container.GetBlobsAsync(BlobTraits.Metadata, BlobStates.None, path.Prefix, shutdown.Stopping))
        {
            if (path.Match(item.Name) is not { } parts || item.Properties.ETag is not { } etag)
                continue;
            seen.Add(item.Name);
            if (!_known.TryGetValue(item.Name, out var known) || known.Wants(etag))
                found.Add((item, parts, etag));
        }
        foreach (var gone in _known.Where(k => !seen.Contains(k.Key) && k.Value.Running.IsCompleted).Select(k => k.Key).ToList())
            _known.Remove(gone);

        foreach (var (item, parts, etag) in found.OrderByDescending(f => f.Item.Properties.LastModified))
        {
            var known = _known.TryGetValue(item.Name, out var same) && same.ETag == etag
                ? same
                : _known[item.Name] = new Known(etag) { Receipt = await Stored(item.Name, etag) };
            if (known.Receipt.Done)
                continue;
            await Slot();
            known.Running = Task.Run(() => Process(known, item, parts));
            _running.Add(known.Running);
        }
        // What the listing at the start said has now been taken over, blob by blob.
        _stored.Clear();
    }

    private async Task Slot()
    {
        _running.RemoveAll(t => t.IsCompleted);
        while (_running.Count >= host.Blobs.MaxDegreeOfParallelism)
        {
            await Task.WhenAny(_running).WaitAsync(shutdown.Stopping);
            _running.RemoveAll(t => t.IsCompleted);
        }
    }

    private async Task<Receipt> Stored(string name, ETag etag)
        => _stored.TryGetValue(_receipts.NameOf(name, etag), out var receipt)
            ? receipt
            : await _receipts.Read(name, etag, shutdown.Stopping);

    private async Task Process(Known known, BlobItem item, Dictionary<string, string> parts)
    {
        try
        {
            known.Receipt = await Handle(known, new BlobEvent(_container, item.Name, known.ETag), item, parts);
        }
        catch (Exception e)
        {
            // No receipt: it runs again, after a pause.
            if (!shutdown.Stopping.IsCancellationRequested)
                logger.LogWarning(e, "Blob {Container}/{Blob} could not be settled; it will be tried again", path.Container, item.Name);
            known.Pause(known.Receipt.Tries + 1, host.Blobs.Poll);
        }
    }

    private async Task<Receipt> Handle(Known known, BlobEvent blob, BlobItem item, Dictionary<string, string> parts)
    {
        if (shutdown.Stopping.IsCancellationRequested)
            return known.Receipt;
        try
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(shutdown.Abort);
            if (host.FunctionTimeout is { } timeout)
                cancel.CancelAfter(timeout);
            await using var scope = scopes.CreateAsyncScope();
            using var invocation = new Invocation(function, scope.ServiceProvider, blob, BlobBinding.Data(blob, item, parts), cancel.Token);
            await executor.Run(invocation);
        }
        catch (Exception) when (shutdown.Abort.IsCancellationRequested)
        {
            // Cut off by the end of the host: not the blob's fault, so it does not count as a try.
            return known.Receipt;
        }
        catch (Exception)
        {
            // The executor has logged it.
            return await Failed(known, blob);
        }
        var done = known.Receipt with { Done = true };
        await Persist(blob, done);
        return done;
    }

    private async Task<Receipt> Failed(Known known, BlobEvent blob)
    {
        var receipt = new Receipt(known.Receipt.Tries + 1, known.Receipt.Tries + 1 >= host.Blobs.PoisonThreshold);
        // The message comes first: a crash in between leaves two messages, never none.
        if (receipt.Done)
            await Poison(blob, receipt.Tries);
        await Persist(blob, receipt);
        known.Pause(receipt.Tries, host.Blobs.Poll);
        return receipt;
    }

    private async Task Persist(BlobEvent blob, Receipt receipt)
    {
        var health = new StorageHealth($"Receipt of {blob.Path} for {function.Name}", logger);
        while (true)
        {
            try
            {
                await _receipts.Write(blob.Name, blob.ETag, receipt, shutdown.Abort);
                health.Worked();
                return;
            }
            catch (Exception e) when (StorageHealth.IsOutage(e) && !shutdown.Abort.IsCancellationRequested)
            {
                // The function has run. Rather wait here than run it again because storage was away for a moment.
                await Task.Delay(health.Failed(e), shutdown.Abort);
            }
        }
    }

    private async Task Poison(BlobEvent blob, int tries)
    {
        var queue = storage.Queue(((BlobTriggerAttribute)function.Trigger).Connection, PoisonQueue);
        await queue.CreateIfNotExistsAsync(cancellationToken: shutdown.Abort);
        var message = JsonSerializer.Serialize(new
        {
            Type = "BlobTrigger",
            FunctionId = function.Definition.Id,
            BlobType = "BlockBlob",
            ContainerName = path.Container,
            BlobName = blob.Name,
            ETag = blob.ETag.ToString(),
        });
        var text = host.Queues.Base64 ? Convert.ToBase64String(Encoding.UTF8.GetBytes(message)) : message;
        await queue.SendMessageAsync(text, timeToLive: TimeSpan.FromSeconds(-1), cancellationToken: shutdown.Abort);
        logger.LogError("Blob {Blob} was given up by {Function} after {Tries} tries; a message is in {PoisonQueue}", blob.Path, function.Name, tries, PoisonQueue);
    }

    /// <summary>One version of a blob. Written by its run, read by the scan when the run has ended.</summary>
    private sealed class Known(ETag etag)
    {
        private long _notBefore;

        public ETag ETag { get; } = etag;

        public Receipt Receipt { get; set; }

        public Task Running { get; set; } = Task.CompletedTask;

        /// <summary>Whether the scan has something to do: a new version, or another try; never while a run is under way.</summary>
        public bool Wants(ETag newest)
            => Running.IsCompleted && (newest != ETag || (!Receipt.Done && Environment.TickCount64 >= _notBefore));

        /// <summary>The next try waits longer each time, up to a minute: what the function needs may be away for a moment.</summary>
        public void Pause(int tries, TimeSpan poll)
            => _notBefore = Environment.TickCount64 + (long)Math.Min(poll.TotalMilliseconds * Math.Pow(2, tries - 1), 60_000);
    }
}
