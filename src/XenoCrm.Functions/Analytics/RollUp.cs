using System.Collections.Concurrent;
using System.Text.Json.Serialization;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Analytics;

/// <summary>Figures that were computed from the items themselves, and when.</summary>
/// <param name="Id">What they are of: a month, a zone's month, a segment.</param>
/// <param name="ComputedAt">When the computation began: whatever was written before is in it.</param>
public sealed record RollUp<T>(string Id, string Kind, DateTimeOffset ComputedAt, T? Value) : IWorkspaceItem
    where T : class
{
    /// <summary>Seconds until it goes by itself; null: it stays.</summary>
    [JsonPropertyName("ttl")]
    public int? Life { get; init; }
}

/// <summary>The queue message: compute a roll-up anew, unless that was done since.</summary>
/// <param name="Key">Null: all of the kind that there are.</param>
public sealed record RefreshRollUp(string Kind, string? Key, DateTimeOffset AskedAt)
{
    public const string Queue = "analytics-refresh";
}

/// <summary>A kind of roll-ups, for the job that refreshes them.</summary>
public interface IRollUps
{
    string Kind { get; }

    /// <summary>Computes it, unless it was computed since.</summary>
    Task RefreshAsync(string key, DateTimeOffset askedAt, CancellationToken cancellation);

    /// <summary>What the nightly job keeps ready.</summary>
    Task<IReadOnlyList<string>> KeysAsync(CancellationToken cancellation);
}

/// <summary>What all kinds of roll-ups use.</summary>
public sealed class RollUpTools(CosmosDatabase database, JobQueue queue, TimeProvider clock, IOptions<AnalyticsOptions> options, ILogger<RollUpTools> log) : IDisposable
{
    private const int AtOnce = 4;

    private readonly ConcurrentDictionary<string, SemaphoreSlim> turns = new();

    public CosmosDatabase Database => database;

    public JobQueue Queue => queue;

    public TimeProvider Clock => clock;

    public AnalyticsOptions Options => options.Value;

    public ILogger Log => log;

    /// <summary>Computations of a kind at a time, on one instance: each is queries over a part of the customers. Dashboards do not wait for cohorts.</summary>
    public SemaphoreSlim TurnOf(string kind) => turns.GetOrAdd(kind, _ => new(AtOnce));

    public void Dispose()
    {
        foreach (var turn in turns.Values)
        {
            turn.Dispose();
        }
    }
}

