using System.Collections.Concurrent;
using System.Security.Cryptography;
using XenoCrm.AppHost;

namespace XenoCrm.Scenarios.Contract;

/// <summary>The tools of <c>infra/contract</c>, installed on first use from the lock file.</summary>
internal static class NodeTools
{
    private static readonly SemaphoreSlim s_turn = new(1);

    public static string Folder { get; } = Path.Combine(Repository.Root, "infra", "contract");

    /// <summary>Runs an installed tool, or <c>node</c>.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string tool, string folder, params string[] arguments)
    {
        await InstallAsync();
        var (program, all) = tool == "node" ? ("node", arguments) : ("node", [Script(tool), .. arguments]);
        return await StartAsync(program, folder, TimeSpan.FromMinutes(5), all);
    }

    private static string Script(string tool) => Path.GetFullPath(Path.Combine(Folder, "node_modules", tool switch
    {
        "spectral" => "@stoplight/spectral-cli/dist/index.js",
        "openapi-typescript" => "openapi-typescript/bin/cli.js",
        "tsc" => "typescript/bin/tsc",
        "newman" => "newman/bin/newman.js",
        _ => throw new ArgumentException($"{tool} is not one of the tools.", nameof(tool)),
    }));

    private static async Task InstallAsync()
    {
        await s_turn.WaitAsync();
        try
        {
            var stamp = Path.Combine(Folder, "node_modules", ".xeno-installed");
            var wanted = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(Folder, "package-lock.json"))));
            if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == wanted)
                return;
            var (exit, output) = await StartAsync(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", Folder, TimeSpan.FromMinutes(10), "ci", "--no-audit", "--no-fund", "--loglevel=error");
            exit.ShouldBe(0, $"`npm ci` in infra/contract failed:\n{output}");
            await File.WriteAllTextAsync(stamp, wanted);
        }
        finally
        {
            s_turn.Release();
        }
    }

    private static async Task<(int ExitCode, string Output)> StartAsync(string program, string folder, TimeSpan within, params string[] arguments)
    {
        var lines = new ConcurrentQueue<string>();
        await using var process = ChildProcess.Start(new ChildProcessOptions { Name = program, FileName = program, Arguments = arguments, WorkingDirectory = folder, OnOutput = lines.Enqueue });
        if (await Task.WhenAny(process.Exited, Task.Delay(within)) != process.Exited)
        {
            await process.KillAsync();
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {within}:\n{string.Join('\n', lines)}");
        }
        return (await process.Exited, string.Join('\n', lines));
    }
}
