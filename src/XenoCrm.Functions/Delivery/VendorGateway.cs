using System.Security.Cryptography;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace XenoCrm.Delivery;

/// <summary>What became of one message at the vendor's, as far as is known.</summary>
public enum HandOver
{
    Accepted,
    Rejected,

    /// <summary>The vendor asks for it later.</summary>
    Deferred,

    /// <summary>The vendor certainly does not have it.</summary>
    NotTaken,

    /// <summary>The vendor may have it.</summary>
    Ambiguous,
}

public readonly record struct HandOverResult(HandOver Outcome, string? Reason);

/// <summary>
/// The way to one vendor: asks it, again where that can help and can do no harm, within a limit of time, and never faster
/// or with more requests at once than the vendor allows.
/// </summary>
public sealed class VendorGateway : IDisposable
{
    /// <summary>A vendor that wants to be left alone for longer gets nothing until then, and runs are put back meanwhile.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(5);

    private readonly Lock gate = new();
    private readonly TimeProvider clock;
    private readonly SemaphoreSlim requests;
    private readonly ResiliencePipeline pipeline;
    private DateTimeOffset downUntil;
    private DateTimeOffset restUntil;
    private DateTimeOffset nextTurn;

    public VendorGateway(IVendor vendor, TimeProvider clock)
    {
        Vendor = vendor;
        this.clock = clock;
        requests = new(vendor.MaxRequests);
        pipeline = Build();
    }

    public IVendor Vendor { get; }

    /// <summary>Whether the vendor has failed so often of late that it is not asked for the moment. Then it gets another chance.</summary>
    public bool IsDown
    {
        get
        {
            lock (gate)
            {
                return clock.GetUtcNow() < downUntil;
            }
        }
    }

    /// <summary>At a limited rate a request holds a second's worth of messages.</summary>
    private int MessagesPerRequest => Vendor.MessagesPerSecond is { } rate ? (int)Math.Clamp(rate, 1, Vendor.MaxMessages) : Vendor.MaxMessages;

    /// <summary>
    /// A result for every message; failures of the vendor are results too, and so is a cancellation: what the vendor has
    /// said by then of the other messages must be recorded, or with a vendor without idempotency keys they are unknown.
    /// </summary>
    public async Task<IReadOnlyList<HandOverResult>> HandOverAsync(IReadOnlyList<VendorMessage> messages, TimeSpan limit, CancellationToken cancellation)
    {
        var results = new HandOverResult[messages.Count];
        var until = clock.GetUtcNow() + limit;
        var size = MessagesPerRequest;
        await Parallel.ForEachAsync(messages.Chunk(size).Index(), new ParallelOptions { MaxDegreeOfParallelism = Vendor.MaxRequests }, async (chunk, _) =>
        {
            var place = chunk.Index * size;
            foreach (var answer in await InTurnAsync(chunk.Item, until, cancellation))
            {
                results[place++] = answer;
            }
        });
        return results;
    }

    private async Task<IEnumerable<HandOverResult>> InTurnAsync(VendorMessage[] messages, DateTimeOffset until, CancellationToken cancellation)
    {
        var entered = false;
        try
        {
            entered = await requests.WaitAsync(Left(until), cancellation);
            if (entered && await AwaitTurnAsync(messages.Length, until, cancellation) && Left(until) is var left && left > TimeSpan.Zero)
            {
                return await AskAsync(messages, left, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // While it waited: it was not asked.
        }
        finally
        {
            if (entered)
            {
                requests.Release();
            }
        }

        return messages.Select(_ => new HandOverResult(HandOver.NotTaken, null));
    }

    private TimeSpan Left(DateTimeOffset until) => until - clock.GetUtcNow() is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    public void Dispose() => requests.Dispose();

    /// <returns>False when the messages' turn does not come in time, or the vendor wants to be left alone.</returns>
    private async Task<bool> AwaitTurnAsync(int count, DateTimeOffset until, CancellationToken cancellation)
    {
        TimeSpan wait;
        lock (gate)
        {
            var now = clock.GetUtcNow();
            var turn = Vendor.MessagesPerSecond is not null && nextTurn > now ? nextTurn : now;
            if (turn >= until || now < restUntil)
            {
                return false;
            }

            nextTurn = turn + (Vendor.MessagesPerSecond is { } rate ? TimeSpan.FromSeconds(count / rate) : TimeSpan.Zero);
            wait = turn - now;
        }

        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, clock, cancellation);
        }

        return true;
    }

    private async Task<IEnumerable<HandOverResult>> AskAsync(VendorMessage[] messages, TimeSpan limit, CancellationToken cancellation)
    {
        // Once one try may have been taken, no later answer such as "busy" can say that nothing was.
        var perhaps = false;
        using var timed = new CancellationTokenSource(limit, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timed.Token, cancellation);
        try
        {
            var answers = await pipeline.ExecuteAsync(
                async token =>
                {
                    try
                    {
                        return await Vendor.SendAsync(messages, token);
                    }
                    catch (Exception exception) when (exception is OperationCanceledException or VendorException { Failure: VendorFailure.Ambiguous })
                    {
                        perhaps = true;
                        throw;
                    }
                },
                linked.Token);
            return answers.Select(a => new HandOverResult(
                a.Answer switch { VendorAnswer.Accepted => HandOver.Accepted, VendorAnswer.Rejected => HandOver.Rejected, _ => HandOver.Deferred }, a.Reason));
        }
        catch (Exception exception) when (exception is VendorException or BrokenCircuitException or OperationCanceledException)
        {
            Rest((exception as VendorException)?.RetryAfter);
            return messages.Select(_ => new HandOverResult(perhaps ? HandOver.Ambiguous : HandOver.NotTaken, null));
        }
    }

    private void Rest(TimeSpan? wanted)
    {
        if (wanted > LongestWait)
        {
            lock (gate)
            {
                restUntil = clock.GetUtcNow() + (wanted < LongestRest ? wanted.Value : LongestRest);
            }
        }
    }

    private ResiliencePipeline Build() => new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions
        {
            // A vendor without idempotency keys is asked again only when it took nothing for certain. One that wants to be
            // left alone for longer is: the run is put back, and does not sit here.
            ShouldHandle = new PredicateBuilder().Handle<VendorException>(
                e => (e.Failure == VendorFailure.NotTaken || Vendor.Idempotent) && !(e.RetryAfter > LongestWait)),
            MaxRetryAttempts = 3,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = TimeSpan.FromMilliseconds(250),

            // What the vendor asks for, and up to a fifth more: it asks all requests for the same.
            DelayGenerator = arguments => new(
                (arguments.Outcome.Exception as VendorException)?.RetryAfter is { } wanted ? wanted * (1 + (RandomNumberGenerator.GetInt32(200) / 1000.0)) : null),
        })
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            // In an outage runs are put back at once, or go to another vendor, instead of each waiting for its own time-out.
            ShouldHandle = new PredicateBuilder().Handle<VendorException>(),
            FailureRatio = 0.9,
            MinimumThroughput = 12,
            SamplingDuration = TimeSpan.FromSeconds(10),
            BreakDuration = TimeSpan.FromSeconds(3),
            OnOpened = arguments => Down(clock.GetUtcNow() + arguments.BreakDuration),
            OnClosed = _ => Down(default),
        })
        .Build();

    private ValueTask Down(DateTimeOffset until)
    {
        lock (gate)
        {
            downUntil = until;
        }

        return default;
    }
}
