using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.AppHost;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Contract;

/// <summary>One running system for all tests of the API's contract, and the document that it serves.</summary>
public sealed class ContractSystem : IAsyncLifetime
{
    public const string Collection = "contract";
    private const string TwilioToken = "a-token-of-this-test";

    private readonly TemporaryFolder _folder = new();
    private readonly ECDsa _sendGrid = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public AppHostProcess System { get; private set; } = null!;

    /// <summary>As administrator.</summary>
    public HttpClient Http { get; private set; } = null!;
    public string Token { get; private set; } = null!;
    public string Email { get; private set; } = null!;
    public string Password { get; private set; } = null!;
    public ApiDocument Document { get; private set; } = null!;

    /// <summary>What the processes have logged so far.</summary>
    public IReadOnlyList<(string Name, string Text)> Logs() =>
    [
        .. Directory.GetFiles(Path.Combine(_folder.Path, "data", "logs")).Select(file =>
        {
            using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return (Path.GetFileName(file), reader.ReadToEnd());
        }),
    ];

    /// <summary>For what a test writes.</summary>
    public string Scratch => _folder.Path;

    public async ValueTask InitializeAsync()
    {
        var environment = new Dictionary<string, string>
        {
            ["Vendors__SendGrid__PublicKeys__0"] = Convert.ToBase64String(_sendGrid.ExportSubjectPublicKeyInfo()),
            ["Vendors__Twilio__AuthToken"] = TwilioToken,

            // Tens of thousands of requests of one caller within a minute are what these tests are about.
            ["RateLimits__Requests"] = "100000000",
            ["RateLimits__SignIns"] = "100000000",
        };
        System = await AppHostProcess.StartAsync(Path.Combine(_folder.Path, "data"), AppHostProcess.FreePortBase(), environment);
        var settings = LocalSettings.Load();
        (Email, Password) = (settings["Auth__Admin__Email"], settings["Auth__Admin__Password"]);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = System.Api };
        Token = await LogInAsync(Email, Password);
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        Document = new ApiDocument(JsonNode.Parse(await Http.GetStringAsync("api/openapi.json"))!.AsObject());
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        _sendGrid.Dispose();
        if (System is not null)
            await System.DisposeAsync();
        _folder.Dispose();
    }

    /// <returns>The token.</returns>
    public async Task<string> LogInAsync(string email, string password)
    {
        using var login = await Http.PostAsync("api/auth/login", new StringContent(JsonSerializer.Serialize(new { email, password }), Encoding.UTF8, "application/json"));
        return JsonNode.Parse(await login.Content.ReadAsStringAsync())!["accessToken"]!.GetValue<string>();
    }

    /// <summary>Signs what comes from vendors as each of them does.</summary>
    public void Sign(HttpRequestMessage request, byte[] body)
    {
        var path = request.RequestUri!.OriginalString.TrimStart('/');
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString();
        if (path.StartsWith("api/webhooks/receipts", StringComparison.Ordinal))
        {
            var key = Convert.FromBase64String(LocalSettings.Load()["Vendors__Generic__ReceiptSecrets__0"]["whsec_".Length..]);
            var id = $"msg_{Guid.NewGuid():N}";
            var signed = HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{id}.{at}."), .. body]);
            request.Headers.Add("webhook-id", id);
            request.Headers.Add("webhook-timestamp", at);
            request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(signed)}");
        }
        else if (path.StartsWith("api/webhooks/sendgrid", StringComparison.Ordinal))
        {
            var signature = _sendGrid.SignData((byte[])[.. Encoding.UTF8.GetBytes(at), .. body], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            request.Headers.Add("X-Twilio-Email-Event-Webhook-Signature", Convert.ToBase64String(signature));
            request.Headers.Add("X-Twilio-Email-Event-Webhook-Timestamp", at);
        }
        else if (path.StartsWith("api/webhooks/twilio", StringComparison.Ordinal))
        {
            var fields = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body)).OrderBy(f => f.Key, StringComparer.Ordinal);
            var text = $"{System.Api.ToString().TrimEnd('/')}/{path}{string.Concat(fields.Select(f => f.Key + f.Value))}";
#pragma warning disable CA5350 // Twilio signs with SHA-1.
            request.Headers.Add("X-Twilio-Signature", Convert.ToBase64String(HMACSHA1.HashData(Encoding.UTF8.GetBytes(TwilioToken), Encoding.UTF8.GetBytes(text))));
#pragma warning restore CA5350
        }
    }
}

[CollectionDefinition(ContractSystem.Collection)]
public sealed class ContractCollection : ICollectionFixture<ContractSystem>;
