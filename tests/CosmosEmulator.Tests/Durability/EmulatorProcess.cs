using System.Diagnostics;

namespace XenoCrm.Local.CosmosEmulator.Tests.Durability;

/// <summary>The emulator's executable, started and ready.</summary>
internal sealed class EmulatorProcess : IDisposable
{
    private readonly Process _process;

    public EmulatorProcess(string[] arguments, int? fileLimitKilobytes = null, bool exitWithParent = false)
    {
        var program = typeof(EmulatorServer).Assembly.Location;
        var start = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        if (fileLimitKilobytes is { } limit)
        {
            // Beyond the limit a write fails, as on a full disk. The signal that comes with it must be ignored.
            start.FileName = "/bin/bash";
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add($"trap '' XFSZ; ulimit -f {limit}; exec dotnet \"$@\"");
            start.ArgumentList.Add("bash");
            start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // else the runtime's own mapping file meets the limit
        }
        else
        {
            start.FileName = "dotnet";
        }

        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        if (exitWithParent)
        {
            start.Environment["XENO_EXIT_WITH_PARENT"] = "1";
        }

        _process = Process.Start(start)!;
        var ready = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The emulator ended before it was ready.");
        Endpoint = new Uri(ready[(ready.LastIndexOf(' ') + 1)..]);
    }

    public Uri Endpoint { get; }

    public int Id => _process.Id;

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void CloseInput() => _process.StandardInput.Close();

    public async Task<int> ExitCode()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
