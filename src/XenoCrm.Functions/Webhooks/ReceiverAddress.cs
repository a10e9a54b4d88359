using System.Net;
using System.Net.Sockets;

namespace XenoCrm.Webhooks;

/// <summary>The receiver's name leads to addresses that this service must not be made to call.</summary>
public sealed class AddressRefusedException() : IOException("The address is not a public one.");

/// <summary>Which receivers may be called.</summary>
public static class ReceiverAddress
{
    public const int MaxLength = 2000;

    private static readonly IPNetwork[] Closed4 =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>What IPv6 has given out for general use; in it, what is for documents, or leads on to IPv4 addresses that cannot be looked at.</summary>
    private static readonly IPNetwork Open6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] Closed6 = [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20" }.Select(IPNetwork.Parse)];

    public static bool IsPublic(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetwork
            ? !Closed4.Any(n => n.Contains(address))
            : Open6.Contains(address) && !Closed6.Any(n => n.Contains(address));
    }

    /// <summary>What is wrong with an address that somebody wants to subscribe; null: nothing that can be seen in it.</summary>
    public static string? Fault(string? url, WebhookOptions options)
    {
        if (url is null || url.Length > MaxLength || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http"))
        {
            return $"An https address of at most {MaxLength} characters is expected.";
        }

        if (uri.Scheme == "http" && !options.AllowHttp)
        {
            return "An https address is expected: without TLS anybody on the way reads what is sent.";
        }

        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
        {
            return "An address without user name, password and fragment is expected.";
        }

        return !options.AllowPrivateAddresses && IPAddress.TryParse(uri.DnsSafeHost, out var address) && !IsPublic(address)
            ? "A public address is expected." : null;
    }

    /// <summary>Connects to the address that was looked at: what the name leads to by now is not asked again.</summary>
    /// <exception cref="AddressRefusedException">None that the name leads to is public.</exception>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint target, bool allowPrivate, CancellationToken cancellation)
    {
        var found = await Dns.GetHostAddressesAsync(target.Host, cancellation);
        var allowed = allowPrivate ? found : [.. found.Where(IsPublic)];
        if (allowed.Length == 0)
        {
            throw new AddressRefusedException();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, target.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
