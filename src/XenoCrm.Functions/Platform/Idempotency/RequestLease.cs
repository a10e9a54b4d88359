using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Platform.Idempotency;

/// <summary>Says, as long as a request is carried out, that it is; then stores its answer.</summary>
internal sealed class RequestLease : IAsyncDisposable
{
    /// <summary>What ends a request must be stored even when its caller has gone.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly StoredRequests requests;
    private readonly TimeSpan duration;
    private readonly TimeProvider clock;
    private readonly CancellationTokenSource over = new();
    private readonly Task renewing;
    private Versioned<StoredRequest> claimed;

    public RequestLease(StoredRequests requests, Versioned<StoredRequest> claimed, TimeSpan duration, TimeProvider clock)
    {
        this.requests = requests;
        this.claimed = claimed;
        this.duration = duration;
        this.clock = clock;
        renewing = RenewAsync();
    }

    /// <summary>It was refused: the key is free.</summary>
    public async Task DropAsync()
    {
        await EndAsync();
        await TryAsync(token => requests.DeleteAsync(claimed.Value.Id, claimed.ETag, token));
    }

    /// <summary>It failed, and nobody knows how far it came: a repetition goes on at once.</summary>
    public async Task ReleaseAsync()
    {
        await EndAsync();
        await TryAsync(token => requests.TryReplaceAsync(claimed.Value with { LeaseUntil = clock.GetUtcNow() }, claimed.ETag, token));
    }

    /// <returns>Null when the answer is stored; else the one that somebody else has stored before.</returns>
    public async Task<byte[]?> CompleteAsync(byte[] answer, string? location)
    {
        await EndAsync();
        using var limit = new CancellationTokenSource(Patience, clock);
        var done = claimed.Value with { Sealed = answer, Location = location };
        if (await requests.TryReplaceAsync(done, claimed.ETag, limit.Token) is not null)
        {
            return null;
        }

        // Somebody took this for abandoned and is carrying it out too, under the same effect id.
        while (await requests.ReadAsync(claimed.Value.Id, limit.Token) is { } current)
        {
            if (current.Value.Sealed is { } others)
            {
                return others;
            }

            if (await requests.TryReplaceAsync(current.Value with { Sealed = answer, Location = location }, current.ETag, limit.Token) is not null)
            {
                return null;
            }
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        over.Dispose();
    }

    private async Task EndAsync()
    {
        await over.CancelAsync();
        await renewing;
    }

    private async Task RenewAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(duration / 3, clock, over.Token);
                var renewed = claimed.Value with { LeaseUntil = clock.GetUtcNow() + duration };

                // Not cancelled half-way: the ETag that the answer is stored under must be known.
                if (await requests.TryReplaceAsync(renewed, claimed.ETag, CancellationToken.None) is not { } etag)
                {
                    return;
                }

                claimed = new(renewed, etag);
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception)
        {
            // The storage did not answer: whoever finds the lease over takes the request, under the same effect id.
        }
    }

    /// <summary>What was to be answered is more important than this, which a lease that ends makes up for.</summary>
    private async Task TryAsync(Func<CancellationToken, Task> end)
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        try
        {
            await end(limit.Token);
        }
        catch (Exception)
        {
        }
    }
}
