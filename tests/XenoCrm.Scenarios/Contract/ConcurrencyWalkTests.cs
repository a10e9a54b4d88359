using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace XenoCrm.Scenarios.Contract;

/// <summary>Every resource that can be changed, changed by somebody who has not seen the last change.</summary>
[Collection(ContractSystem.Collection)]
public class ConcurrencyWalkTests(ContractSystem system)
{
    /// <summary>Have no version: made once and taken away, or an entry of a list that belongs to all.</summary>
    private static readonly string[] s_unversioned = ["RevokeApiKey", "RemoveSuppression", "ForgetImportMapping", "DeclareCustomerAttribute", "DeleteCustomerAttribute"];

    private readonly HashSet<string> _walked = [];

    [Fact]
    public async Task A_stale_ETag_is_412_and_a_missing_one_428_where_it_is_required()
    {
        var tag = Guid.NewGuid().ToString("N")[..8];
        var content = new { subject = "Hello", html = "<p>Hello <a href=\"{{unsubscribeUrl}}\">Out</a></p>", from = "Shop <news@shop.example>" };
        var rule = new { combinator = "and", rules = new[] { new { field = "city", @operator = "=", value = tag } } };

        var user = await CreateAsync("users", new { email = $"etag.{tag}@example.com", name = "Etag", role = "viewer", password = "eleven grey lanterns at noon" });
        await WalkAsync($"users/{user}", ("PatchUser", new { name = "Other" }), ("DeleteUser", null));
        var customer = await CreateAsync("customers", new { externalId = $"E-{tag}" });
        var order = await CreateAsync("orders", new { orderNumber = $"E-{tag}", customer = new { id = customer }, amount = 5 });
        await WalkAsync($"orders/{order}", ("PatchOrder", new { status = "paid" }), ("DeleteOrder", null));
        await WalkAsync($"customers/{customer}", ("PatchCustomer", new { city = tag }), ("ReplaceCustomer", new { externalId = $"E-{tag}", company = tag }), ("DeleteCustomer", null));
        var segment = await CreateAsync("segments", new { name = tag, rule });
        var template = await CreateAsync("templates", new { name = tag, channel = "email", content });
        await WalkAsync($"templates/{template}", ("UpdateTemplate", new { name = tag + "x", channel = "email", content }), ("DeleteTemplate", null));
        var campaign = await CreateAsync("campaigns", new { name = tag, channel = "email", segmentId = segment, content });
        await SendAsync("POST", $"campaigns/{campaign}/schedule", new { at = "2030-03-20T09:00:00Z" }, null);
        await StaleAsync("UnscheduleCampaign", "DELETE", $"campaigns/{campaign}/schedule", null, $"campaigns/{campaign}");
        await WalkAsync($"campaigns/{campaign}", ("UpdateCampaign", new { name = tag + "x", channel = "email", segmentId = segment, content }), ("DeleteCampaign", null));
        await WalkAsync($"segments/{segment}", ("ReplaceSegment", new { name = tag + "x", rule }), ("DeleteSegment", null));
        var hook = await CreateAsync("webhook-subscriptions", new { name = tag, url = "http://127.0.0.1:9/hooks", events = new[] { "campaign.completed" } });
        await WalkAsync($"webhook-subscriptions/{hook}", ("PatchWebhookSubscription", new { name = tag + "x" }), ("DeleteWebhookSubscription", null));

        var changing = system.Document.Operations.Where(o => o.Method is "PUT" or "PATCH" or "DELETE").Select(o => o.Id).ToList();
        changing.Count.ShouldBeGreaterThan(15);
        changing.Except(_walked).Except(s_unversioned).ShouldBeEmpty("walk these too");
        system.Document.Operations.Where(o => o.NeedsIfMatch).Select(o => o.Id).Except(_walked).ShouldBe(["RotateWebhookSecret"], "it is a post, and has a test of its own");
    }

    private async Task WalkAsync(string path, params (string Operation, object? Body)[] changes)
    {
        foreach (var (operation, body) in changes)
        {
            var method = system.Document.Operations.Single(o => o.Id == operation).Method;
            await StaleAsync(operation, method, path, body, path);
        }
    }

    /// <summary>Without an ETag, with one of another version, with the right one.</summary>
    private async Task StaleAsync(string id, string method, string path, object? body, string resource)
    {
        _walked.Add(id);
        var operation = system.Document.Operations.Single(o => o.Id == id);
        operation.Statuses.ShouldContain(412, id);
        operation.Statuses.Contains(428).ShouldBe(operation.NeedsIfMatch, id);
        var etag = await ETagAsync(resource);
        if (operation.NeedsIfMatch)
            await ShouldBeAsync(id, method, path, body, null, 428, "request.if_match_required");
        await ShouldBeAsync(id, method, path, body, "\"00000000-0000-0000-0000-000000000000\"", 412, "request.etag_stale");
        (await ETagAsync(resource)).ShouldBe(etag, $"{id}: what was refused has changed nothing");
        var (status, text) = await SendAsync(method, path, body, etag);
        status.ShouldBeInRange(200, 299, $"{id}: {text}");
        if (method != "DELETE")
            await ShouldBeAsync(id, method, path, body, etag, 412, "request.etag_stale");
    }

    private async Task ShouldBeAsync(string id, string method, string path, object? body, string? etag, int status, string code)
    {
        var (got, text) = await SendAsync(method, path, body, etag);
        got.ShouldBe(status, $"{id} {etag}: {text}");
        JsonNode.Parse(text)!["code"]!.GetValue<string>().ShouldBe(code, id);
    }

    private async Task<string> ETagAsync(string path)
    {
        using var answer = await system.Http.GetAsync("api/" + path);
        ((int)answer.StatusCode).ShouldBe(200, path);
        return answer.Headers.TryGetValues("ETag", out var values) ? values.Single() : throw new ShouldAssertException($"{path} has no ETag");
    }

    private async Task<string> CreateAsync(string path, object body)
    {
        var (status, text) = await SendAsync("POST", path, body, null);
        status.ShouldBe(201, text);
        var answer = JsonNode.Parse(text)!;
        return (answer["subscription"] ?? answer)["id"]!.GetValue<string>();
    }

    private async Task<(int Status, string Text)> SendAsync(string method, string path, object? body, string? etag)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "api/" + path);
        if (body is not null)
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        if (etag is not null)
            request.Headers.TryAddWithoutValidation("If-Match", etag);
        using var response = await system.Http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
