using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

/// <summary>From when on a vendor's rate is not given away. Its id is the vendor's name.</summary>
public sealed record VendorTurns : IWorkspaceItem
{
    public const string KindName = "vendor-turns";

    public required string Id { get; init; }
    public string Kind => KindName;
    public required DateTimeOffset NextFreeAt { get; init; }
}

/// <summary>Time at a vendor.</summary>
public sealed record VendorTurn(string Vendor, DateTimeOffset At);

/// <summary>
/// Keeps a vendor's messages per second over all campaigns and instances without a coordinator: a run takes its time from
/// one item by compare-and-swap, and waits in the queue until then. One read and one write per run.
/// </summary>
/// <remarks>A run that dies has taken time that nobody uses. The rate is never exceeded for it; a moment is lost.</remarks>
public sealed class VendorThrottle(WorkspaceStore<VendorTurns> turns, TimeProvider clock)
{
    /// <summary>Takes the time for <paramref name="count"/> messages.</summary>
    public async Task<VendorTurn> ReserveAsync(string vendor, double rate, int count, CancellationToken cancellation)
    {
        while (true)
        {
            var now = clock.GetUtcNow();
            var known = await turns.ReadAsync(vendor, cancellation);
            var turn = known?.Value.NextFreeAt > now ? known.Value.NextFreeAt : now;
            var taken = new VendorTurns { Id = vendor, NextFreeAt = turn + TimeSpan.FromSeconds(count / rate) };
            if ((known is null ? await turns.TryCreateAsync(taken, cancellation) : await turns.TryReplaceAsync(taken, known.ETag, cancellation)) is not null)
            {
                return new(vendor, turn);
            }
        }
    }
}
