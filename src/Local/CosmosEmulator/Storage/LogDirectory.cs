using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The files of a store: <c>log-N</c>, appended to, and <c>snapshot-N</c>, which holds everything before <c>log-N</c>.
/// There is one log for all containers, not one each: concurrent writes to several containers share one flush (the
/// dearest step), metadata and items are in one order without coordination, and there is one torn tail to repair. Its
/// single writer needs a few microseconds per item, far less than the HTTP request that brought it.
/// </summary>
internal sealed class LogDirectory : IDisposable
{
    private readonly FileStream _lock;

    /// <param name="patience">
    /// How long to wait for another process to let go. A process that was killed holds the lock until the system has taken
    /// back its memory: with a gigabyte of items that took more than a second, and whoever restarts it is faster.
    /// </param>
    public LogDirectory(string path, TimeSpan patience)
    {
        Path = Directory.CreateDirectory(path).FullName;
        for (var since = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                _lock = new FileStream(File("lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return;
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(since) < patience)
            {
                Thread.Sleep(50);
            }
            catch (IOException error)
            {
                throw new IOException($"The data directory {Path} is in use by another emulator, or cannot be written to: {error.Message}", error);
            }
        }
    }

    public string Path { get; }

    public string Log(long number) => File($"log-{number:d8}");

    public string Snapshot(long number) => File($"snapshot-{number:d8}");

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public List<long> Logs() => Numbers("log-");

    public List<long> Snapshots() => Numbers("snapshot-");

    /// <summary>Removes what a finished snapshot replaces, and what an unfinished one left.</summary>
    public void RemoveBefore(long number)
    {
        foreach (var old in Snapshots().Where(n => n < number))
        {
            System.IO.File.Delete(Snapshot(old));
        }

        foreach (var old in Logs().Where(n => n < number))
        {
            System.IO.File.Delete(Log(old));
        }
    }

    public void Dispose() => _lock.Dispose();

    private List<long> Numbers(string prefix) =>
        [.. Directory.EnumerateFiles(Path, prefix + "*")
            .Select(file => long.TryParse(System.IO.Path.GetFileName(file).AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0)
            .Where(n => n > 0).Order()];
}

/// <summary>A log file that is being written. Only its known-good length counts: a failed append is cut off again.</summary>
internal sealed class LogFile(string path, long length, bool flush) : IDisposable
{
    private readonly SafeFileHandle _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
    private bool _dirtyTail;

    public long Length { get; private set; } = length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        CutTail();
        try
        {
            RandomAccess.Write(_file, bytes, Length);
            if (flush)
            {
                RandomAccess.FlushToDisk(_file);
            }
        }
        catch
        {
            // The writers of this group are told that it failed: what was written of it must not come back at a restart.
            _dirtyTail = true;
            CutTail();
            throw;
        }

        Length += bytes.Length;
    }

    /// <summary>To the disk, whatever the setting.</summary>
    public void Flush()
    {
        CutTail();
        RandomAccess.FlushToDisk(_file);
    }

    private void CutTail()
    {
        if (_dirtyTail)
        {
            RandomAccess.SetLength(_file, Length);
            _dirtyTail = false;
        }
    }

    public void Dispose() => _file.Dispose();
}
