using System.Security.Cryptography;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>Checks the master-key signature: HMAC-SHA256 over verb, resource type, resource link and date.</summary>
internal static class MasterKey
{
    private static readonly byte[] Key = Convert.FromBase64String(EmulatorOptions.WellKnownKey);

    /// <exception cref="EmulatorException">401: the signature is missing or wrong.</exception>
    public static void Require(Exchange exchange)
    {
        var given = exchange.Header("Authorization") ?? throw new EmulatorException(401, "Required Header authorization is missing.");
        var date = exchange.Header("x-ms-date") ?? exchange.Header("date") ?? string.Empty;
        var token = Uri.UnescapeDataString(given);
        var signature = token.Split('&').FirstOrDefault(part => part.StartsWith("sig=", StringComparison.OrdinalIgnoreCase))?[4..];
        Span<byte> wanted = stackalloc byte[64];
        if (signature is null || !token.StartsWith("type=master&", StringComparison.OrdinalIgnoreCase)
            || !Convert.TryFromBase64String(signature.Replace(' ', '+'), wanted, out var length))
        {
            throw new EmulatorException(401, "The authorization header is not one of a master key: type=master&ver=1.0&sig=…");
        }

        var (type, link) = Resource(exchange.Segments);
        wanted = wanted[..length];
        // By name the link keeps its case; by resource id the client signs the id alone, in lower case.
        if (!Matches(exchange.Method, type, link, date, wanted)
            && !Matches(exchange.Method, type, LastId(exchange.Segments).ToLowerInvariant(), date, wanted))
        {
            throw new EmulatorException(401, "The input authorization token can't serve the request: the signature is not that of the emulator's well-known key.");
        }
    }

    private static bool Matches(string method, string type, string link, string date, ReadOnlySpan<byte> wanted)
    {
        var text = $"{method.ToLowerInvariant()}\n{type}\n{link}\n{date.ToLowerInvariant()}\n\n";
        Span<byte> hash = stackalloc byte[32];
        HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(text), hash);
        return CryptographicOperations.FixedTimeEquals(hash, wanted);
    }

    /// <summary>An odd number of segments ends with a type, whose owner is signed; an even one with the resource itself.</summary>
    private static (string Type, string Link) Resource(string[] segments)
    {
        if (segments.Length == 0)
        {
            return (string.Empty, string.Empty);
        }

        return segments.Length % 2 == 1
            ? (segments[^1], string.Join('/', segments[..^1]))
            : (segments[^2], string.Join('/', segments));
    }

    private static string LastId(string[] segments) => segments.Length switch
    {
        0 or 1 => string.Empty,
        var n when n % 2 == 1 => segments[^2],
        _ => segments[^1],
    };
}
