namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>Something for the store's writer. The task ends when it is durable, or fails when it could not be made so.</summary>
internal abstract class WriteRequest
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => _done.Task;

    public void Complete() => _done.TrySetResult();

    public void Fail(Exception error) => _done.TrySetException(error);
}

/// <summary>
/// Work that the writer does alone, between two groups: a change of the catalog or of an index. It checks and writes its
/// records to the log, and answers with what is to be done once they are durable.
/// </summary>
internal sealed class ExclusiveRequest(Func<LogBuffer, Action> prepare) : WriteRequest
{
    public Func<LogBuffer, Action> Prepare { get; } = prepare;
}