/// <summary>
/// Figures kept under keys. One is never changed but always computed anew from the items as they are: refunds, deletions,
/// merges, erasures and late orders need no bookkeeping, nothing can drift, and a crash at any point leaves the former
/// one. Whoever finds one that is old gets it, with its time, and has it computed in the background.
/// </summary>
public abstract class RollUps<T>(RollUpTools tools, string kind) : IRollUps
    where T : class
{
    /// <summary>In one query of what is stored.</summary>
    private const int ReadAtOnce = 200;

    /// <summary>Remembered; beyond it some are asked for once too often.</summary>
    private const int MaxAsked = 10_000;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMinutes(1);

    private readonly WorkspaceStore<RollUp<T>> store = new(tools.Database, kind);
    private readonly Lock gate = new();
    private readonly Dictionary<string, Task<RollUp<T>>> running = [];
    private readonly Dictionary<string, Task<RollUp<T>>> next = [];
    private readonly Dictionary<string, DateTimeOffset> asked = [];

    public string Kind => kind;

    protected RollUpTools Tools => tools;

    protected abstract Task<T> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation);

    /// <summary>Older ones are refreshed when they are asked for.</summary>
    protected virtual TimeSpan MaxAge(string key) => tools.Options.MaxAge;

    /// <summary>After so long one that nobody asked for any more goes; null: never.</summary>
    protected virtual TimeSpan? Life(string key) => null;

    /// <summary>Kept ready besides those that there are.</summary>
    protected virtual IEnumerable<string> Usual() => [];

    /// <summary>One for each key, in their order.</summary>
    /// <param name="fresh">Computed after this call, and not before.</param>
    public async Task<IReadOnlyList<RollUp<T>>> ReadAsync(IReadOnlyCollection<string> keys, bool fresh, CancellationToken cancellation)
    {
        var found = fresh ? [] : await StoredAsync(keys, cancellation);
        var missing = keys.Where(k => !found.ContainsKey(k)).Distinct().ToList();
        var computing = Task.WhenAll(missing.Select(key => ComputedAsync(key, fresh)));
        try
        {
            foreach (var computed in await computing.WaitAsync(tools.Options.Patience, tools.Clock, cancellation))
            {
                found[computed.Id] = computed;
            }
        }
        catch (TimeoutException)
        {
            throw new FiguresNotReady { RetryAfterSeconds = 5 }.ToException();
        }

        foreach (var rollUp in found.Values)
        {
            await AskForNewerAsync(rollUp, cancellation);
        }

        return [.. keys.Select(k => found[k])];
    }

    public async Task RefreshAsync(string key, DateTimeOffset askedAt, CancellationToken cancellation)
    {
        if (await store.ReadAsync(key, cancellation) is not { Value: { Value: not null } known } || known.ComputedAt < askedAt)
        {
            await ComputedAsync(key, fresh: true).WaitAsync(cancellation);
        }
    }

    public async Task<IReadOnlyList<string>> KeysAsync(CancellationToken cancellation)
    {
        var keys = new HashSet<string>(Usual());
        await foreach (var rollUp in store.QueryAsync(new("SELECT c.id, c.kind, c.computedAt, c.ttl FROM c"), cancellation))
        {
            // Those with a life are of whoever asked; they go when nobody does.
            if (rollUp.Value.Life is null)
            {
                keys.Add(rollUp.Value.Id);
            }
        }

        return [.. keys];
    }

    private async Task<Dictionary<string, RollUp<T>>> StoredAsync(IReadOnlyCollection<string> keys, CancellationToken cancellation)
    {
        var found = new Dictionary<string, RollUp<T>>(keys.Count);
        if (keys.Count == 1)
        {
            if (await store.ReadAsync(keys.First(), cancellation) is { Value: { Value: not null } only })
            {
                found[only.Id] = only;
            }

            return found;
        }

        foreach (var some in keys.Chunk(ReadAtOnce))
        {
            await foreach (var rollUp in store.QueryAsync(new QueryDefinition("SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.id)").WithParameter("@ids", some), cancellation))
            {
                found[rollUp.Value.Id] = rollUp.Value;
            }
        }

        return found;
    }

    /// <summary>
    /// One computation of a key at a time, shared by all who wait for it. Whoever wants fresh figures cannot share one that has
    /// begun already, which may have read before what they know of: they share the next.
    /// </summary>
    private Task<RollUp<T>> ComputedAsync(string key, bool fresh)
    {
        lock (gate)
        {
            if (!running.TryGetValue(key, out var begun))
            {
                return running[key] = Task.Run(() => ComputeAndStoreAsync(key));
            }

            return !fresh ? begun : next.TryGetValue(key, out var waiting) ? waiting : next[key] = NextAsync(begun, key);
        }
    }

    private async Task<RollUp<T>> NextAsync(Task<RollUp<T>> before, string key)
    {
        await ((Task)before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        Task<RollUp<T>> computing;
        lock (gate)
        {
            // Somebody may have come between, after the one before had ended: theirs began after this was asked for, too.
            next.Remove(key);
            computing = ComputedAsync(key, fresh: false);
        }

        return await computing;
    }

    private async Task<RollUp<T>> ComputeAndStoreAsync(string key)
    {
        try
        {
            await tools.TurnOf(kind).WaitAsync();
            try
            {
                var now = tools.Clock.GetUtcNow();
                var computed = new RollUp<T>(key, kind, now, await ComputeAsync(key, now, CancellationToken.None)) { Life = Life(key) is { } life ? (int)life.TotalSeconds : null };
                await StoreAsync(computed);
                return computed;
            }
            finally
            {
                tools.TurnOf(kind).Release();
            }
        }
        finally
        {
            lock (gate)
            {
                running.Remove(key);
            }
        }
    }

    /// <summary>Unless another instance has stored a later one meanwhile.</summary>
    private async Task StoreAsync(RollUp<T> computed)
    {
        try
        {
            while (true)
            {
                var known = await store.ReadAsync(computed.Id, CancellationToken.None);
                if (known?.Value.ComputedAt > computed.ComputedAt
                    || (known is null ? await store.TryCreateAsync(computed, CancellationToken.None) : await store.TryReplaceAsync(computed, known.ETag, CancellationToken.None)) is not null)
                {
                    return;
                }
            }
        }
        catch (CosmosException exception) when (exception.StatusCode == System.Net.HttpStatusCode.RequestEntityTooLarge)
        {
            // An item takes 2 MB: thousands of campaigns in one month. They are answered, and counted again the next time.
            tools.Log.LogTooLarge(kind, computed.Id);
        }
    }

    private async Task AskForNewerAsync(RollUp<T> rollUp, CancellationToken cancellation)
    {
        var now = tools.Clock.GetUtcNow();
        if (now - rollUp.ComputedAt <= MaxAge(rollUp.Id))
        {
            return;
        }

        lock (gate)
        {
            if (asked.TryGetValue(rollUp.Id, out var last) && now - last < AskAgainAfter)
            {
                return;
            }

            if (asked.Count >= MaxAsked)
            {
                asked.Clear();
            }

            asked[rollUp.Id] = now;
        }

        await tools.Queue.SendAsync(RefreshRollUp.Queue, new RefreshRollUp(kind, rollUp.Id, now), delay: null, cancellation);
    }
}

internal static partial class AnalyticsLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The roll-up {Kind} {Key} is too large to be kept; it is computed whenever it is asked for")]
    public static partial void LogTooLarge(this ILogger log, string kind, string key);
}
