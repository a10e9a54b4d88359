namespace XenoCrm.Imports;

/// <summary>Lets a number of requests through, then none: to the storage it looks as if the process had ended.</summary>
internal sealed class Breaker(bool answerLost) : WholeRequests
{
    private readonly CancellationTokenSource broken = new();
    private int left = int.MaxValue;
    private int requests;

    public CancellationToken Broken => broken.Token;

    /// <summary>Since <see cref="BreakAt"/>.</summary>
    public int Requests => requests;

    /// <param name="request">From 1; 0: never.</param>
    public void BreakAt(int request) => (left, requests) = (request == 0 ? int.MaxValue : request, 0);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        broken.Token.ThrowIfCancellationRequested();
        Interlocked.Increment(ref requests);
        var last = Interlocked.Decrement(ref left) == 0;
        var response = last && !answerLost ? null : await SendWholeAsync(request, cancellationToken);
        if (last)
        {
            response?.Dispose();
            await broken.CancelAsync();
            throw new OperationCanceledException(broken.Token);
        }

        return response!;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            broken.Dispose();
        }

        base.Dispose(disposing);
    }
}
