namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>Something for the store's writer. The task ends when it is durable, or fails when it could not be made so.</summary>
internal abstract class WriteRequest
{
    private readonly TaskCompletionSource _done = new();

    public Task Done => _done.Task;

    /// <summary>Tells the outcome. What waits for it goes on in this call.</summary>
    public void End(Exception? error)
    {
        if (error is null)
        {
            _done.SetResult();
        }
        else
        {
            _done.SetException(error);
        }
    }
}

/// <summary>
/// Work that the writer does alone, between two groups: a change of the catalog or of an index. It checks and writes its
/// records to the log, and answers with what is to be done once they are durable.
/// </summary>
internal sealed class ExclusiveRequest(Func<LogBuffer, Action> prepare) : WriteRequest
{
    public Func<LogBuffer, Action> Prepare { get; } = prepare;
}
