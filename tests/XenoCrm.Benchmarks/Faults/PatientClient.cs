using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>The API as a careful client uses it: asks again, under the same key, until it is answered.</summary>
internal sealed class PatientClient : IDisposable
{
    private readonly TimeSpan _givesUpAfter;
    private readonly HttpClient _http;
    private readonly Dictionary<string, string> _settings = LocalSettings.Load();

    /// <summary>Set on each request: the client's default headers must not change while another request is written.</summary>
    private volatile AuthenticationHeaderValue? _token;

    public PatientClient(Uri address, TimeSpan givesUpAfter) =>
        (_http, _givesUpAfter) = (new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(15) }, givesUpAfter);

    public Task<JsonElement> GetAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    public Task<JsonElement> PostAsync(string path, object? body = null) => SendAsync(HttpMethod.Post, path, body);

    /// <summary>All pages of a list.</summary>
    public async Task<List<JsonElement>> ListAsync(string path)
    {
        var items = new List<JsonElement>();
        for (var cursor = ""; ;)
        {
            var page = await GetAsync($"{path}?limit=200{cursor}");
            items.AddRange(page.GetProperty("items").EnumerateArray());
            if (!page.TryGetProperty("next", out var next) || next.GetString() is not { } position)
                return items;
            cursor = $"&cursor={Uri.EscapeDataString(position)}";
        }
    }

    /// <summary>The rows of an export, by column. The data of these runs needs no quotes.</summary>
    public async Task<List<Dictionary<string, string>>> CsvAsync(string path)
    {
        var lines = (await AnswerAsync(HttpMethod.Get, path, null)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var header = lines[0].TrimStart('\uFEFF').Split(',');
        return [.. lines.Skip(1).Select(line => header.Zip(line.Split(',')).ToDictionary(f => f.First, f => f.Second))];
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body)
    {
        var text = await AnswerAsync(method, path, body);
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    private async Task<string> AnswerAsync(HttpMethod method, string path, object? body)
    {
        var key = Guid.NewGuid().ToString();
        for (var since = TimeProvider.System.GetTimestamp(); ;)
        {
            var trouble = "";
            try
            {
                var token = _token ??= await LogInAsync();
                using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
                request.Headers.Authorization = token;
                if (method == HttpMethod.Post)
                    request.Headers.Add("Idempotency-Key", key);
                using var response = await _http.SendAsync(request);
                var text = await response.Content.ReadAsStringAsync();
                if (response.IsSuccessStatusCode)
                    return text;
                trouble = $"{(int)response.StatusCode} {text}";
                if (response.StatusCode == HttpStatusCode.Unauthorized)
                    _token = null;
                else if ((int)response.StatusCode < 500 && response.Headers.RetryAfter is null)
                    throw new ViolationException($"{method} {path} was answered {trouble}");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
            {
                trouble = e.Message;
            }

            if (TimeProvider.System.GetElapsedTime(since) > _givesUpAfter)
                throw new ViolationException($"{method} {path} is not answered after {_givesUpAfter.TotalMinutes:0.#} minutes: {trouble}");
            await Task.Delay(200);
        }
    }

    private async Task<AuthenticationHeaderValue?> LogInAsync()
    {
        using var response = await _http.PostAsJsonAsync("api/auth/login", new { email = _settings["Auth__Admin__Email"], password = _settings["Auth__Admin__Password"] });
        return response.IsSuccessStatusCode
            ? new AuthenticationHeaderValue("Bearer", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accessToken").GetString())
            : null;
    }
}

/// <summary>Something that must hold does not.</summary>
internal sealed class ViolationException(string message) : Exception(message);
