using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Campaigns;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class SendGridCampaignTests(DeliveryEmulator emulator)
{
    private const int Audience = 120;
    private const int MaxRequests = 8;

    [Fact]
    public async Task Each_message_is_taken_at_most_once_whatever_is_answered_and_no_more_requests_are_under_way_than_allowed()
    {
        var (underWay, most, requests) = (0, 0, 0);
        var two = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var refused = new ConcurrentDictionary<string, bool>();
        var taken = new ConcurrentDictionary<string, int>();
        await using var server = await FakeServer.StartAsync(async (http, got) =>
        {
            lock (taken)
            {
                most = Math.Max(most, ++underWay);
                if (most == 2)
                {
                    two.TrySetResult();
                }
            }

            var message = JsonDocument.Parse(got.Body).RootElement.GetProperty("personalizations")[0];
            var id = message.GetProperty("custom_args").GetProperty("xeno_message_id").GetString()!;
            var status = message.GetProperty("to")[0].GetProperty("email").GetString() switch
            {
                "c13@example.com" => 400,
                "c14@example.com" => 500,
                _ => Interlocked.Increment(ref requests) % 7 == 3 && refused.TryAdd(id, true) ? 429 : 202,
            };
            if (status is 202 or 500)
            {
                taken.AddOrUpdate(id, 1, (_, n) => n + 1);
            }

            // The first one is not answered before another has come.
            await two.Task.WaitAsync(http.RequestAborted);
            await Task.Delay(10);
            http.Response.StatusCode = status;
            http.Response.Headers["X-RateLimit-Reset"] = TimeProvider.System.GetUtcNow().AddSeconds(1).ToUnixTimeSeconds().ToString();
            lock (taken)
            {
                underWay--;
            }

            if (status == 400)
            {
                await http.Response.WriteAsync("""{"errors":[{"message":"Does not contain a valid address.","field":"personalizations.0.to.0.email","help":null}]}""");
            }
        });
        await using var harness = await DeliveryHarness.StartAsync(
            emulator, ("Vendors:Email:0", "sendgrid"), ("Vendors:SendGrid:BaseAddress", server.Address), ("Vendors:SendGrid:ApiKey", "SG.key"),
            ("Vendors:SendGrid:From", "news@shop.example"), ("Vendors:SendGrid:MaxRequests", $"{MaxRequests}"));
        await harness.AddCustomersAsync(Enumerable.Range(1, Audience));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();

        var s = await harness.LedgerAsync(id);
        (s.State, s.Sent, s.Failed, s.Unknown).ShouldBe((CampaignState.Completed, Audience - 2, 1, 1));
        s.Reasons.ShouldBe(new Dictionary<string, int> { ["invalid_recipient"] = 1, ["interrupted"] = 1 }, ignoreOrder: true);
        taken.Count.ShouldBe(Audience - 1);
        taken.Values.ShouldAllBe(n => n == 1);
        refused.ShouldNotBeEmpty();
        most.ShouldBeInRange(2, MaxRequests);
        (await harness.BatchesAsync(id)).SelectMany(b => b.Vendors!).Distinct().ShouldBe(["sendgrid"]);
    }
}
