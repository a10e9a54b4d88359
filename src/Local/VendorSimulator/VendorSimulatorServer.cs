using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace XenoCrm.Local.VendorSimulator;

/// <summary>The delivery vendor over HTTP (README.md has the protocol), in this process.</summary>
public sealed class VendorSimulatorServer : IAsyncDisposable
{
    private const int MaxBody = 64 * 1024 * 1024; // 1,000 messages of 64 KB

    private readonly VendorOptions _options;
    private readonly TimeProvider _time;
    private readonly MessageBook _book;
    private readonly ReceiptPoster _poster;
    private readonly Random _mishaps;
    private readonly Lock _mishapsLock = new();
    private WebApplication? _app;

    private VendorSimulatorServer(VendorOptions options, TimeProvider time, Action<string> log)
    {
        options.Validate();
        _options = options;
        _time = time;
        _mishaps = new Random(options.Seed);
        _book = new MessageBook(options, time);
        _poster = new ReceiptPoster(options, _book, time, OutageLeft, log);
        foreach (var (receipt, atMs) in _book.TakeUnacknowledged())
            _poster.Schedule([receipt], atMs);
    }

    public Uri Address { get; private set; } = null!;

    public static async Task<VendorSimulatorServer> StartAsync(VendorOptions options, TimeProvider? time = null, Action<string>? log = null)
    {
        var server = new VendorSimulatorServer(options, time ?? TimeProvider.System, log ?? (_ => { }));
        try
        {
            await server.ListenAsync();
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
        return server;
    }

    public VendorAudit Audit()
    {
        var counts = _book.Snapshot();
        return new VendorAudit(counts.Distinct, counts.Carried, counts.Asked, counts.Repeated,
            new Dictionary<string, long>
            {
                ["accepted"] = counts.Distinct - counts.Delivered - counts.Failed - counts.Rejected,
                ["delivered"] = counts.Delivered,
                ["failed"] = counts.Failed,
                ["rejected"] = counts.Rejected,
            },
            counts.Posted, counts.Acknowledged, counts.Owed - counts.Acknowledged);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        await _poster.DisposeAsync();
        _book.Dispose();
    }

    private async Task ListenAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, _options.Port);
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            kestrel.AddServerHeader = false;
        });
        builder.Services.AddRoutingCore();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        var app = _app = builder.Build();
        app.UseRouting();
        app.MapGet("/health", (HttpContext http) => http.Response.WriteAsync("ok"));
        app.MapPost("/v1/messages", AcceptAsync);
        app.MapGet("/v1/messages/{id}", FindAsync);
        app.MapGet("/v1/audit", (HttpContext http) => WriteAsync(http, Audit(), VendorJson.Default.VendorAudit));
        app.MapGet("/v1/audit/messages", AuditMessagesAsync);
        await app.StartAsync();
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    private async Task AcceptAsync(HttpContext http)
    {
        if (!await AuthorisedAsync(http) || !await AvailableAsync(http))
            return;
        List<MessageRequest> messages;
        string? receiptUrl;
        try
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            (messages, receiptUrl) = MessageRequest.ReadRequest(body.RootElement);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            await ProblemAsync(http, StatusCodes.Status400BadRequest, "invalid_request", e.Message);
            return;
        }
        var (results, receipts) = _book.Accept(messages, receiptUrl);
        _poster.Schedule(receipts, _time.GetUtcNow().ToUnixTimeMilliseconds());
        if (Mishap(_options.HangPercent))
        {
            await Task.Delay(_options.Hang, _time, CancellationToken.None);
            http.Abort();
            return;
        }
        await WriteAsync(http, new MessageResults(results), VendorJson.Default.MessageResults);
    }

    private async Task FindAsync(HttpContext http)
    {
        if (!await AuthorisedAsync(http) || !await AvailableAsync(http))
            return;
        if (_book.Find((string)http.Request.RouteValues["id"]!) is { } status)
            await WriteAsync(http, status, VendorJson.Default.MessageStatus);
        else
            await ProblemAsync(http, StatusCodes.Status404NotFound, "message_unknown", "No message with this id was ever asked for.");
    }

    private async Task AuditMessagesAsync(HttpContext http)
    {
        http.Response.ContentType = "application/x-ndjson";
        foreach (var message in _book.All())
        {
            JsonSerializer.Serialize(new Utf8JsonWriter(http.Response.BodyWriter), message, VendorJson.Default.MessageStatus);
            http.Response.BodyWriter.Write("\n"u8);
            if (http.Response.BodyWriter.UnflushedBytes > 64 * 1024)
                await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }
    }

    private async ValueTask<bool> AuthorisedAsync(HttpContext http)
    {
        if (_options.ApiKey is null)
            return true;
        const string scheme = "Bearer ";
        var header = http.Request.Headers.Authorization.ToString();
        if (header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(header[scheme.Length..].Trim()), Encoding.UTF8.GetBytes(_options.ApiKey)))
            return true;
        await ProblemAsync(http, StatusCodes.Status401Unauthorized, "unauthorized", "Send the API key as 'Authorization: Bearer <key>'.");
        return false;
    }

    private async ValueTask<bool> AvailableAsync(HttpContext http)
    {
        if (OutageLeft() > TimeSpan.Zero)
            await ProblemAsync(http, StatusCodes.Status503ServiceUnavailable, "outage", "The vendor is down.");
        else if (Mishap(_options.Answer429Percent))
        {
            http.Response.Headers.RetryAfter = "1";
            await ProblemAsync(http, StatusCodes.Status429TooManyRequests, "too_many_requests", "Try again in a second.");
        }
        else if (Mishap(_options.Answer500Percent))
            await ProblemAsync(http, StatusCodes.Status500InternalServerError, "internal", "Something went wrong before anything was accepted.");
        else
            return true;
        return false;
    }

    private bool Mishap(double percent)
    {
        if (percent == 0)
            return false;
        lock (_mishapsLock)
            return _mishaps.NextDouble() * 100 < percent;
    }

    private TimeSpan OutageLeft()
    {
        if (_options.OutageLength == TimeSpan.Zero || _book.FirstAcceptedMs is not { } first)
            return TimeSpan.Zero;
        var start = DateTimeOffset.FromUnixTimeMilliseconds(first) + _options.OutageAfter;
        var now = _time.GetUtcNow();
        return now >= start && now < start + _options.OutageLength ? start + _options.OutageLength - now : TimeSpan.Zero;
    }

    private static Task ProblemAsync(HttpContext http, int status, string code, string detail)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/problem+json";
        return http.Response.WriteAsync($$"""{"status":{{status}},"code":"{{code}}","detail":{{JsonSerializer.Serialize(detail, VendorJson.Default.String)}}}""");
    }

    private static async Task WriteAsync<T>(HttpContext http, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        JsonSerializer.Serialize(json, value, type);
    }
}
