using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Delivery;

/// <summary>SendGrid's signature of events: ECDSA with SHA-256 on P-256 over timestamp and raw body, checked before anything of the body is parsed.</summary>
public sealed class SendGridSignature(IOptions<SendGridOptions> options, TimeProvider clock)
{
    public const string SignatureHeader = "X-Twilio-Email-Event-Webhook-Signature";
    public const string TimestampHeader = "X-Twilio-Email-Event-Webhook-Timestamp";

    /// <summary>
    /// SendGrid posts again for 24 hours what was not answered, and does not say that it signs anew: a tighter limit could
    /// lose the events of an outage. A repeat changes nothing, so what the limit bounds is how long an old post is of any use.
    /// </summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromHours(25);

    private readonly byte[][] keys = [.. options.Value.PublicKeys.Select(Convert.FromBase64String)];

    public static bool IsKey(string text)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(text), out _);
            return key.KeySize == 256;
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            return false;
        }
    }

    /// <exception cref="ProblemException">401: a header is missing, the signature does not fit, or it was signed too long ago or ahead.</exception>
    public void Verify(IHeaderDictionary headers, ReadOnlySpan<byte> body)
    {
        var signature = headers[SignatureHeader].ToString();
        var timestamp = headers[TimestampHeader].ToString();
        if (signature.Length == 0 || timestamp.Length == 0)
        {
            throw new SignatureMissing($"{SignatureHeader} and {TimestampHeader}").ToException();
        }

        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > 253402300799 || !Signed(timestamp, signature, body))
        {
            throw new SignatureInvalid("It must be ECDSA over timestamp and body under the webhook's key.").ToException();
        }

        if ((clock.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() > Tolerance)
        {
            throw new SignatureExpired("25 hours").ToException();
        }
    }

    private bool Signed(string timestamp, string signature, ReadOnlySpan<byte> body)
    {
        Span<byte> given = stackalloc byte[128];
        if (signature.Length > 160 || !Convert.TryFromBase64String(signature, given, out var length))
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        using (var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
        {
            sha.AppendData(Encoding.UTF8.GetBytes(timestamp));
            sha.AppendData(body);
            sha.GetHashAndReset(hash);
        }

        foreach (var bytes in keys)
        {
            // One for each request: an instance is not for several threads at once.
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(bytes, out _);
            try
            {
                if (key.VerifyHash(hash, given[..length], DSASignatureFormat.Rfc3279DerSequence))
                {
                    return true;
                }
            }
            catch (CryptographicException)
            {
                // Not even the form of a signature.
            }
        }

        return false;
    }
}
