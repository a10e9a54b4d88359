using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Delivery;

/// <summary>Twilio's signature of callbacks: HMAC-SHA1 under the account's token over the address called and the sorted parameters of the form.</summary>
/// <remarks>It holds no time, so nothing tells a post that is repeated; folding does not mind.</remarks>
public sealed class TwilioSignature(IOptions<TwilioOptions> options, IConfiguration configuration)
{
    public const string Header = "X-Twilio-Signature";

    private readonly byte[] token = Encoding.UTF8.GetBytes(options.Value.AuthToken);
    private readonly Uri? origin = Uri.TryCreate(configuration["PublicBaseAddress"], UriKind.Absolute, out var address) ? address : null;

    /// <param name="pathAndQuery">As called, from the path on. The rest is <c>PublicBaseAddress</c>: behind a proxy the request's own host is another one.</param>
    /// <exception cref="ProblemException">401.</exception>
    public void Verify(string? signature, string pathAndQuery, IEnumerable<KeyValuePair<string, string>> form)
    {
        if (string.IsNullOrEmpty(signature))
        {
            throw new SignatureMissing(Header).ToException();
        }

        var fields = string.Concat(form.Distinct().OrderBy(f => f.Key, StringComparer.Ordinal).ThenBy(f => f.Value, StringComparer.Ordinal).Select(f => f.Key + f.Value));
        if (token.Length == 0 || origin is null || !Addresses(origin, pathAndQuery).Any(a => Fits(signature, a + fields)))
        {
            throw new SignatureInvalid("It must be HMAC-SHA1 over address and form under the account's token.").ToException();
        }
    }

    /// <summary>Whether Twilio's side writes the port where it is the scheme's own, differs.</summary>
    private static IEnumerable<string> Addresses(Uri origin, string pathAndQuery)
    {
        var path = origin.AbsolutePath.TrimEnd('/');
        yield return $"{origin.Scheme}://{origin.Host}:{origin.Port}{path}{pathAndQuery}";
        yield return $"{origin.Scheme}://{origin.Host}{path}{pathAndQuery}";
    }

    private bool Fits(string signature, string signed)
    {
        Span<byte> given = stackalloc byte[64];
        Span<byte> mac = stackalloc byte[HMACSHA1.HashSizeInBytes];

        // SHA-1 is what Twilio signs with; as an HMAC it holds.
#pragma warning disable CA5350
        HMACSHA1.HashData(token, Encoding.UTF8.GetBytes(signed), mac);
#pragma warning restore CA5350
        return signature.Length <= 64 && Convert.TryFromBase64String(signature, given, out var length) && CryptographicOperations.FixedTimeEquals(mac, given[..length]);
    }
}
