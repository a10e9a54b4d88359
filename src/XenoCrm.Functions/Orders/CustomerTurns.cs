namespace XenoCrm.Orders;

/// <summary>
/// Writers in this process that meet at a customer take turns instead of failing each other's transactions: with 64 of
/// them it is 64 writes instead of some 2,000 attempts. What is right does not depend on it; the ETags see to that.
/// </summary>
public sealed class CustomerTurns
{
    /// <summary>So many that two customers in flight seldom share one, made when first needed.</summary>
    private readonly SemaphoreSlim?[] turns = new SemaphoreSlim?[16_384];

    /// <summary>Waits for the customer's turn. Whoever holds one must not ask for another.</summary>
    public async ValueTask<Turn> TakeAsync(string customerId, CancellationToken cancellation)
    {
        var turn = LazyInitializer.EnsureInitialized(ref turns[(uint)StringComparer.Ordinal.GetHashCode(customerId) % turns.Length], () => new SemaphoreSlim(1));
        if (turn.Wait(0, CancellationToken.None))
        {
            return new(turn, false);
        }

        await turn.WaitAsync(cancellation);
        return new(turn, true);
    }

    /// <param name="HasWaited">Somebody has just written: what was read before is stale.</param>
    public readonly record struct Turn(SemaphoreSlim Semaphore, bool HasWaited) : IDisposable
    {
        public void Dispose() => Semaphore.Release();
    }
}
