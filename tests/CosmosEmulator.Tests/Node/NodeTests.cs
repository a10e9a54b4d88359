using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Tests.Node;

/// <summary>
/// The npm package @azure/cosmos against the emulator. It plans queries, pages, batches and reads change feeds in its own
/// way: it asks for a query plan each time, and its batches are JSON.
/// </summary>
public sealed class NodeTests(Emulator emulator)
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Node");

    [Fact]
    public async Task The_javascript_sdk_works()
    {
        await Install();
        var (exit, output) = await Run("node", ["--test", "--test-reporter=spec", "cosmos.test.mjs"], TimeSpan.FromMinutes(3), new()
        {
            ["COSMOS_ENDPOINT"] = emulator.Endpoint.ToString(),
            ["COSMOS_KEY"] = Emulator.Key,
        });
        exit.ShouldBe(0, output);
        output.ShouldContain("goes on from a continuation token"); // the runner has found the tests
    }

    /// <summary>Once for each lock file: the stamp is written when npm has finished.</summary>
    private static async Task Install()
    {
        var stamp = Path.Combine(Folder, "node_modules", ".installed");
        var wanted = await File.ReadAllTextAsync(Path.Combine(Folder, "package-lock.json"));
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == wanted)
        {
            return;
        }

        var (exit, output) = await Run(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], TimeSpan.FromMinutes(5), []);
        exit.ShouldBe(0, $"`npm ci` could not install @azure/cosmos in {Folder}:\n{output}");
        await File.WriteAllTextAsync(stamp, wanted);
    }

    private static async Task<(int Exit, string Output)> Run(string program, string[] arguments, TimeSpan patience, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var output = new StringBuilder();
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException($"{program} is not on the PATH: this test needs Node.js 20 or later with npm.", missing);
        }

        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var timeout = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Append($"{program} was ended: it did not finish within {patience}.");
            return (-1, output.ToString());
        }

        return (process.ExitCode, output.ToString());

        void Append(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }
    }
}
