using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using XenoCrm.Local.CosmosEmulator.Http;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator;

/// <summary>A running emulator. Disposing it finishes what was accepted and closes the store.</summary>
public sealed class EmulatorServer : IAsyncDisposable
{
    private readonly KestrelServer _kestrel;
    private readonly Store _store;
    private bool _disposed;

    private EmulatorServer(KestrelServer kestrel, Store store, Uri endpoint) => (_kestrel, _store, Endpoint) = (kestrel, store, endpoint);

    /// <summary>Where it listens: <c>http://127.0.0.1:8081/</c>.</summary>
    public Uri Endpoint { get; }

    internal Store Store => _store;

    /// <summary>Recovers the store and starts to listen.</summary>
    /// <exception cref="IOException">The port or the data directory is in use.</exception>
    /// <exception cref="InvalidDataException">The data directory is damaged in a way that no crash explains.</exception>
    public static async Task<EmulatorServer> StartAsync(EmulatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var store = new Store(options);
        try
        {
            // Kestrel without a host: the pipeline in front of the router is nothing at all.
            var settings = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
            settings.Limits.MaxRequestHeadersTotalSize = 64 * 1024; // continuation tokens come in a header
            settings.Limits.MaxRequestBodySize = null; // the router answers 413 in the service's words
            settings.Limits.MinRequestBodyDataRate = null;
            settings.Limits.MinResponseDataRate = null;
            settings.Listen(IPAddress.Loopback, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
            var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
            var kestrel = new KestrelServer(Options.Create(settings), transport, NullLoggerFactory.Instance);
            await kestrel.StartAsync(new Application(new Router(store, options)), CancellationToken.None);
            var address = kestrel.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
            _ = Task.Run(store.RebuildIndexes);
            return new EmulatorServer(kestrel, store, new Uri(address));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        using (var grace = new CancellationTokenSource(TimeSpan.FromSeconds(5)))
        {
            await _kestrel.StopAsync(grace.Token);
        }

        _kestrel.Dispose();
        _store.Dispose();
    }

    private sealed class Application(Router router) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => router.Handle(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}
