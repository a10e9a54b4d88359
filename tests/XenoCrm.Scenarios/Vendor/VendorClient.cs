using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using XenoCrm.Local.VendorSimulator;

namespace XenoCrm.Scenarios.Vendor;

internal sealed class VendorClient : IDisposable
{
    private readonly HttpClient _http;

    public VendorClient(Uri address, string? apiKey = null, TimeSpan? timeout = null)
    {
        _http = new HttpClient { BaseAddress = address, Timeout = timeout ?? TimeSpan.FromSeconds(30) };
        if (apiKey is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
    }

    public Task<HttpResponseMessage> PostAsync(IEnumerable<string> ids, string? receiptUrl, string to = "someone@example.com") =>
        _http.PostAsJsonAsync("/v1/messages", new
        {
            messages = ids.Select(id => new { id, channel = "email", to, from = "shop@example.com", subject = "Hello", text = "Hello there", html = "<p>Hello there</p>" }),
            receiptUrl,
        });

    public async Task<JsonElement[]> SendAsync(IEnumerable<string> ids, string? receiptUrl)
    {
        using var response = await PostAsync(ids, receiptUrl);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return [.. (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("results").EnumerateArray()];
    }

    /// <summary>Asks again, as a careful client does, until the vendor has answered 200.</summary>
    public async Task SendUntilAnsweredAsync(string[] ids, string? receiptUrl)
    {
        while (true)
        {
            try
            {
                using var response = await PostAsync(ids, receiptUrl);
                if (response.StatusCode == HttpStatusCode.OK)
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Accepted or not: unknown, so it is asked again under the same ids.
            }
            await Task.Delay(50);
        }
    }

    public async Task<VendorAudit> AuditAsync() =>
        (await _http.GetFromJsonAsync<VendorAudit>("/v1/audit"))!;

    public async Task<Dictionary<string, (int Asked, int Carried, string Status)>> AuditMessagesAsync()
    {
        using var reader = new StreamReader(await _http.GetStreamAsync("/v1/audit/messages"));
        var all = new Dictionary<string, (int, int, string)>();
        while (await reader.ReadLineAsync() is { } line)
        {
            var message = JsonDocument.Parse(line).RootElement;
            all.Add(message.GetProperty("id").GetString()!,
                (message.GetProperty("asked").GetInt32(), message.GetProperty("carried").GetInt32(), message.GetProperty("status").GetString()!));
        }
        return all;
    }

    public Task<HttpResponseMessage> GetAsync(string path) => _http.GetAsync(path);

    public Task<HttpResponseMessage> PostTextAsync(string json) =>
        _http.PostAsync("/v1/messages", new StringContent(json, System.Text.Encoding.UTF8, "application/json"));

    public void Dispose() => _http.Dispose();

    public static async Task UntilAsync(Func<bool> condition, string what, int seconds = 30)
    {
        for (var i = 0; !condition(); i++)
        {
            (i < seconds * 50).ShouldBeTrue($"not within {seconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
