using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class GenericHttpVendorTests
{
    [Fact]
    public async Task Writes_the_protocol_and_reads_the_results()
    {
        HttpRequestMessage? sent = null;
        JsonElement body = default;
        var results = await SendAsync(async request =>
        {
            sent = request;
            body = JsonDocument.Parse(await request.Content!.ReadAsStringAsync()).RootElement;
            return Json("""{"results":[{"id":"c.0.0","status":"accepted","vendorMessageId":"v","repeated":false},{"id":"c.0.1","status":"rejected","reason":"bad"},{"id":"c.0.2","status":"rejected","reason":"later","retryable":true}]}""");
        });

        results.ShouldBe([new(VendorAnswer.Accepted, null), new(VendorAnswer.Rejected, "bad"), new(VendorAnswer.Deferred, "later")]);
        sent!.RequestUri.ShouldBe(new Uri("http://vendor.test/base/v1/messages"));
        sent.Headers.Authorization!.ToString().ShouldBe("Bearer key");
        body.GetProperty("receiptUrl").GetString().ShouldBe("https://crm.test/api/webhooks/receipts");
        var messages = body.GetProperty("messages").EnumerateArray().ToList();
        messages.Select(m => m.GetProperty("id").GetString()).ShouldBe(["c.0.0", "c.0.1", "c.0.2"]);
        messages[1].GetRawText().ShouldBe("""{"id":"c.0.1","channel":"email","to":"1@example.com","from":"shop@example.com","subject":"Grüße \"1\"","html":"<p>1</p>","headers":{"List-Unsubscribe":"<https://u.test/1>","List-Unsubscribe-Post":"List-Unsubscribe=One-Click"}}""");
    }

    [Theory]
    [InlineData(429, VendorFailure.NotTaken)]
    [InlineData(503, VendorFailure.NotTaken)]
    [InlineData(401, VendorFailure.NotTaken)]
    [InlineData(500, VendorFailure.Ambiguous)]
    [InlineData(502, VendorFailure.Ambiguous)]
    [InlineData(504, VendorFailure.Ambiguous)]
    public async Task Tells_what_was_not_taken_from_what_may_have_been(int status, VendorFailure failure)
    {
        var exception = await Should.ThrowAsync<VendorException>(() => SendAsync(_ =>
        {
            var response = new HttpResponseMessage((HttpStatusCode)status);
            response.Headers.RetryAfter = new(TimeSpan.FromSeconds(7));
            return Task.FromResult(response);
        }));
        exception.Failure.ShouldBe(failure);
        exception.RetryAfter.ShouldBe(TimeSpan.FromSeconds(7));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("not json")]
    [InlineData("""{"results":[{"id":"c.0.0","status":"accepted"}]}""")]
    [InlineData("""{"results":[{"id":"c.0.1","status":"accepted"},{"id":"c.0.0","status":"accepted"},{"id":"c.0.2","status":"accepted"}]}""")]
    public async Task An_answer_that_makes_no_sense_may_still_mean_that_the_messages_were_taken(string answer) =>
        (await Should.ThrowAsync<VendorException>(() => SendAsync(_ => Task.FromResult(Json(answer))))).Failure.ShouldBe(VendorFailure.Ambiguous);

    [Fact]
    public async Task A_time_out_is_ambiguous_and_a_refused_connection_is_not()
    {
        (await Should.ThrowAsync<VendorException>(() => SendAsync(async _ =>
        {
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            return Json("{}");
        }))).Failure.ShouldBe(VendorFailure.Ambiguous);
        (await Should.ThrowAsync<VendorException>(() => SendAsync(_ => throw new HttpRequestException(HttpRequestError.ConnectionError)))).Failure.ShouldBe(VendorFailure.NotTaken);
        (await Should.ThrowAsync<VendorException>(() => SendAsync(_ => throw new HttpRequestException(HttpRequestError.ResponseEnded)))).Failure.ShouldBe(VendorFailure.Ambiguous);
    }

    private static async Task<IReadOnlyList<VendorResult>> SendAsync(Func<HttpRequestMessage, Task<HttpResponseMessage>> answer)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["PublicBaseAddress"] = "https://crm.test/" }).Build();
        var options = Options.Create(new GenericVendorOptions { BaseAddress = "http://vendor.test/base/", ApiKey = "key", Timeout = TimeSpan.FromMilliseconds(300) });
        var vendor = new GenericHttpVendor(new Clients(new Handler(answer)), options, configuration);
        var messages = Enumerable.Range(0, 3).Select(i => new VendorMessage(
            $"c.0.{i}", Channel.Email, $"{i}@example.com", "shop@example.com", () => new($"Grüße \"{i}\"", $"<p>{i}</p>", null, "https://u.test/1")));
        return await vendor.SendAsync([.. messages], TestContext.Current.CancellationToken);
    }

    private static HttpResponseMessage Json(string text) => new(HttpStatusCode.OK) { Content = new StringContent(text, Encoding.UTF8, "application/json") };

    private sealed class Clients(HttpMessageHandler handler) : IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => new(handler, disposeHandler: false);
    }

    private sealed class Handler(Func<HttpRequestMessage, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            answer(request).WaitAsync(cancellationToken);
    }
}
