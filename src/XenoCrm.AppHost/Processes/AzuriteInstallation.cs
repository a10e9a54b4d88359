using System.ComponentModel;
using System.Security.Cryptography;

namespace XenoCrm.AppHost;

/// <summary>Azurite in <c>infra/local/node_modules</c>, installed on first use from the lock file beside it.</summary>
internal static class AzuriteInstallation
{
    private static readonly string Folder = Path.Combine(Repository.Root, "infra", "local");

    public static string Launcher => Path.Combine(Folder, "azurite.cjs");

    public static async Task EnsureAsync(Action<string> progress, CancellationToken cancellation)
    {
        if (IsInstalled())
            return;
        var state = Path.Combine(Repository.Root, ".local");
        Directory.CreateDirectory(state);
        await using var held = await LockAsync(Path.Combine(state, "azurite-install.lock"), progress, cancellation);
        if (IsInstalled())
            return;
        progress("Installing Azurite (once; about 190 MB in infra/local/node_modules)…");
        await using var npm = StartNpm(progress);
        using var timer = new Timer(_ => progress("…still installing"), null, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(8));
        using var registration = cancellation.Register(() => _ = npm.KillAsync());
        if (await npm.Exited != 0)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new LocalException($"Azurite could not be installed: `npm ci` in infra/local ended with exit code {await npm.Exited}.\n{string.Join('\n', npm.Tail())}");
        }
        await File.WriteAllTextAsync(Stamp, await LockFileHashAsync(cancellation), cancellation);
        progress("Azurite is installed.");
    }

    private static string Stamp => Path.Combine(Folder, "node_modules", ".xeno-installed");

    // npm writes node_modules piece by piece: only the stamp, written last, says that it is complete.
    private static bool IsInstalled() =>
        File.Exists(Stamp) && File.ReadAllText(Stamp) == LockFileHashAsync(CancellationToken.None).GetAwaiter().GetResult();

    private static async Task<string> LockFileHashAsync(CancellationToken cancellation) =>
        Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Folder, "package-lock.json"), cancellation)));

    private static ChildProcess StartNpm(Action<string> progress)
    {
        try
        {
            return ChildProcess.Start(new ChildProcessOptions
            {
                Name = "npm",
                FileName = OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
                Arguments = ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
                WorkingDirectory = Folder,
                OnOutput = progress,
            });
        }
        catch (Win32Exception e)
        {
            throw new LocalException("Node.js is missing: Azurite, the local blob and queue storage, needs Node.js 20 or later with npm on the PATH (https://nodejs.org).", e);
        }
    }

    private static async Task<FileStream> LockAsync(string path, Action<string> progress, CancellationToken cancellation)
    {
        for (var waited = false; ; waited = true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                if (!waited)
                    progress("Another process is installing Azurite; waiting for it…");
                await Task.Delay(TimeSpan.FromMilliseconds(300), cancellation);
            }
        }
    }
}
