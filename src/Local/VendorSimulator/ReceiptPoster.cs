using System.Threading.Channels;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>
/// Holds receipts until they are due, groups them into posts and repeats each post until it is answered with 2xx.
/// </summary>
internal sealed class ReceiptPoster : IAsyncDisposable
{
    private static readonly TimeSpan GroupFor = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(2);

    private readonly VendorOptions _options;
    private readonly MessageBook _book;
    private readonly TimeProvider _time;
    private readonly Func<TimeSpan> _outageLeft;
    private readonly Action<string> _log;
    private readonly WebhookSigner _signer;
    private readonly HttpClient _http;
    private readonly PriorityQueue<Receipt, long> _schedule = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _sooner = new(0);
    private readonly Channel<List<Receipt>> _groups;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _tasks;
    private long _wakeAtMs = long.MaxValue;
    private long _failedPosts;

    public ReceiptPoster(VendorOptions options, MessageBook book, TimeProvider time, Func<TimeSpan> outageLeft, Action<string> log)
    {
        _options = options;
        _book = book;
        _time = time;
        _outageLeft = outageLeft;
        _log = log;
        _signer = new WebhookSigner(options.ReceiptSecret);
        _http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = options.ConcurrentPosts, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), AllowAutoRedirect = false })
        {
            Timeout = TimeSpan.FromSeconds(30),
        };
        // Bounded: what does not fit stays in the schedule, which is smaller.
        _groups = Channel.CreateBounded<List<Receipt>>(new BoundedChannelOptions(options.ConcurrentPosts) { SingleWriter = true });
        _tasks = [Task.Run(GroupAsync), .. Enumerable.Range(0, options.ConcurrentPosts).Select(_ => Task.Run(PostGroupsAsync))];
    }

    /// <summary>Receipts for messages accepted at a time; they leave after the delay of each.</summary>
    public void Schedule(IReadOnlyList<Receipt> receipts, long acceptedMs)
    {
        if (receipts.Count == 0)
            return;
        lock (_lock)
        {
            foreach (var receipt in receipts)
            {
                var delay = new Outcome(receipt.Key, _options).Delay;
                // A `sent` leaves half-way; with reordering it may still arrive after the final one.
                _schedule.Enqueue(receipt, acceptedMs + (long)(receipt.Kind == ReceiptKind.Sent ? delay / 2 + _options.Reorder / 4 : delay).TotalMilliseconds);
            }
        }
        WakeIfSooner();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_tasks);
        _http.Dispose();
        _stop.Dispose();
        _sooner.Dispose();
    }

    private void ScheduleAt(Receipt receipt, long dueMs)
    {
        lock (_lock)
            _schedule.Enqueue(receipt, dueMs);
        WakeIfSooner();
    }

    private void WakeIfSooner()
    {
        lock (_lock)
        {
            if (_schedule.TryPeek(out _, out var due) && due < _wakeAtMs && _sooner.CurrentCount == 0)
                _sooner.Release();
        }
    }

    private async Task GroupAsync()
    {
        // Groups by address: one vendor account usually has one, a test may have several.
        var open = new Dictionary<string, (List<Receipt> Receipts, long LeaveAtMs)>();
        var due = new List<Receipt>();
        try
        {
            while (true)
            {
                var nowMs = NowMs();
                TakeDue(nowMs, due);
                foreach (var receipt in due)
                {
                    if (!open.TryGetValue(receipt.Url, out var group))
                        open[receipt.Url] = group = ([], nowMs + (long)GroupFor.TotalMilliseconds);
                    group.Receipts.Add(receipt);
                    if (group.Receipts.Count == _options.ReceiptsPerPost)
                    {
                        open.Remove(receipt.Url);
                        await _groups.Writer.WriteAsync(group.Receipts, _stop.Token);
                    }
                }
                foreach (var (url, group) in open.Where(g => g.Value.LeaveAtMs <= nowMs).ToArray())
                {
                    open.Remove(url);
                    await _groups.Writer.WriteAsync(group.Receipts, _stop.Token);
                }
                if (due.Count == 0)
                    await SleepAsync(open.Count == 0 ? long.MaxValue : open.Values.Min(g => g.LeaveAtMs));
                due.Clear();
            }
        }
        catch (OperationCanceledException)
        {
            _groups.Writer.TryComplete();
        }
    }

    /// <summary>Takes at most 4,096 receipts that are due; a lost one goes back until it is sent again.</summary>
    private void TakeDue(long nowMs, List<Receipt> due)
    {
        lock (_lock)
        {
            while (due.Count < 4096 && _schedule.TryPeek(out var receipt, out var at) && at <= nowMs)
            {
                _schedule.Dequeue();
                if (receipt.Kind == ReceiptKind.Final)
                    _book.Settle(receipt.Key);
                if (!receipt.LostBefore && receipt.Kind == ReceiptKind.Final && new Outcome(receipt.Key, _options).Lost)
                    _schedule.Enqueue(receipt with { LostBefore = true }, nowMs + (long)_options.LossResend.TotalMilliseconds);
                else
                    due.Add(receipt);
            }
        }
    }

    private async Task SleepAsync(long untilMs)
    {
        lock (_lock)
        {
            _wakeAtMs = _schedule.TryPeek(out _, out var due) ? Math.Min(due, untilMs) : untilMs;
        }
        var wait = _wakeAtMs == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Clamp(_wakeAtMs - NowMs(), 1, 60_000));
        await _sooner.WaitAsync(wait, _stop.Token);
        lock (_lock)
            _wakeAtMs = long.MinValue; // awake: nothing is sooner
    }

    private async Task PostGroupsAsync()
    {
        try
        {
            await foreach (var group in _groups.Reader.ReadAllAsync(_stop.Token))
            {
                await PostUntilAcknowledgedAsync(group);
                _book.Acknowledge(group);
                Duplicate(group);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: what was not acknowledged is posted by the next process.
        }
    }

    private async Task PostUntilAcknowledgedAsync(List<Receipt> group)
    {
        var body = ReceiptJson.Write(group, _options, _time.GetUtcNow());
        var id = WebhookSigner.NewId();
        for (var attempt = 0; ; attempt++)
        {
            if (_outageLeft() is var left && left > TimeSpan.Zero)
                await Task.Delay(left, _time, _stop.Token);
            _book.Posted(group.Count);
            var (status, retryAfter) = await PostAsync(group[0].Url, id, body);
            if (status is >= 200 and < 300)
                return;
            if (Interlocked.Increment(ref _failedPosts) is 1 or 10 or 100 or 1000)
                _log($"{Volatile.Read(ref _failedPosts)} posts of receipts not acknowledged; the last was answered {(status?.ToString() ?? "not at all")} by {group[0].Url}");
            var backOff = TimeSpan.FromMilliseconds(100 * Math.Pow(2, Math.Min(attempt, 5)));
            await Task.Delay(retryAfter is { } asked && asked < MaxBackOff ? asked : backOff < MaxBackOff ? backOff : MaxBackOff, _time, _stop.Token);
        }
    }

    private async Task<(int? Status, TimeSpan? RetryAfter)> PostAsync(string url, string id, byte[] body)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=utf-8");
            _signer.Sign(request.Headers, id, _time.GetUtcNow(), body);
            using var response = await _http.SendAsync(request, _stop.Token);
            return ((int)response.StatusCode, response.Headers.RetryAfter?.Delta);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !_stop.IsCancellationRequested)
        {
            return (null, null);
        }
    }

    private void Duplicate(List<Receipt> group)
    {
        if (_options.DuplicatePercent == 0)
            return;
        foreach (var receipt in group)
        {
            if (receipt.Kind == ReceiptKind.Final && new Outcome(receipt.Key, _options).Duplicated)
                ScheduleAt(receipt with { Kind = ReceiptKind.Duplicate }, NowMs() + 200);
        }
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
