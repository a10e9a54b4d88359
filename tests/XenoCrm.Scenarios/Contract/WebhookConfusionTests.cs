using System.Net;
using System.Text;

namespace XenoCrm.Scenarios.Contract;

/// <summary>Three vendors sign in three ways: none of their posts is one of another's.</summary>
[Collection(ContractSystem.Collection)]
public class WebhookConfusionTests(ContractSystem system)
{
    private const string Message = "0197f0c9e1b87c3f8a3d5b2e6f1a4c05.0.0";

    private static readonly (string Path, string Type, string Body)[] s_posts =
    [
        ("api/webhooks/receipts", "application/json", $$"""[{"messageId":"{{Message}}","status":"delivered","at":"2026-02-03T17:20:00Z","eventId":"c-1"}]"""),
        ("api/webhooks/sendgrid", "application/json", $$"""[{"event":"delivered","timestamp":1770139200,"sg_event_id":"c-2","xeno_message_id":"{{Message}}"}]"""),
        ($"api/webhooks/twilio?message={Message}", "application/x-www-form-urlencoded", "MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered"),
    ];

    [Fact]
    public async Task What_is_signed_for_one_route_opens_no_other()
    {
        foreach (var signed in s_posts)
        {
            (await PostAsync(signed.Path, signed, signed.Path)).ShouldBe(HttpStatusCode.NoContent, signed.Path);
            foreach (var other in s_posts.Where(o => o != signed))
            {
                (await PostAsync(signed.Path, signed, other.Path)).ShouldBe(HttpStatusCode.Unauthorized, $"{signed.Path} at {other.Path}");

                // The body that belongs there, under the signature of the other.
                (await PostAsync(signed.Path, signed, other.Path, other.Body)).ShouldBe(HttpStatusCode.Unauthorized, $"{other.Path} with the signature of {signed.Path}");
            }
        }
    }

    [Fact]
    public async Task A_signature_is_good_for_its_body_and_its_address_alone_and_a_repeat_is_taken_without_effect()
    {
        foreach (var signed in s_posts)
        {
            (await PostAsync(signed.Path, signed, signed.Path, signed.Body.Replace("delivered", "failed", StringComparison.Ordinal))).ShouldBe(HttpStatusCode.Unauthorized, signed.Path);
            using var request = new HttpRequestMessage(HttpMethod.Post, signed.Path);
            system.Sign(request, Encoding.UTF8.GetBytes(signed.Body));
            var headers = request.Headers.Select(h => (h.Key, h.Value.Single())).ToList();
            (await SendAsync(headers, signed, signed.Path, signed.Body)).ShouldBe(HttpStatusCode.NoContent);
            (await SendAsync(headers, signed, signed.Path, signed.Body)).ShouldBe(HttpStatusCode.NoContent, "a vendor that has missed the answer sends it again");
            foreach (var (name, value) in headers)
            {
                // Without one of the headers, and with it twice.
                (await SendAsync([.. headers.Where(h => h.Key != name)], signed, signed.Path, signed.Body)).ShouldBe(HttpStatusCode.Unauthorized, name);
                (await SendAsync([.. headers.Where(h => h.Key != name), (name, value + "," + value)], signed, signed.Path, signed.Body)).ShouldBe(HttpStatusCode.Unauthorized, name);
            }
        }
        var twilio = s_posts[2];
        (await PostAsync(twilio.Path, twilio, twilio.Path.Replace(".0.0", ".0.1", StringComparison.Ordinal))).ShouldBe(HttpStatusCode.Unauthorized, "another message");
        (await PostAsync(twilio.Path, twilio, twilio.Path + "&message=other")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    private async Task<HttpStatusCode> PostAsync(string signedFor, (string Path, string Type, string Body) signed, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, signedFor);
        system.Sign(request, Encoding.UTF8.GetBytes(signed.Body));
        return await SendAsync([.. request.Headers.Select(h => (h.Key, h.Value.Single()))], signed, path, body ?? signed.Body);
    }

    private async Task<HttpStatusCode> SendAsync(IReadOnlyList<(string Key, string Value)> headers, (string Path, string Type, string Body) signed, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8) };
        request.Content.Headers.ContentType = new(signed.Type);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await system.Http.SendAsync(request);
        return answer.StatusCode;
    }
}
