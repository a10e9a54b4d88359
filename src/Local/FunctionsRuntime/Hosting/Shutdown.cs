namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>
/// The two steps of stopping: <see cref="Stopping"/> ends polling at once; <see cref="Abort"/> ends what still runs,
/// when the time to finish is up.
/// </summary>
internal sealed class Shutdown(HostSettings settings) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _abort = new();

    /// <summary>No new work from now on.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>The token of running invocations.</summary>
    public CancellationToken Abort => _abort.Token;

    public void Begin()
    {
        if (_stopping.IsCancellationRequested)
            return;
        _stopping.Cancel();
        _abort.CancelAfter(settings.DrainTime);
    }

    /// <summary>Without time to finish: there is nothing left to finish with.</summary>
    public void AtOnce()
    {
        _stopping.Cancel();
        _abort.Cancel();
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _abort.Dispose();
    }
}
