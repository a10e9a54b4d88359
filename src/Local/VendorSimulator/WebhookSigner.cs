using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>Standard Webhooks: HMAC-SHA256 over <c>id.timestamp.body</c> with the bytes behind <c>whsec_</c>.</summary>
internal sealed class WebhookSigner
{
    private readonly byte[] _key;

    public WebhookSigner(string secret)
    {
        const string prefix = "whsec_";
        try
        {
            _key = Convert.FromBase64String(secret.StartsWith(prefix, StringComparison.Ordinal) ? secret[prefix.Length..] : secret);
        }
        catch (FormatException e)
        {
            throw new VendorConfigurationException("The receipt secret must be 'whsec_' followed by base64.", e);
        }
    }

    public static string NewId() => $"msg_{Guid.CreateVersion7():N}";

    public void Sign(HttpRequestHeaders headers, string id, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var timestamp = at.ToUnixTimeSeconds().ToString();
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        hmac.AppendData(Encoding.ASCII.GetBytes($"{id}.{timestamp}."));
        hmac.AppendData(body);
        headers.Add("webhook-id", id);
        headers.Add("webhook-timestamp", timestamp);
        headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(hmac.GetHashAndReset())}");
    }
}
