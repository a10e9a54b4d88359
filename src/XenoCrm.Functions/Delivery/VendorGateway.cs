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

/// <summary>Asks the vendor, again where that can help and can do no harm, within a limit of time.</summary>
public sealed class VendorGateway(IVendor vendor, TimeProvider clock)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(3);

    private readonly ResiliencePipeline pipeline = Build(vendor, clock);

    /// <summary>A result for every message; failures of the vendor are results too.</summary>
    public async Task<IReadOnlyList<HandOverResult>> HandOverAsync(IReadOnlyList<VendorMessage> messages, TimeSpan limit, CancellationToken cancellation)
    {
        var results = new List<HandOverResult>(messages.Count);
        var until = clock.GetUtcNow() + limit;
        foreach (var chunk in messages.Chunk(vendor.MaxMessages))
        {
            var left = until - clock.GetUtcNow();
            results.AddRange(left > TimeSpan.Zero
                ? await AskAsync(chunk, left, cancellation)
                : chunk.Select(_ => new HandOverResult(HandOver.NotTaken, null)));
        }

        return results;
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
                        return await vendor.SendAsync(messages, token);
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
        catch (Exception exception) when (exception is VendorException or BrokenCircuitException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return messages.Select(_ => new HandOverResult(perhaps ? HandOver.Ambiguous : HandOver.NotTaken, null));
        }
    }

    private static ResiliencePipeline Build(IVendor vendor, TimeProvider clock) => new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions
        {
            // A vendor without idempotency keys is asked again only when it took nothing for certain. One that wants to be
            // left alone for longer is: the run is put back, and does not sit here.
            ShouldHandle = new PredicateBuilder().Handle<VendorException>(
                e => (e.Failure == VendorFailure.NotTaken || vendor.Idempotent) && !(e.RetryAfter > LongestWait)),
            MaxRetryAttempts = 3,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = TimeSpan.FromMilliseconds(250),
            DelayGenerator = arguments => new((arguments.Outcome.Exception as VendorException)?.RetryAfter),
        })
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            // In an outage runs are put back at once instead of each waiting for its own time-out.
            ShouldHandle = new PredicateBuilder().Handle<VendorException>(),
            FailureRatio = 0.9,
            MinimumThroughput = 12,
            SamplingDuration = TimeSpan.FromSeconds(10),
            BreakDuration = TimeSpan.FromSeconds(3),
        })
        .Build();
}
