namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// Compaction: when log and snapshot together are more than twice what lives, the writer begins a new log and goes on, and
/// a task writes what is in the views of that moment as the snapshot that goes before it. Only when the snapshot is whole
/// and on disk does it get its name, and only then do older files go: at every moment one set of files is complete.
/// </summary>
internal sealed partial class Store
{
    private const int SnapshotFrameBytes = 1024 * 1024;
    private const int CatalogOverhead = 4096;
    private const int RetryAfterMs = 60_000;

    private Task? _compaction;
    private long _logNumber;
    private long _snapshotBytes;
    private long _sealedLogBytes;
    private long _noCompactionBefore;

    /// <summary>Counts finished compactions; tests wait for it.</summary>
    public int Compactions { get; private set; }

    private void CompactIfWorthwhile()
    {
        if (_log is null || _compaction is { IsCompleted: false } || Environment.TickCount64 < Volatile.Read(ref _noCompactionBefore))
        {
            return;
        }

        var containers = _catalog.Values.SelectMany(d => d.Containers.Values).ToList();
        var total = _snapshotBytes + _sealedLogBytes + _log.Length;
        var live = containers.Sum(c => c.LiveBytes) + (CatalogOverhead * (containers.Count + 1L));
        if (total < _options.CompactAboveBytes || total < 2 * live)
        {
            return;
        }

        try
        {
            _log.Flush();
            var next = new LogFile(_directory!.Log(_logNumber + 1), 0, _options.FlushToDisk);
            next.Flush();
            _sealedLogBytes += _log.Length;
            _log.Dispose();
            (_log, _logNumber) = (next, _logNumber + 1);
        }
        catch (Exception error)
        {
            _options.Messages.WriteLine($"A new log could not be begun: {error.Message}");
            Volatile.Write(ref _noCompactionBefore, Environment.TickCount64 + RetryAfterMs);
            return;
        }

        var databases = Databases.ToList();
        var views = databases.SelectMany(d => d.Containers.Values).Select(c => (c.View, c.LastRid)).ToList();
        var (number, lastDatabase, lastContainer, covered) = (_logNumber, _lastDatabase, _lastContainer, _sealedLogBytes);
        _compaction = Task.Factory.StartNew(
            () => WriteSnapshot(number, databases, views, lastDatabase, lastContainer, covered),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void WriteSnapshot(long number, List<Database> databases, List<(ContainerView View, long LastRid)> views, uint lastDatabase, uint lastContainer, long covered)
    {
        var unfinished = _directory!.Snapshot(number) + ".tmp";
        try
        {
            File.Delete(unfinished);
            long length;
            using (var file = new LogFile(unfinished, 0, flush: false))
            {
                WriteSnapshot(file, databases, views, lastDatabase, lastContainer);
                file.Flush();
                length = file.Length;
            }

            File.Move(unfinished, _directory.Snapshot(number));
            _directory.RemoveBefore(number);
            Interlocked.Exchange(ref _snapshotBytes, length);
            Interlocked.Add(ref _sealedLogBytes, -covered);
            Compactions++;
        }
        catch (Exception error)
        {
            // The log goes on and everything is still in it; the next try comes when there is room again.
            _options.Messages.WriteLine($"The log could not be compacted: {error.Message}");
            Volatile.Write(ref _noCompactionBefore, Environment.TickCount64 + RetryAfterMs);
            File.Delete(unfinished);
        }
    }

    private static void WriteSnapshot(LogFile file, List<Database> databases, List<(ContainerView View, long LastRid)> views, uint lastDatabase, uint lastContainer)
    {
        var buffer = new LogBuffer();
        var frame = buffer.BeginFrame();
        LogRecords.Counters(buffer, lastDatabase, lastContainer);
        foreach (var database in databases)
        {
            LogRecords.PutDatabase(buffer, database.Number, database.Json);
        }

        foreach (var (view, lastRid) in views)
        {
            LogRecords.PutContainer(buffer, view.Container.Database, view.Container.Number, view.Lsn, lastRid, view.Container.Json);
            foreach (var item in view.ByRid.Ascending(0, view.ByRid.Count))
            {
                LogRecords.PutItem(buffer, view.Container.Number, item, item.At(view.Lsn));
                if (buffer.Length >= SnapshotFrameBytes)
                {
                    Cut();
                }
            }
        }

        Cut();

        void Cut()
        {
            buffer.EndFrame(frame);
            file.Append(buffer.Written);
            buffer.Truncate(0);
            frame = buffer.BeginFrame();
        }
    }
}
