using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;

namespace XenoCrm.AppHost;

public sealed record AzuriteOptions
{
    /// <summary>Where the data lies; created when missing.</summary>
    public required string Folder { get; init; }

    /// <summary>Ports of blob, queue and table service; null takes free ones.</summary>
    public (int Blob, int Queue, int Table)? AtPorts { get; init; }

    /// <summary>Default: <c>azurite.log</c> in the folder.</summary>
    public string? LogFile { get; init; }

    /// <summary>Told about the installation on first use.</summary>
    public Action<string>? Progress { get; init; }
}

/// <summary>
/// Blob and queue storage on loopback: Azurite behind <c>infra/local/azurite.cjs</c>, which makes everything it has
/// acknowledged survive <c>kill -9</c>.
/// </summary>
public sealed class AzuriteProcess : IAsyncDisposable
{
    // Azurite's published development account; it guards nothing.
    public const string AccountName = "devstoreaccount1";
    public const string AccountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private AzuriteProcess(ChildProcess process, (int Blob, int Queue, int Table) ports)
    {
        Process = process;
        AtPorts = ports;
    }

    public ChildProcess Process { get; }
    public (int Blob, int Queue, int Table) AtPorts { get; }
    public string ConnectionString => ConnectionStringFor(AtPorts);

    public static string ConnectionStringFor((int Blob, int Queue, int Table) ports) => string.Create(CultureInfo.InvariantCulture,
        $"DefaultEndpointsProtocol=http;AccountName={AccountName};AccountKey={AccountKey};BlobEndpoint=http://127.0.0.1:{ports.Blob}/{AccountName};QueueEndpoint=http://127.0.0.1:{ports.Queue}/{AccountName};TableEndpoint=http://127.0.0.1:{ports.Table}/{AccountName};");

    /// <summary>Installs Azurite when needed, starts it and waits until it answers.</summary>
    /// <exception cref="LocalException">Node is missing, a port is in use, or Azurite does not start.</exception>
    public static async Task<AzuriteProcess> StartAsync(AzuriteOptions options, CancellationToken cancellation = default)
    {
        await AzuriteInstallation.EnsureAsync(options.Progress ?? Console.Error.WriteLine, cancellation);
        Directory.CreateDirectory(options.Folder);
        for (var attempt = 1; ; attempt++)
        {
            var ports = options.AtPorts ?? FreePorts();
            var process = Start(options, ports);
            try
            {
                await WaitUntilReadyAsync(process, ports, cancellation);
                return new AzuriteProcess(process, ports);
            }
            catch (LocalException) when (options.AtPorts is null && attempt < 5 && process.Tail().Any(l => l.Contains("EADDRINUSE", StringComparison.Ordinal)))
            {
                // Somebody took a port between looking for it and listening on it: others, then.
                await process.DisposeAsync();
            }
            catch
            {
                await process.KillAsync();
                await process.DisposeAsync();
                throw;
            }
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    /// <summary>For <c>node</c>.</summary>
    internal static string[] Arguments(string folder, (int Blob, int Queue, int Table) ports)
    {
        // The keep-alive time-outs (seconds) outlast the clients' connection pools; at Node's 5 s an idle connection is
        // closed just as a client writes to it.
        return
        [
            AzuriteInstallation.Launcher, "--silent", "--skipApiVersionCheck", "--disableTelemetry",
            "--location", Path.GetFullPath(folder),
            "--blobPort", Text(ports.Blob), "--queuePort", Text(ports.Queue), "--tablePort", Text(ports.Table),
            "--blobKeepAliveTimeout", "180", "--queueKeepAliveTimeout", "180", "--tableKeepAliveTimeout", "180",
        ];

        static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
    }

    private static (int, int, int) FreePorts()
    {
        var free = Ports.Free(3);
        return (free[0], free[1], free[2]);
    }

    private static ChildProcess Start(AzuriteOptions options, (int Blob, int Queue, int Table) ports)
    {
        try
        {
            return ChildProcess.Start(new ChildProcessOptions
            {
                Name = "azurite",
                FileName = "node",
                Arguments = Arguments(options.Folder, ports),
                LogFile = options.LogFile ?? Path.Combine(options.Folder, "azurite.log"),
            });
        }
        catch (Win32Exception e)
        {
            throw new LocalException("Node.js is missing: Azurite, the local blob and queue storage, needs Node.js 20 or later on the PATH (https://nodejs.org).", e);
        }    }

    /// <summary>All three services accept connections.</summary>
    internal static async Task<bool> ListensAsync((int Blob, int Queue, int Table) ports)
    {
        try
        {
            foreach (var port in new[] { ports.Blob, ports.Queue, ports.Table })
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port);
            }
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task WaitUntilReadyAsync(ChildProcess process, (int Blob, int Queue, int Table) ports, CancellationToken cancellation)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await ListensAsync(ports))
        {
            if (process.Exited.IsCompleted)
                throw new LocalException($"Azurite ended while starting (exit code {await process.Exited}). The end of its output:\n{string.Join('\n', process.Tail())}");
            if (TimeProvider.System.GetElapsedTime(since) > StartTimeout)
                throw new LocalException($"Azurite does not listen on its ports after {StartTimeout.TotalSeconds:0} s. Its log: {process.LogFile}");
            await Task.Delay(TimeSpan.FromMilliseconds(30), cancellation);
        }
    }
}
