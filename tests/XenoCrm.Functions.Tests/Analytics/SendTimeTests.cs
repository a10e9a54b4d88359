using System.Collections.Concurrent;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Analytics;

public sealed class SendTimeTests(DeliveryEmulator emulator)
{
    private const int EveryonesHour = 18;

    private static readonly string[] Zones = ["Asia/Tokyo", "Europe/Zurich", "America/New_York", "Asia/Kolkata"];

    [Fact]
    public async Task A_campaign_at_the_best_time_comes_to_each_at_their_hour_and_to_the_others_at_everybodys()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await PeopleAsync(harness);
        var sentAt = new ConcurrentDictionary<string, DateTimeOffset>();
        harness.Vendor.Taken = messages =>
        {
            messages.ToList().ForEach(m => sentAt[m.To] = harness.Clock.GetUtcNow());
            return Task.CompletedTask;
        };
        var id = await harness.LaunchAsync(c => c with { Sending = new(BestTime: true) });
        var launched = harness.Clock.GetUtcNow();
        await harness.RunAsync();

        sentAt.Count.ShouldBe(160);
        foreach (var number in Enumerable.Range(1, 160))
        {
            var customer = await harness.CustomerAsync(number);
            var at = sentAt[customer.Email!];
            var local = TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById(customer.TimeZone!));
            local.Hour.ShouldBe(HourOf(number), $"{number} {local:O}");
            (at - launched).ShouldBeLessThan(TimeSpan.FromHours(25));
        }

        (await harness.LedgerAsync(id)).Sent.ShouldBe(160);
        harness.Vendor.Carried.ShouldBeUnique();
    }

    [Fact]
    public async Task Without_enough_answers_it_comes_when_the_campaign_does()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 30), c => c with { TimeZone = Zones[0] });
        await harness.AddCustomersAsync([31], c => Answering(c with { TimeZone = Zones[1] }, 3, 7));
        var launched = harness.Clock.GetUtcNow();
        await harness.LaunchAsync(c => c with { Sending = new(BestTime: true) });
        await harness.RunAsync(until: () => harness.Vendor.Carried.Count == 31);
        (harness.Clock.GetUtcNow() - launched).ShouldBeLessThan(TimeSpan.FromHours(1));
        var view = (await harness.SendTimeAsync($"?customerId={Samples.Customer(31).Id}")).ShouldBe(200);
        (view["evidence"].GetString(), view.Body.TryGetProperty("hour", out _), view.Body.TryGetProperty("basis", out _), view["messages"].GetInt32()).ShouldBe(("notEnoughData", false, false, 3));
    }

    [Fact]
    public async Task The_route_tells_the_hour_the_sample_and_the_interval_of_a_customer_a_segment_and_everybody()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var empty = (await harness.SendTimeAsync()).ShouldBe(200);
        (empty["evidence"].GetString(), empty.Body.TryGetProperty("hour", out _), empty["messages"].GetInt32(), empty["hours"].GetArrayLength()).ShouldBe(("notEnoughData", false, 0, 24));

        await PeopleAsync(harness);
        (await harness.SendTimeAsync())["messages"].GetInt32().ShouldBe(0, "It is kept for a day.");
        var all = (await harness.SendTimeAsync("?fresh=true")).ShouldBe(200);
        (all["hour"].GetInt32(), all["basis"].GetString(), all["evidence"].GetString(), all["customers"].GetInt32(), all["messages"].GetInt32()).ShouldBe((EveryonesHour, "own", "found", 140, 1045));
        all["hours"].EnumerateArray().Sum(h => h.GetProperty("messages").GetInt32()).ShouldBe(1045);
        all["hours"].EnumerateArray().Sum(h => h.GetProperty("share").GetDouble()).ShouldBe(1, 1e-4);

        var own = (await harness.SendTimeAsync(body: $$"""{ "customerId": "{{Samples.Customer(1).Id}}" }""")).ShouldBe(200);
        (own["hour"].GetInt32(), own["basis"].GetString(), own["evidence"].GetString(), own["messages"].GetInt32()).ShouldBe((HourOf(1), "own", "found", 8));
        var share = own["share"];
        (share.GetProperty("expected").GetDouble() < share.GetProperty("low").GetDouble() && share.GetProperty("low").GetDouble() < share.GetProperty("value").GetDouble()
            && share.GetProperty("value").GetDouble() < share.GetProperty("high").GetDouble()).ShouldBeTrue(own.Text);
        var none = (await harness.SendTimeAsync($"?customerId={Samples.Customer(150).Id}")).ShouldBe(200);
        (none["hour"].GetInt32(), none["basis"].GetString(), none["evidence"].GetString(), none["messages"].GetInt32()).ShouldBe((EveryonesHour, "everybody", "notEnoughData", 0));

        await harness.Get<WorkspaceStore<Segment>>().TryCreateAsync(
            new() { Id = "owls", Name = "Owls", Version = 1, CreatedAt = Samples.Noon, UpdatedAt = Samples.Noon, Rule = System.Text.Json.JsonElement.Parse("""{ "combinator": "and", "rules": [] }""") }, default);
        var owls = (await harness.SendTimeAsync("?segmentId=owls")).ShouldBe(200);
        (owls["hour"].GetInt32(), owls["basis"].GetString(), owls["messages"].GetInt32(), owls["customers"].GetInt32()).ShouldBe((HourOf(1), "own", 160, 20));

        (await harness.SendTimeAsync("?segmentId=nobody")).ShouldBeProblem(404, "segment.not_found");
        (await harness.SendTimeAsync("?customerId=00000000000000000000000000000000")).ShouldBeProblem(404, "customer.not_found");
        (await harness.SendTimeAsync("?customerId=a&segmentId=b")).ShouldBeProblem(400, "request.invalid", "/segmentId");
        (await harness.SendTimeAsync(body: """{ "customerId": "a", "segmentId": "b" }""")).ShouldBeProblem(400, "request.invalid", "/segmentId");
        (await harness.SendTimeAsync("?fresh=yes")).ShouldBeProblem(400, "request.invalid", "/fresh");
    }

    [Fact]
    public async Task What_programs_opened_tells_nothing()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 20));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var batch = (await harness.BatchesAsync(id)).Single();
        await harness.Get<ApplyReceipts>().HandleAsync(
            [.. batch.Recipients.Select((r, i) => new Receipt { MessageId = batch.MessageId(i), Status = ReceiptStatus.Opened, At = batch.Time(r.SentAt)!.Value.AddSeconds(1), EventId = $"{i}", Agent = "curl/8" })], default);
        await harness.RecordAsync();
        (await harness.LedgerAsync(id)).AutoOpened.ShouldBe(20);
        (await harness.SendTimeAsync("?fresh=true"))["messages"].GetInt32().ShouldBe(0);
    }

    /// <summary>1 to 40 have hours of their own, the first twenty of them the same and in a segment; 41 to 140 answer as everybody does, the others never.</summary>
    private static async Task PeopleAsync(DeliveryHarness harness)
    {
        await harness.AddCustomersAsync(Enumerable.Range(1, 160), c =>
        {
            var number = Number(c);
            var person = c with { TimeZone = Zones[number % Zones.Length], SegmentIds = number <= 20 ? ["owls"] : [] };
            return number switch
            {
                <= 40 => Answering(person, 8, HourOf(number)),
                <= 140 => Answering(person, number % 2 == 0 ? 10 : number % 4 == 1 ? 5 : 4, EveryonesHour),
                _ => person,
            };
        });
    }

    private static int HourOf(int number) => number switch { <= 20 => 2, <= 40 => 6 + (number % 5), _ => EveryonesHour };

    private static int Number(Customer customer) => Convert.ToInt32(customer.Id, 16);

    private static Customer Answering(Customer customer, int messages, int hour) => customer with
    {
        Messages = [.. Enumerable.Range(0, messages).Select(i =>
        {
            var at = LocalTime.Instant(new DateTime(2026, 1, 5, hour, 20, 0).AddDays(i * 3), TimeZoneInfo.FindSystemTimeZoneById(customer.TimeZone!));
            return new CustomerMessage($"old{i}.0.{Number(customer) % 100}", "email", "delivered", at.AddHours(-9), at.AddHours(-9), OpenedAt: at);
        })],
        Engagement = new() { Sent = messages, Delivered = messages, Opened = messages },
    };
}
