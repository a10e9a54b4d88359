using System.Diagnostics;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Delivery;

/// <summary>
/// Collects receipts of the same batch across the invocations that run at once in this process, so that a batch of a
/// hundred messages is rewritten two or three times and not once per queue message that mentions it. An invocation
/// returns when all its receipts are committed, and not before: until then its queue message is not deleted.
/// </summary>
/// <remarks>
/// A batch is due when receipts for all its messages may be there, when its first receipt has waited for the window, or
/// when nothing new has come for a moment. The last rule matters most: the host runs a limited number of invocations, and
/// when all of them wait here, nothing more can come and waiting on is idle.
/// </remarks>
public sealed class ReceiptWindow
{
    private const int Tick = 15;

    /// <summary>Nothing new for so long: what is there is written.</summary>
    private const int QuietMilliseconds = 120;

    /// <summary>With more invocations waiting than this the host fetches no more messages (newBatchThreshold in host.json).</summary>
    private const int Crowd = 8;
    private const int CrowdQuietMilliseconds = 30;

    private readonly Lock gate = new();
    private readonly Func<IReadOnlyDictionary<string, IReadOnlyList<Receipt>>, Task> commit;
    private readonly TimeSpan window;
    private Dictionary<string, Bucket> open = [];
    private static readonly TimeSpan CrowdedFor = TimeSpan.FromSeconds(5);

    private long lastArrival;
    private long crowdedAt;
    private int waiting;
    private bool running;

    public ReceiptWindow(ReceiptFolder folder, IOptions<DeliveryOptions> options)
        : this(folder.CommitAsync, options.Value.ReceiptWindow)
    {
    }

    internal ReceiptWindow(Func<IReadOnlyDictionary<string, IReadOnlyList<Receipt>>, Task> commit, TimeSpan window)
    {
        this.commit = commit;
        this.window = window;
    }

    private sealed class Bucket
    {
        public readonly long Since = Stopwatch.GetTimestamp();
        public readonly List<Receipt> Receipts = [];

        /// <summary>Of the invocations whose receipts these are.</summary>
        public readonly HashSet<ActivityContext> Traces = [];
        public readonly TaskCompletionSource Committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>As much comes as the host hands over at a time, now or a moment ago.</summary>
    public bool IsBusy
    {
        get
        {
            lock (gate)
            {
                return crowdedAt != 0 && Stopwatch.GetElapsedTime(crowdedAt) < CrowdedFor;
            }
        }
    }

    /// <param name="byBatch">Receipts by the id of their batch.</param>
    public async Task AddAsync(ILookup<string, Receipt> byBatch, CancellationToken cancellation)
    {
        var mine = new List<Task>();
        lock (gate)
        {
            foreach (var receipts in byBatch)
            {
                if (!open.TryGetValue(receipts.Key, out var bucket))
                {
                    open[receipts.Key] = bucket = new();
                }

                bucket.Receipts.AddRange(receipts);
                bucket.Traces.Add(Activity.Current?.Context ?? default);
                mine.Add(bucket.Committed.Task);
            }

            waiting++;
            lastArrival = Stopwatch.GetTimestamp();
            crowdedAt = waiting > Crowd ? lastArrival : crowdedAt;
            if (!running)
            {
                running = true;
                using (ExecutionContext.SuppressFlow())
                {
                    // It outlives this invocation and works for others: their traces are their buckets'.
                    _ = Task.Run(RunAsync, CancellationToken.None);
                }
            }
        }

        try
        {
            await Task.WhenAll(mine).WaitAsync(cancellation);
        }
        finally
        {
            lock (gate)
            {
                waiting--;
            }
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            await Task.Delay(Tick);
            Dictionary<string, Bucket> due;
            lock (gate)
            {
                due = TakeDue();
                if (due.Count == 0 && open.Count == 0)
                {
                    running = false;
                    return;
                }
            }

            if (due.Count > 0)
            {
                _ = CommitAsync(due);
            }
        }
    }

    private Dictionary<string, Bucket> TakeDue()
    {
        var quiet = Stopwatch.GetElapsedTime(lastArrival).TotalMilliseconds >= (waiting > Crowd ? CrowdQuietMilliseconds : QuietMilliseconds);
        var due = quiet
            ? open
            : open.Where(b => b.Value.Receipts.Count >= Batch.MaxRecipients || Stopwatch.GetElapsedTime(b.Value.Since) >= window).ToDictionary();
        if (quiet)
        {
            open = [];
        }
        else
        {
            foreach (var id in due.Keys)
            {
                open.Remove(id);
            }
        }

        return due;
    }

    private async Task CommitAsync(Dictionary<string, Bucket> due)
    {
        using var activity = AppTelemetry.Follow("CommitReceipts", [.. due.Values.SelectMany(b => b.Traces).Distinct()]);
        try
        {
            await commit(due.ToDictionary(b => b.Key, b => (IReadOnlyList<Receipt>)b.Value.Receipts));
            foreach (var bucket in due.Values)
            {
                bucket.Committed.TrySetResult();
            }
        }
        catch (Exception exception)
        {
            // Some may be committed: their queue messages come again, and folding does not mind.
            foreach (var bucket in due.Values)
            {
                bucket.Committed.TrySetException(exception);
            }
        }
    }
}
