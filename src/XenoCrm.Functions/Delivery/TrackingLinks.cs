using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Http;

namespace XenoCrm.Delivery;

public enum TrackingKind
{
    Open = 'o',
    Click = 'c',
    Unsubscribe = 'u',
}

/// <summary>What a tracking address says.</summary>
/// <param name="Target">Where a click leads; null for the others.</param>
public sealed record Tracked(TrackingKind Kind, string MessageId, Channel Channel, string? Target);

/// <summary>
/// The addresses in messages that lead to this service. All they say is in them, signed: nothing is looked up to answer
/// one, and nobody can make one that redirects elsewhere.
/// </summary>
public sealed class TrackingLinks(IOptions<SigningOptions> signing, IOptions<DeliveryOptions> options, IConfiguration configuration)
{
    public const string OpenRoute = "t/o/{token}";
    public const string ClickRoute = "t/c/{token}";
    public const string UnsubscribeRoute = "t/u/{token}";

    private const int MacBytes = 16;
    private const int MaxToken = 8192;
    private const char Separator = '\n';

    private readonly byte[] key = SHA256.HashData(Encoding.UTF8.GetBytes("tracking:" + signing.Value.Key));
    private readonly string origin = (configuration["PublicBaseAddress"] ?? "").TrimEnd('/');

    public MessageLinks Of(string messageId, Channel channel) => new(
        Address(TrackingKind.Unsubscribe, messageId, channel, null),
        target => options.Value.TrackClicks && Absolute(target) is { } absolute ? Address(TrackingKind.Click, messageId, channel, absolute) : target,
        options.Value.TrackOpens ? Address(TrackingKind.Open, messageId, channel, null) : null);

    /// <returns>Null when the token was not made here for this purpose.</returns>
    public Tracked? Read(TrackingKind kind, string token)
    {
        if (token.Length > MaxToken || Decode(token) is not { } decoded || decoded.Length <= MacBytes)
        {
            return null;
        }

        ReadOnlySpan<byte> bytes = decoded;
        var text = bytes[MacBytes..];
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, text, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac[..MacBytes], bytes[..MacBytes]))
        {
            return null;
        }

        var parts = Encoding.UTF8.GetString(text).Split(Separator);
        return parts is [[var k], var message, var channel, ..] && k == (char)kind && Enum.TryParse<Channel>(channel, out var on)
            ? new(kind, message, on, parts.ElementAtOrDefault(3))
            : null;
    }

    private static byte[]? Decode(string token)
    {
        try
        {
            return Base64Url.DecodeFromChars(token);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private string Address(TrackingKind kind, string messageId, Channel channel, string? target)
    {
        var text = $"{(char)kind}{Separator}{messageId}{Separator}{channel}{(target is null ? "" : Separator + target)}";
        var bytes = new byte[MacBytes + Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(MacBytes));
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, bytes.AsSpan(MacBytes), mac);
        mac[..MacBytes].CopyTo(bytes);
        return $"{origin}/t/{(char)kind}/{Base64Url.EncodeToString(bytes)}";
    }

    /// <summary>Only what a browser can be sent to; with all its characters escaped, so that no line can be broken.</summary>
    private static string? Absolute(string target) =>
        Uri.TryCreate(target, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) ? uri.AbsoluteUri : null;
}

/// <summary>Leaving, as mailbox providers want it offered.</summary>
public static class Unsubscribe
{
    /// <summary>RFC 2369 and RFC 8058: the mailbox provider's own button posts to the address, without a page.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Headers(string url) =>
    [
        new("List-Unsubscribe", $"<{url}>"),
        new("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ];
}
