using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace XenoCrm.Scenarios.Vendor;

/// <summary>The other side of the vendor's webhook: checks every signature and keeps every receipt.</summary>
public sealed class ReceiptReceiver : IAsyncDisposable
{
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private readonly WebApplication _app;

    private ReceiptReceiver(WebApplication app) => _app = app;

    public ConcurrentQueue<(string MessageId, string Status, string EventId, string? Reason)> Receipts { get; } = new();
    public ConcurrentQueue<(string WebhookId, int Count)> Posts { get; } = new();

    /// <summary>What the receiver answers; by default 204.</summary>
    public Func<int> Answer { get; set; } = () => StatusCodes.Status204NoContent;

    public string Url { get; private set; } = "";

    public static async Task<ReceiptReceiver> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var receiver = new ReceiptReceiver(app);
        app.Run(receiver.ReceiveAsync);
        await app.StartAsync();
        receiver.Url = app.Urls.First() + "/receipts";
        return receiver;
    }

    public Dictionary<string, string> FinalStatus() => Receipts.Where(r => r.Status is "delivered" or "failed")
        .GroupBy(r => r.MessageId).ToDictionary(g => g.Key, g => g.Select(r => r.Status).Distinct().ShouldHaveSingleItem());

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext http)
    {
        using var memory = new MemoryStream();
        await http.Request.Body.CopyToAsync(memory);
        var body = memory.ToArray();
        var id = http.Request.Headers["webhook-id"].ToString();
        var timestamp = http.Request.Headers["webhook-timestamp"].ToString();
        var signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        var expected = "v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(Secret[6..]), signed));
        if (http.Request.Headers["webhook-signature"] != expected)
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        var status = Answer();
        http.Response.StatusCode = status;
        Posts.Enqueue((id, JsonDocument.Parse(body).RootElement.GetArrayLength()));
        if (status >= 300)
            return;
        foreach (var r in JsonDocument.Parse(body).RootElement.EnumerateArray())
        {
            r.GetProperty("at").GetDateTimeOffset();
            r.GetProperty("vendorMessageId").GetString().ShouldNotBeNullOrEmpty();
            Receipts.Enqueue((r.GetProperty("messageId").GetString()!, r.GetProperty("status").GetString()!, r.GetProperty("eventId").GetString()!,
                r.TryGetProperty("reason", out var reason) ? reason.GetString() : null));
        }
    }
}
