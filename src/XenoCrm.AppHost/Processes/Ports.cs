using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace XenoCrm.AppHost;

/// <summary>Ports on the loopback interface.</summary>
public static class Ports
{
    /// <summary>Ports that were free a moment ago, all different.</summary>
    public static int[] Free(int count)
    {
        var listeners = new TcpListener[count];
        for (var i = 0; i < count; i++)
        {
            listeners[i] = new TcpListener(IPAddress.Loopback, 0);
            listeners[i].Start();
        }
        var ports = Array.ConvertAll(listeners, l => ((IPEndPoint)l.LocalEndpoint).Port);
        foreach (var listener in listeners)
            listener.Stop();
        return ports;
    }

    public static bool IsFree(int port)
    {
        // On Linux a bind succeeds beside the closing connections of an earlier server (SO_REUSEADDR is .NET's default
        // there for listeners); a listener on any address of the machine still counts as taken.
        if (Array.Exists(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners(), e => e.Port == port))
            return false;
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
