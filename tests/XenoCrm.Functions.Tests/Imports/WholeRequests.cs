namespace XenoCrm.Imports;

/// <summary>
/// Carries each request to its end, also when who sent it no longer waits. A request that is given up is carried out by the
/// storage or not, now or when the next process has begun; here what a process has sent is over before the next one begins.
/// </summary>
internal abstract class WholeRequests() : DelegatingHandler(new SocketsHttpHandler())
{
    private int underWay;

    /// <summary>Until what was sent is answered.</summary>
    public async Task QuietAsync()
    {
        while (Volatile.Read(ref underWay) > 0)
        {
            await Task.Delay(1);
        }
    }

    protected async Task<HttpResponseMessage> SendWholeAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref underWay);
        try
        {
            var response = await base.SendAsync(request, CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            return response;
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
        }
    }
}
