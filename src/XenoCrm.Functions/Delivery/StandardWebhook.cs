using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Delivery;

/// <summary>
/// The Standard Webhooks signature: HMAC-SHA256 over <c>id.timestamp.body</c>, checked on the raw body before anything
/// of it is parsed.
/// </summary>
public sealed class StandardWebhook
{
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);
    private const string SecretPrefix = "whsec_";

    private readonly byte[][] keys;
    private readonly TimeProvider clock;

    /// <param name="secrets"><c>whsec_</c> and base64; one that signs is enough. An empty one signs nothing: anybody has it.</param>
    /// <exception cref="FormatException">A secret is not of that form.</exception>
    public StandardWebhook(IEnumerable<string> secrets, TimeProvider clock)
    {
        keys = [.. secrets.Select(s => Convert.FromBase64String(s.StartsWith(SecretPrefix, StringComparison.Ordinal) ? s[SecretPrefix.Length..] : s)).Where(k => k.Length > 0)];
        this.clock = clock;
    }

    /// <exception cref="ProblemException">401: the headers are missing or malformed, no signature fits, or it was signed too long ago or ahead.</exception>
    public void Verify(IHeaderDictionary headers, ReadOnlySpan<byte> body)
    {
        var id = headers["webhook-id"].ToString();
        var timestamp = headers["webhook-timestamp"].ToString();
        var signatures = headers["webhook-signature"].ToString();
        if (id.Length is 0 or > 256 || timestamp.Length == 0 || signatures.Length == 0)
        {
            throw new SignatureMissing("webhook-id, webhook-timestamp and webhook-signature").ToException();
        }

        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > 253402300799)
        {
            throw NotSigned();
        }

        // The signature first: only who can sign learns whether the clock was the reason.
        if (!Signed(id, timestamp, signatures, body))
        {
            throw NotSigned();
        }

        if ((clock.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() > Tolerance)
        {
            throw new SignatureExpired("5 minutes").ToException();
        }
    }

    /// <summary>The signature of what we send ourselves, as in the header.</summary>
    public static string Sign(byte[] key, string id, string timestamp, ReadOnlySpan<byte> body)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Authenticate(key, Encoding.UTF8.GetBytes($"{id}.{timestamp}."), body, mac);
        return "v1," + Convert.ToBase64String(mac);
    }

    private static ProblemException NotSigned() => new SignatureInvalid("No v1 signature over id.timestamp.body fits a current secret.").ToException();

    private bool Signed(string id, string timestamp, string signatures, ReadOnlySpan<byte> body)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> given = stackalloc byte[64];
        var prefix = Encoding.UTF8.GetBytes($"{id}.{timestamp}.");
        var signed = false;
        foreach (var key in keys)
        {
            Authenticate(key, prefix, body, mac);

            // Several signatures while the sender changes keys; other versions than v1 are not for us.
            foreach (var part in signatures.AsSpan().Split(' '))
            {
                var signature = signatures.AsSpan()[part];
                if (signature.StartsWith("v1,") && signature.Length <= 3 + 60
                    && Convert.TryFromBase64Chars(signature[3..], given, out var length))
                {
                    signed |= CryptographicOperations.FixedTimeEquals(mac, given[..length]);
                }
            }
        }

        return signed;
    }

    private static void Authenticate(byte[] key, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, Span<byte> mac)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(prefix);
        hmac.AppendData(body);
        hmac.GetHashAndReset(mac);
    }
}
