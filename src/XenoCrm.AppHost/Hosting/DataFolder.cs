using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace XenoCrm.AppHost;

/// <summary>
/// The state of one system: one AppHost at a time, and none of an earlier one's processes beside it. The lock is the
/// operating system's on an open file, so it goes with the process, however that ends.
/// </summary>
internal sealed class DataFolder : IDisposable
{
    private static readonly string[] Parts = ["azurite", "cosmos", "vendor", "logs", "input"];

    private const string DemoMark = "demo";

    private readonly FileStream _held;
    private readonly Lock _lock = new();
    private readonly List<Child> _children = [];

    /// <param name="Started">Tells the process from a later one with the same id.</param>
    private sealed record Child(int Id, string Name, DateTime Started);

    private DataFolder(string path, FileStream held)
    {
        Path = path;
        _held = held;
    }

    public string Path { get; }

    /// <summary>What a backup holds: all but logs and generated input.</summary>
    public IReadOnlyList<string> StateParts { get; } = ["azurite", "cosmos", "vendor"];

    public string this[string part] => System.IO.Path.Combine(Path, part);

    /// <exception cref="LocalException">Another AppHost uses the folder, or a demo would wipe what no demo has made.</exception>
    public static async Task<DataFolder> OpenAsync(string path, bool fresh, bool demo, Action<string> say, CancellationToken cancellation)
    {
        path = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(path);
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(path, "apphost.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new LocalException($"Another AppHost uses {path}. Stop it, or choose another folder with --data.", e);
        }
        var folder = new DataFolder(path, held);
        try
        {
            if (demo && !fresh && !File.Exists(folder[DemoMark]) && Parts.Any(p => Directory.Exists(folder[p])))
                throw new LocalException($"The demo wipes its data first, and {path} holds data that no demo has made. Choose another folder with --data, or say --fresh to wipe this one.");
            await folder.EndOrphansAsync(say, cancellation);
            if (fresh || demo)
                folder.Wipe();
            if (demo)
                await File.WriteAllTextAsync(folder[DemoMark], "The next demo wipes this folder.\n", cancellation);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Remembers a child, so that the next AppHost finds it should this one be killed.</summary>
    public void Record(ChildProcess child)
    {
        lock (_lock)
        {
            try
            {
                using var process = Process.GetProcessById(child.Id);
                _children.Add(new Child(child.Id, child.Name, process.StartTime.ToUniversalTime()));
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
            {
                return; // It has ended already.
            }
            var file = this["processes.json"];
            File.WriteAllText(file + "~", JsonSerializer.Serialize(_children));
            File.Move(file + "~", file, overwrite: true);
        }
    }

    public void Dispose() => _held.Dispose();

    /// <summary>Only what an AppHost has made: somebody may have pointed --data at a folder with other things in it.</summary>
    private void Wipe()
    {
        foreach (var part in Parts.Where(p => Directory.Exists(this[p])))
            Directory.Delete(this[part], recursive: true);
    }

    /// <summary>The children of a killed AppHost end by themselves when its pipe closes; this waits for them, and does not wait for ever.</summary>
    private async Task EndOrphansAsync(Action<string> say, CancellationToken cancellation)
    {
        var orphans = Orphans();
        if (orphans.Count > 0)
            say($"Waiting for {string.Join(", ", orphans.Select(o => o.Child.Name))} of an AppHost that was killed…");
        var since = TimeProvider.System.GetTimestamp();
        foreach (var (process, _) in orphans)
        {
            using (process)
            {
                while (!process.HasExited && TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(5))
                    await Task.Delay(TimeSpan.FromMilliseconds(50), cancellation);
                if (!process.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                    await process.WaitForExitAsync(cancellation);
                }
            }
        }
        File.Delete(this["processes.json"]);
    }

    private List<(Process Process, Child Child)> Orphans()
    {
        var orphans = new List<(Process, Child)>();
        if (!File.Exists(this["processes.json"]))
            return orphans;
        List<Child> children;
        try
        {
            children = JsonSerializer.Deserialize<List<Child>>(File.ReadAllText(this["processes.json"])) ?? [];
        }
        catch (JsonException)
        {
            return orphans; // The rename is atomic; somebody else's file, then.
        }
        foreach (var child in children)
        {
            try
            {
                var process = Process.GetProcessById(child.Id);
                if ((process.StartTime.ToUniversalTime() - child.Started).Duration() < TimeSpan.FromSeconds(1))
                    orphans.Add((process, child));
                else
                    process.Dispose();
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
            {
                // Gone.
            }
        }
        return orphans;
    }
}
