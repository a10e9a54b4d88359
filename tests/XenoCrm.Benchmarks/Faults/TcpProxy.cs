using System.Net;
using System.Net.Sockets;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>What happens to the bytes between a client and a server.</summary>
internal enum Line
{
    Good,

    /// <summary>Each piece is late.</summary>
    Slow,

    /// <summary>Every connection breaks, and none can be made.</summary>
    Cut,

    /// <summary>Requests arrive; the connection breaks before their answers do: the effect is there and nobody knows.</summary>
    Deaf,
}

/// <summary>A cable that can be cut: connections to <see cref="Port"/> are connections to another port of this machine.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _open = [];
    private readonly Task _accepting;
    private volatile Line _line;

    public TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(200);

    public Line Line
    {
        get => _line;
        set
        {
            _line = value;
            if (value == Line.Cut)
                BreakAll();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        BreakAll();
        await _accepting;
        _stop.Dispose();
    }

    private void BreakAll()
    {
        lock (_lock)
        {
            foreach (var socket in _open)
            {
                // With a reset, as from a machine that is gone.
                socket.LingerState = new LingerOption(true, 0);
                socket.Close();
            }

            _open.Clear();
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        lock (_lock)
        {
            _open.Add(client);
            _open.Add(server);
        }

        try
        {
            if (_line == Line.Cut)
                return;
            await server.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            await Task.WhenAny(PumpAsync(client, server, answers: false), PumpAsync(server, client, answers: true));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other side sees it by its connection.
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(client);
                _open.Remove(server);
            }

            client.Dispose();
            server.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool answers)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
            {
                if (_line == Line.Cut || (answers && _line == Line.Deaf))
                    return;
                if (_line == Line.Slow)
                    await Task.Delay(Delay, _stop.Token);
                for (var sent = 0; sent < count;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // As above.
        }
    }
}
