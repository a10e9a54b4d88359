using System.Diagnostics;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The writer: one thread that takes whatever has been asked for since it last looked, checks it, appends it to the log in
/// one write and one flush, shows it to readers and answers. While it waits for the disk the next group gathers, so the
/// cost of a flush is shared by all who write at the same time.
/// </summary>
internal sealed partial class Store
{
    private const int MaxGroupBytes = 16 * 1024 * 1024;
    private const int PurgePerTick = 10_000;
    private const int MinAnswersPerThread = 4;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread _writer;
    private readonly LogDirectory? _directory;
    private readonly Dictionary<uint, long> _purgeCursors = [];
    private readonly Queue<(ItemVersion Version, long Since)> _replaced = [];
    private List<WriteRequest> _queue = [];
    private LogFile? _log;
    private bool _stopping;
    private bool _stopped;

    /// <summary>Queues operations on items; their outcome is in them when the task ends.</summary>
    public Task Write(Items.ItemRequest request)
    {
        Enqueue(request);
        return request.Done;
    }

    /// <summary>Ends the writer after what has been asked for is done.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
        }

        _wake.Release();
        _writer.Join();
        _compaction?.Wait();
        _log?.Dispose();
        _directory?.Dispose();
        _wake.Dispose();
    }

    private Task Exclusive(Func<LogBuffer, Action> prepare)
    {
        var request = new ExclusiveRequest(prepare);
        Enqueue(request);
        return request.Done;
    }

    private void Enqueue(WriteRequest request)
    {
        bool first;
        lock (_gate)
        {
            if (_stopped || _stopping)
            {
                request.End(new EmulatorException(503, "The emulator is shutting down."));
                return;
            }

            first = _queue.Count == 0;
            _queue.Add(request);
        }

        if (first)
        {
            _wake.Release();
        }
    }

    private void RunWriter()
    {
        var group = new WriteGroup(this);
        var taken = new List<WriteRequest>();
        var lastTick = Stopwatch.GetTimestamp();
        while (true)
        {
            _wake.Wait(Tick);
            lock (_gate)
            {
                (_queue, taken) = (taken, _queue);
                if (taken.Count == 0 && _stopping)
                {
                    _stopped = true;
                    return;
                }
            }

            DropReplaced();
            Process(group, taken);
            taken.Clear();
            if (Stopwatch.GetElapsedTime(lastTick) >= Tick)
            {
                Purge(group);
                CompactIfWorthwhile();
                lastTick = Stopwatch.GetTimestamp();
            }
        }
    }

    private void Process(WriteGroup group, List<WriteRequest> requests)
    {
        group.Begin();
        foreach (var request in requests)
        {
            if (request is Items.ItemRequest items)
            {
                group.Stage(items);
                if (group.Log.Length > MaxGroupBytes)
                {
                    Commit(group);
                }
            }
            else
            {
                Commit(group);
                Run((ExclusiveRequest)request, group.Log);
                group.Begin();
            }
        }

        Commit(group);
    }

    private void Commit(WriteGroup group)
    {
        if (!group.IsEmpty)
        {
            try
            {
                Append(group.Log);
                group.Apply(version => _replaced.Enqueue((version, Stopwatch.GetTimestamp())));
            }
            catch (EmulatorException error)
            {
                group.Fail(error);
            }
        }

        group.Begin();
    }

    private void Run(ExclusiveRequest request, LogBuffer log)
    {
        try
        {
            log.Truncate(0);
            var frame = log.BeginFrame();
            var apply = request.Prepare(log);
            if (log.Length == LogRecords.FrameHeader)
            {
                log.Truncate(0);
            }
            else
            {
                log.EndFrame(frame);
                Append(log);
            }

            apply();
            Answer([request], null);
        }
        catch (Exception error)
        {
            Answer([request], error);
        }
    }

    /// <summary>
    /// Lets those who wait for a group go on: on as many threads of the pool as there are cores, each taking a share. A thread
    /// woken for every single answer cost more than the answer.
    /// </summary>
    public static void Answer(WriteRequest[] requests, Exception? error)
    {
        var share = Math.Max(MinAnswersPerThread, (requests.Length + Environment.ProcessorCount - 1) / Environment.ProcessorCount);
        for (var from = 0; from < requests.Length; from += share)
        {
            var part = new ArraySegment<WriteRequest>(requests, from, Math.Min(share, requests.Length - from));
            ThreadPool.UnsafeQueueUserWorkItem(
                static answers =>
                {
                    foreach (var request in answers.Part)
                    {
                        request.End(answers.Error);
                    }
                },
                (Part: part, Error: error), preferLocal: false);
        }
    }

    private void Append(LogBuffer log)
    {
        if (_log is null || log.Length == 0)
        {
            return;
        }

        try
        {
            _log.Append(log.Written);
        }
        catch (Exception error)
        {
            // Not only IOException: .NET reports a file that may not grow further as an ArgumentOutOfRangeException.
            _options.Messages.WriteLine($"The log could not be written: {error.Message}");
            throw new EmulatorException(503, $"The write could not be made durable and has no effect: {error.Message}");
        }
    }

    /// <summary>Forgets versions that were replaced long enough ago that no read still needs them.</summary>
    private void DropReplaced()
    {
        while (_replaced.TryPeek(out var oldest) && Stopwatch.GetElapsedTime(oldest.Since) >= Tick)
        {
            oldest.Version.Previous = null;
            _replaced.Dequeue();
        }
    }

    /// <summary>Removes expired items, a slice of each container a second: readers do not see them anyway.</summary>
    private void Purge(WriteGroup group)
    {
        foreach (var container in _catalog.Values.SelectMany(d => d.Containers.Values))
        {
            if (container.Definition.DefaultTtl is not { } ttl)
            {
                continue;
            }

            var items = container.View.ByRid;
            var from = items.Rank(new RidBound(_purgeCursors.GetValueOrDefault(container.Number)));
            var to = Math.Min(from + PurgePerTick, items.Count);
            var now = UnixNow;
            long last = 0;
            var expired = new List<Item>();
            foreach (var item in items.Ascending(from, to))
            {
                last = item.Rid;
                if (item.Current.IsExpired(ttl, now))
                {
                    expired.Add(item);
                }
            }

            _purgeCursors[container.Number] = to == items.Count ? 0 : last;
            if (expired.Count > 0)
            {
                group.Begin();
                group.StagePurge(container, expired);
                Commit(group);
            }
        }
    }
}
