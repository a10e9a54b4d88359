using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Hosting;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace XenoCrm.Local.FunctionsRuntime.Timers;

/// <summary>
/// Runs a timer function on its schedule, in one instance at a time. The status in storage is moved on after each run:
/// a run that a crash cut off, or that nobody was there for, is past due at the next start.
/// </summary>
internal sealed class TimerListener(
    Function function,
    TimerTriggerAttribute trigger,
    TimerSchedule schedule,
    StorageClients storage,
    HostSettings host,
    FunctionExecutor executor,
    IServiceScopeFactory scopes,
    TimeProvider time,
    Shutdown shutdown,
    ILogger<TimerListener> logger) : ITriggerListener
{
    /// <summary>How often an instance that is not the one asks whether it can be.</summary>
    private static readonly TimeSpan s_acquire = TimeSpan.FromSeconds(2);

    /// <summary>A timer of the platform cannot wait for longer at once.</summary>
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromDays(1);

    private readonly TimerStatusStore _store = new(storage.Host, host.HostId, function.Definition.Id);
    private readonly StorageHealth _health = new($"Timer {function.Name}", logger);
    private bool _ranOnStartup;
    private ScheduleStatus? _status;

    public Function Function => function;

    public string Describe() => schedule.Text;

    public async Task Run()
    {
        while (!shutdown.Stopping.IsCancellationRequested)
        {
            var wait = s_acquire;
            try
            {
                await using var lease = await SingletonLease.TryAcquire(
                    storage.Host, $"locks/{host.HostId}/{function.Definition.Id}.Listener", shutdown.Stopping);
                _health.Worked();
                if (lease is not null)
                    await RunWhile(lease);
            }
            catch (Exception) when (shutdown.Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException)
            {
                logger.LogWarning("Timer {Function}: the singleton lease was lost; another instance may run it now", function.Name);
            }
            catch (Exception e)
            {
                wait = _health.Failed(e);
            }
            await Task.Delay(wait, time, shutdown.Stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task RunWhile(SingletonLease lease)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(lease.Lost, shutdown.Stopping);
        _status = trigger.UseMonitor ? await _store.Read(waiting.Token) : null;
        var now = Now();
        var next = schedule.Next(now);
        if (IsCurrent(_status) && _status!.Next < now)
            next = await RunAndRecord(_status.Next, isPastDue: true, lease, waiting.Token);
        else if (trigger.RunOnStartup && !_ranOnStartup)
            next = await RunAndRecord(now, isPastDue: false, lease, waiting.Token);
        else if (!IsCurrent(_status) && next is { } first)
            // A new timer, or one whose schedule has changed: nothing is past due, but from here on it can be.
            await Record(last: _status?.Last ?? default, next: first, updated: now, waiting.Token);
        _ranOnStartup = true;

        while (next is { } due)
        {
            await Until(due, waiting.Token);
            next = await RunAndRecord(due, isPastDue: false, lease, waiting.Token);
        }
        // A schedule that has no occurrence any more (31 February).
        await Task.Delay(Timeout.InfiniteTimeSpan, waiting.Token);
    }

    /// <summary>Whether a stored status belongs to the schedule that the function has now.</summary>
    private bool IsCurrent(ScheduleStatus? status)
        => status is not null && schedule.Next(status.Last > status.LastUpdated ? status.Last : status.LastUpdated) == status.Next.ToUniversalTime();

    private async Task<DateTime?> RunAndRecord(DateTime due, bool isPastDue, SingletonLease lease, CancellationToken waiting)
    {
        var info = new TimerInfo { IsPastDue = isPastDue, ScheduleStatus = trigger.UseMonitor ? _status ?? new ScheduleStatus() : null };
        if (!await RunWithRetries(info, lease, waiting))
            throw new OperationCanceledException("The host stops or the lease is lost; the run is made up for later.");

        // From the later of the two: a timer that fires a millisecond early must not run the same second twice.
        var now = Now();
        var ran = now > due ? now : due;
        var next = schedule.Next(ran);
        if (next is { } upcoming)
            await Record(ran, upcoming, ran, lease.Lost);
        return next;
    }

    private async Task Record(DateTime last, DateTime next, DateTime updated, CancellationToken token)
    {
        if (!trigger.UseMonitor)
            return;
        _status = new ScheduleStatus { Last = last, Next = next, LastUpdated = updated };
        await _store.Write(_status, token);
    }

    /// <summary>False when the run was cut off; a run that failed, retries included, has had its turn.</summary>
    private async Task<bool> RunWithRetries(TimerInfo info, SingletonLease lease, CancellationToken waiting)
    {
        for (var retry = 0; ; retry++)
        {
            try
            {
                using var cancel = CancellationTokenSource.CreateLinkedTokenSource(shutdown.Abort, lease.Lost);
                if (host.FunctionTimeout is { } timeout)
                    cancel.CancelAfter(timeout);
                await using var scope = scopes.CreateAsyncScope();
                using var invocation = new Invocation(function, scope.ServiceProvider, info, Data(info), cancel.Token) { RetryCount = retry };
                await executor.Run(invocation);
                return true;
            }
            catch (Exception) when (shutdown.Abort.IsCancellationRequested || lease.Lost.IsCancellationRequested)
            {
                return false;
            }
            catch (Exception)
            {
                // The executor has logged it.
                if (function.Retry is not { } policy || (policy.MaxRetryCount >= 0 && retry >= policy.MaxRetryCount))
                    return true;
                await Until(Now() + policy.DelayBefore(retry + 1), waiting);
            }
        }
    }

    private async Task Until(DateTime due, CancellationToken token)
    {
        for (var left = due - Now(); left > TimeSpan.Zero; left = due - Now())
            await Task.Delay(left < s_longestDelay ? left : s_longestDelay, time, token);
        token.ThrowIfCancellationRequested();
    }

    private DateTime Now() => time.GetUtcNow().UtcDateTime;

    private static Dictionary<string, object?> Data(TimerInfo info) => new(StringComparer.OrdinalIgnoreCase)
    {
        ["TimerTrigger"] = System.Text.Json.JsonSerializer.Serialize(info),
    };
}
