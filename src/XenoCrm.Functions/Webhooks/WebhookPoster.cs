using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Options;
using XenoCrm.Delivery;

namespace XenoCrm.Webhooks;

/// <param name="Error">Null: the receiver has it. See <see cref="WebhookAttempt"/>.</param>
/// <param name="RetryAfter">So long the receiver wants to be left alone.</param>
public sealed record PostResult(int? Status, string? Error, TimeSpan? RetryAfter = null)
{
    public bool IsTaken => Error is null;
}

/// <summary>Posts to receivers as Standard Webhooks has it: id, timestamp, and a signature by each valid secret.</summary>
public sealed class WebhookPoster(IHttpClientFactory clients, IOptions<WebhookOptions> options, TimeProvider clock)
{
    public const string ClientName = "webhook";

    public async Task<PostResult> PostAsync(WebhookSubscription subscription, string id, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        // The settings may have become stricter since it was subscribed.
        if (ReceiverAddress.Fault(subscription.Url, options.Value) is not null)
        {
            return new(null, "address_refused");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.Value.Timeout);
        try
        {
            using var request = Sign(subscription, id, body);
            using var response = await clients.CreateClient(ClientName).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return Read(response);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(null, "timeout");
        }
        catch (HttpRequestException exception)
        {
            return new(null, CodeOf(exception));
        }
    }

    private HttpRequestMessage Sign(WebhookSubscription subscription, string id, ReadOnlyMemory<byte> body)
    {
        var now = clock.GetUtcNow();
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = new HttpRequestMessage(HttpMethod.Post, subscription.Url) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", string.Join(' ', subscription.SecretsAt(now).Select(s => StandardWebhook.Sign(s.Key(), id, timestamp, body.Span))));
        request.Headers.UserAgent.ParseAdd("XenoCRM-Webhooks/1");
        return request;
    }

    private PostResult Read(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        if (response.IsSuccessStatusCode)
        {
            return new(status, null);
        }

        var retryAfter = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - clock.GetUtcNow() : null;
        return new(status, status is >= 300 and < 400 ? "redirect" : $"http_{status}", status is 429 or 503 ? retryAfter : null);
    }

    private static string CodeOf(HttpRequestException exception)
    {
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case AddressRefusedException:
                    return "address_refused";
                case AuthenticationException:
                    return "tls";
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                    return "dns";
            }
        }

        return "connection";
    }
}
