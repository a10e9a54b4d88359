using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks;

/// <summary>Posts receipts as the delivery vendor does, signed with its secret.</summary>
internal sealed class Webhooks : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256 });
    private readonly byte[] _key = Convert.FromBase64String(LocalSettings.Load().Required("Vendors__Generic__ReceiptSecrets__0")["whsec_".Length..]);

    public async Task PostAsync(Uri address, byte[] body)
    {
        var (id, timestamp) = (Guid.NewGuid().ToString("N"), DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        hmac.AppendData(Encoding.ASCII.GetBytes($"{id}.{timestamp}."));
        hmac.AppendData(body);
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(hmac.GetHashAndReset())}");
        using var response = await _client.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    public void Dispose() => _client.Dispose();
}
