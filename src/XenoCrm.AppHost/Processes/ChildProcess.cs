using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace XenoCrm.AppHost;

/// <summary>What to run as a child, and how it is looked after.</summary>
public sealed record ChildProcessOptions
{
    /// <summary>Short name for messages and the log file.</summary>
    public required string Name { get; init; }
    public required string FileName { get; init; }
    public required IReadOnlyList<string> Arguments { get; init; }
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
    public string? WorkingDirectory { get; init; }

    /// <summary>Output goes here, appended; null keeps only the last lines in memory.</summary>
    public string? LogFile { get; init; }

    /// <summary>Called with every line of output, from a thread of the pool.</summary>
    public Action<string>? OnOutput { get; init; }
}

/// <summary>
/// A process that lives no longer than this one. Its standard input is a pipe that is never written to: when this
/// process ends in whatever way, <c>kill -9</c> included, the pipe closes and the child, told by
/// <c>XENO_EXIT_WITH_PARENT=1</c>, exits.
/// </summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const int TailLines = 40;
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly Queue<string> _tail = new();
    private readonly StreamWriter? _log;
    private readonly Action<string>? _onOutput;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    private ChildProcess(ChildProcessOptions options)
    {
        Name = options.Name;
        LogFile = options.LogFile;
        _onOutput = options.OnOutput;
        var start = new ProcessStartInfo(options.FileName, options.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
            WorkingDirectory = options.WorkingDirectory ?? "",
        };
        start.Environment["XENO_EXIT_WITH_PARENT"] = "1";
        foreach (var (key, value) in options.Environment)
            start.Environment[key] = value;
        if (LogFile is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(LogFile))!);
            _log = new StreamWriter(new FileStream(LogFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
        }
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, e) => Receive(e.Data);
        _process.ErrorDataReceived += (_, e) => Receive(e.Data);
    }

    public string Name { get; }
    public string? LogFile { get; }
    public int Id { get; private set; }

    /// <summary>Completes with the exit code, after the last line of output has been read.</summary>
    public Task<int> Exited => _exited.Task;

    /// <summary>True when the process has ended although nobody asked it to.</summary>
    public bool Crashed => _exited.Task.IsCompleted && !_stopping;

    public static ChildProcess Start(ChildProcessOptions options)
    {
        var child = new ChildProcess(options);
        try
        {
            child._process.Start();
        }
        catch
        {
            child._log?.Dispose();
            child._process.Dispose();
            throw;
        }
        child.Id = child._process.Id;
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        _ = child.WatchAsync();
        return child;
    }

    /// <summary>The last lines of output, oldest first.</summary>
    public IReadOnlyList<string> Tail()
    {
        lock (_tail)
            return [.. _tail];
    }

    /// <summary>Asks the process to end (end of input, SIGTERM) and kills it with its children after the grace period.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _stopping = true;
        if (_exited.Task.IsCompleted)
            return;
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Already gone.
        }
        if (!OperatingSystem.IsWindows())
            _ = SendSignal(Id, SigTerm);
        if (await Task.WhenAny(_exited.Task, Task.Delay(grace)) != _exited.Task)
            await KillAsync();
    }

    /// <summary>Kills the process and its children at once (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _stopping = true;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // Already gone.
        }
        await _exited.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.FromSeconds(10));
        _process.Dispose();
        if (_log is not null)
            await _log.DisposeAsync();
    }

    private async Task WatchAsync()
    {
        await _process.WaitForExitAsync();
        _exited.TrySetResult(_process.ExitCode);
    }

    private void Receive(string? line)
    {
        if (line is null)
            return;
        lock (_tail)
        {
            if (_tail.Count == TailLines)
                _tail.Dequeue();
            _tail.Enqueue(line);
            try
            {
                _log?.WriteLine(line);
            }
            catch (ObjectDisposedException)
            {
                // A line that arrived while the process was being disposed of.
            }
        }
        _onOutput?.Invoke(line);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} (process {Id})");

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
