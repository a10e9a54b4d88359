namespace XenoCrm.Platform;

/// <summary>
/// Stands before a service and holds the writes to a container back, from a certain one on, so that a test can do something
/// in the middle of work however fast or slow that goes.
/// </summary>
/// <param name="path">Part of the path of the requests that count.</param>
internal sealed class HoldingHandler(string path) : DelegatingHandler(new SocketsHttpHandler { MaxConnectionsPerServer = 50 })
{
    private readonly TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int left = int.MaxValue;

    /// <summary>From now on so many writes pass and the others wait.</summary>
    public void HoldAfter(int writes) => Volatile.Write(ref left, writes);

    public void GoOn() => open.TrySetResult();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (IsWrite(request) && request.RequestUri!.AbsolutePath.Contains(path, StringComparison.Ordinal) && Volatile.Read(ref left) < int.MaxValue && Interlocked.Decrement(ref left) < 0)
        {
            await open.Task.WaitAsync(cancellationToken);
        }

        return await base.SendAsync(request, cancellationToken);
    }

    private static bool IsWrite(HttpRequestMessage request) =>
        request.Method.Method is "PUT" or "PATCH" or "DELETE"
        || (request.Method == HttpMethod.Post && !request.Headers.Contains("x-ms-documentdb-isquery") && !request.Headers.Contains("x-ms-cosmos-is-query-plan-request"));
}
