using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Webhooks;

namespace XenoCrm.Functions.Tests.Webhooks;

/// <summary>A request as a subscriber got it.</summary>
internal sealed record Hook(string Id, string Timestamp, string Signature, string Body)
{
    public IReadOnlyList<JsonElement> Events => JsonElement.Parse(Body) is { ValueKind: JsonValueKind.Array } array ? [.. array.EnumerateArray()] : [JsonElement.Parse(Body)];

    /// <summary>As the specification says it, and nothing of ours.</summary>
    public bool IsSignedBy(string secret)
    {
        using var hmac = new HMACSHA256(Convert.FromBase64String(secret["whsec_".Length..]));
        var expected = "v1," + Convert.ToBase64String(hmac.ComputeHash(Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.{Body}")));
        return Signature.Split(' ').Contains(expected);
    }
}

/// <summary>A subscriber's server, over real HTTP.</summary>
internal sealed class Subscriber : IAsyncDisposable
{
    private FakeServer? server;

    public ConcurrentQueue<Hook> Hooks { get; } = new();

    /// <summary>What it answers; an event counts as taken with 2xx alone.</summary>
    public Func<HttpContext, Hook, Task> Answer { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>What it has taken, each as often as it came.</summary>
    public ConcurrentQueue<JsonElement> Taken { get; } = new();

    public string Url => server!.Address + "hooks?for=crm";

    public IEnumerable<string> TakenTypes => Taken.Select(e => e.GetProperty("type").GetString()!);

    public static async Task<Subscriber> StartAsync()
    {
        var subscriber = new Subscriber();
        subscriber.server = await FakeServer.StartAsync(subscriber.TakeAsync);
        return subscriber;
    }

    public void AnswerWith(int status, params (string Name, string Value)[] headers) => Answer = (http, _) =>
    {
        http.Response.StatusCode = status;
        foreach (var (name, value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        return Task.CompletedTask;
    };

    public ValueTask DisposeAsync() => server!.DisposeAsync();

    private async Task TakeAsync(HttpContext http, Got got)
    {
        var headers = http.Request.Headers;
        var hook = new Hook(headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), got.Body);
        Hooks.Enqueue(hook);
        await Answer(http, hook);
        if (http.Response.StatusCode is >= 200 and < 300)
        {
            foreach (var e in hook.Events)
            {
                Taken.Enqueue(e);
            }
        }
    }
}

/// <summary>What tests do with subscriptions.</summary>
internal static class WebhookSteps
{
    public static readonly (string, string)[] Local = [("Webhooks:AllowHttp", "true"), ("Webhooks:AllowPrivateAddresses", "true")];

    private static readonly Caller Boss = new("u", "U", Role.Admin);

    public static Task<DeliveryHarness> StartAsync(DeliveryEmulator emulator, params (string, string)[] settings) => DeliveryHarness.StartAsync(emulator, [.. Local.ExceptBy(settings.Select(s => s.Item1), l => l.Item1), .. settings]);

    public static async Task<WebhookSubscription> SubscribeAsync(this DeliveryHarness harness, string url, bool batch = false, params WebhookEventType[] events) =>
        (await harness.Get<SaveSubscription>().CreateAsync(
            new("Warehouse", url, events.Length > 0 ? events : [.. Enum.GetValues<WebhookEventType>().Except([WebhookEventType.Test])], batch), Boss, default)).Value;

    public static async Task<WebhookSubscription> ReadAsync(this DeliveryHarness harness, WebhookSubscription subscription) =>
        (await harness.Get<WorkspaceStore<WebhookSubscription>>().ReadAsync(subscription.Id, default))!.Value;

    /// <summary>The log, oldest first.</summary>
    public static async Task<IReadOnlyList<WebhookDelivery>> LogAsync(this DeliveryHarness harness, WebhookSubscription subscription) =>
        [.. (await harness.Get<WebhookDeliveryStore>().PageAsync(subscription.Id, null, null, 1000, default)).Select(d => d.Value).Reverse()];

    /// <summary>Something to tell of: a campaign is launched, and nothing comes of it.</summary>
    public static async Task<string> HappenAsync(this DeliveryHarness harness)
    {
        var id = await harness.LaunchAsync();
        harness.Queues.Clear(CampaignTurn.Queue);
        await harness.Get<PublishEvents>().SweepCampaignsAsync(default);
        return id;
    }

    /// <summary>Calls a function with its attributes' JSON in and out.</summary>
    public static Task<ApiAnswer> CallAsync(
        this DeliveryHarness harness, Func<HttpRequest, Task<IResult>> call, string? body = null, string query = "", string? ifMatch = null) =>
        ApiCall.SendAsync(
            harness.Get<IServiceProvider>(),
            request =>
            {
                request.HttpContext.SetCaller(Boss);
                return call(request);
            },
            body, "application/json", query, ifMatch);
}
