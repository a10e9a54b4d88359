using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>The routes of figures, called as the host calls them.</summary>
public sealed class FigureFunctionsTests(DeliveryEmulator emulator)
{
    private const string Browser = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";

    [Fact]
    public async Task Messages_are_found_by_what_became_of_them_and_all_are_in_the_file()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 230), c => c with
        {
            FirstName = c.Id.EndsWith('5') ? "=cmd|' /C calc'!A0" : c.FirstName, Email = c.Id.EndsWith('7') ? null : c.Email, ExternalId = "x" + c.Id[^4..],
        });
        harness.Vendor.Answer = m => m.To == "c9@example.com" ? new(VendorAnswer.Rejected, "refused") : new(VendorAnswer.Accepted, null);
        var content = new CampaignContent("Hello", null, "Hello", null);
        var id = await harness.LaunchAsync(c => c with { Variants = [new("A", 1, content), new("B", 1, content)] });
        await harness.RunAsync();
        var recipients = (await harness.BatchesAsync(id)).SelectMany(b => b.Recipients.Select((r, i) => (Id: b.MessageId(i), Recipient: r))).ToList();

        async Task<List<string>> Find(string query)
        {
            var found = new List<string>();
            for (var cursor = ""; ;)
            {
                var page = (await SendAsync(harness, f => f.Messages, id, $"?limit=40{query}{cursor}")).ShouldBe(200);
                found.AddRange(page["items"].EnumerateArray().Select(m => m.GetProperty("messageId").GetString()!));
                if (!page.Body.TryGetProperty("next", out var next))
                {
                    return found;
                }

                cursor = "&cursor=" + next.GetString();
            }
        }

        (await Find("")).ShouldBe(recipients.Select(r => r.Id));
        (await Find("&status=skipped")).ShouldBe(recipients.Where(r => r.Recipient.Status == MessageStatus.Skipped).Select(r => r.Id));
        (await Find("&reason=refused")).ShouldBe([recipients.Single(r => r.Recipient.CustomerId == Samples.Customer(9).Id).Id]);
        (await Find("&variant=b")).ShouldBe(recipients.Where(r => r.Recipient.Variant == 1).Select(r => r.Id));
        (await Find("&variant=A&status=sent")).ShouldBe(recipients.Where(r => r.Recipient is { Variant: null, Status: MessageStatus.Sent }).Select(r => r.Id));
        (await Find("&vendor=recording")).Count.ShouldBe(recipients.Count(r => r.Recipient.Status != MessageStatus.Skipped));
        (await Find("&vendor=second")).ShouldBeEmpty();
        (await Find($"&customerId={Samples.Customer(120).Id}")).ShouldBe([recipients[119].Id]);
        (await SendAsync(harness, f => f.Messages, id, "?variant=C")).ShouldBeProblem(400, "request.invalid", "/variant");
        (await SendAsync(harness, f => f.Messages, id, "?status=1")).ShouldBeProblem(400, "request.invalid", "/status");
        (await SendAsync(harness, f => f.Messages, id, "?format=xml")).ShouldBeProblem(400, "request.invalid", "/format");
        (await SendAsync(harness, f => f.Messages, "none", "?format=csv")).ShouldBeProblem(404, "campaign.not_found");

        var file = await SendAsync(harness, f => f.Messages, id, "?format=csv");
        file.Headers.ContentType.ToString().ShouldStartWith("text/csv");
        var lines = file.Text.TrimStart('\uFEFF').Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].TrimEnd().ShouldBe("messageId,customerId,externalId,name,status,reason,variant,vendor,at,sentAt,deliveredAt,openedAt,clickedAt");
        lines.Skip(1).Select(l => l.Split(',')[0]).ShouldBe(recipients.Select(r => r.Id));
        lines[5].ShouldContain("'=cmd");
        lines[2].ShouldStartWith($"{id}.0.1,{Samples.Customer(2).Id},x0002,First2,sent,,");
        (await SendAsync(harness, f => f.Messages, id, "?status=skipped", accept: "text/csv")).Text.Count(c => c == '\n').ShouldBe(1 + recipients.Count(r => r.Recipient.Status == MessageStatus.Skipped));
    }

    [Fact]
    public async Task One_message_tells_its_events_and_what_each_was_taken_for()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Prices:Email", "0.0004"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 5));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var batch = (await harness.BatchesAsync(id)).Single();
        var sent = batch.Time(batch.Recipients[2].SentAt)!.Value;
        harness.Clock.Advance(TimeSpan.FromHours(2));
        await harness.Get<ApplyReceipts>().HandleAsync(
            [
                Event(2, ReceiptStatus.Opened, sent.AddSeconds(1), Browser), Event(2, ReceiptStatus.Opened, sent.AddMinutes(1), "curl/8"),
                Event(2, ReceiptStatus.Clicked, sent.AddMinutes(30), Browser, "abc"), Event(2, ReceiptStatus.Unsubscribed, sent.AddMinutes(31)),
            ],
            default);

        var message = (await SendAsync(harness, f => (r, c, t) => f.Message(r, c, $"{id}.0.2", t), id)).ShouldBe(200);
        message["events"].EnumerateArray().Select(e => (e.GetProperty("kind").GetString(), e.GetProperty("automated").GetBoolean(), e.TryGetProperty("because", out var why) ? why.GetString() : null))
            .ShouldBe([("opened", true, "tooSoon"), ("opened", true, "agent"), ("clicked", false, null), ("unsubscribed", false, null)]);
        message["events"][2].GetProperty("agent").GetString().ShouldBe(Browser);
        message["message"].GetProperty("status").GetString().ShouldBe("delivered");
        (message["price"].GetDecimal(), message["domain"].GetString()).ShouldBe((0.0004m, "example.com"));
        foreach (var wrong in new[] { $"{id}.0.5", $"{id}.1.0", "other.0.0", "no", $"{id}.0.100" })
        {
            (await SendAsync(harness, f => (r, c, t) => f.Message(r, c, wrong, t), id)).ShouldBeProblem(404, "message.not_found");
        }

        Receipt Event(int index, ReceiptStatus status, DateTimeOffset at, string? agent = null, string? link = null) =>
            new() { MessageId = $"{id}.0.{index}", Status = status, At = at, Agent = agent, Link = link };
    }

    [Fact]
    public async Task Events_judged_by_older_rules_are_judged_anew_for_customers_and_orders_too()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 120));
        var ids = new[] { await harness.LaunchAsync(), await harness.LaunchAsync() };
        await harness.RunAsync();

        // As a version would have stored them that knew nothing of scanners; the first click was one's.
        foreach (var id in ids)
        {
            await harness.Get<BatchStore>().ChangeAsync(
                await harness.Get<BatchStore>().ReadManyAsync([$"{id}.1"], default),
                b => Ledger.Count(b with { Recipients = [.. b.Recipients.Select((r, i) => i % 2 == 0 ? r : r with
                {
                    Status = MessageStatus.Delivered, At = r.SentAt, DeliveredAt = r.SentAt, OpenedAt = r.SentAt + 100, ClickedAt = r.SentAt + 200,
                    Events = [new(MessageEventKind.Opened, r.SentAt!.Value + 100, Browser), new(MessageEventKind.Clicked, r.SentAt!.Value + 200, "curl/8", "a"), new(MessageEventKind.Clicked, r.SentAt!.Value + 60_000, Browser, "a")],
                })] }),
                default);
        }

        await harness.RecordAsync();
        var wrong = await harness.CustomerAsync(102);
        wrong.Engagement.ShouldSatisfyAllConditions(e => (e.Opened, e.Clicked).ShouldBe((2, 2)), e => e.LastClickedAt.ShouldBe(wrong.Messages.Max(m => m.ClickedAt)));

        var job = await harness.Get<Reclassify>().StartAsync(new(null), "u", default);
        (await harness.Get<Reclassify>().StartAsync(new(null), "u", default)).Id.ShouldBe(job.Id, "It runs already.");
        await harness.RunAsync();
        job = await harness.Get<Reclassify>().ReadAsync(job.Id, default);
        (job.State, job.Batches, job.Messages).ShouldBe((ReclassificationState.Done, 4, 20));
        await harness.RecordAsync();
        var right = await harness.CustomerAsync(102);
        (right.Engagement.Opened, right.Engagement.Clicked, right.Engagement.Delivered, right.Engagement.LastOpenedAt).ShouldBe((0, 2, 2, null));
        right.Messages.ShouldAllBe(m => m.ClickedAt == m.SentAt!.Value.AddMinutes(1) && m.OpenedAt == null);
        right.Engagement.LastClickedAt.ShouldBe(right.Messages.Max(m => m.ClickedAt));
        foreach (var id in ids)
        {
            (await harness.LedgerAsync(id)).ShouldSatisfyAllConditions(s => s.Opened.ShouldBe(0), s => s.AutoOpened.ShouldBe(10), s => s.Clicked.ShouldBe(10));
        }

        // Again: nothing to change.
        var second = await harness.Get<Reclassify>().StartAsync(new(ids[0]), "u", default);
        await harness.RunAsync();
        second = await harness.Get<Reclassify>().ReadAsync(second.Id, default);
        (second.State, second.Batches, second.Messages).ShouldBe((ReclassificationState.Done, 2, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Judging_anew_killed_anywhere_comes_to_its_end(bool after)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 30));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        for (var at = 1; ; at++)
        {
            await harness.Get<BatchStore>().ChangeAsync(
                await harness.Get<BatchStore>().ReadManyAsync([$"{id}.0"], default),
                b => Ledger.Count(b with { Recipients = [.. b.Recipients.Select(r => r with { OpenedAt = r.SentAt, Events = [new(MessageEventKind.Opened, r.SentAt!.Value, "curl/8")] })] }),
                default);
            (await harness.LedgerAsync(id)).Opened.ShouldBe(30);
            var job = await harness.Get<Reclassify>().StartAsync(new(id), "u", default);
            harness.Crash.Arm(at, after);
            var crashed = false;
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });
            (await harness.Get<Reclassify>().ReadAsync(job.Id, default)).State.ShouldBe(ReclassificationState.Done);
            (await harness.LedgerAsync(id)).ShouldSatisfyAllConditions(s => s.Opened.ShouldBe(0), s => s.AutoOpened.ShouldBe(30));
            if (!crashed)
            {
                at.ShouldBeGreaterThan(4);
                break;
            }
        }
    }

    [Fact]
    public async Task People_open_and_click_at_hours_of_their_own_clocks()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var monday = new DateTimeOffset(2026, 3, 2, 23, 30, 0, TimeSpan.Zero);
        CustomerMessage Message(int n) => new($"c.0.{n}", "email", "delivered", monday, monday, monday, n == 2 ? monday.AddHours(1) : null);
        await harness.AddCustomersAsync([1, 2, 3], c => c with
        {
            TimeZone = c.Id[^1] switch { '1' => "Asia/Kolkata", '2' => "America/New_York", _ => null }, SegmentIds = ["s"],
            Messages = [Message(c.Id[^1] - '0')], Engagement = new() { Opened = 1, Clicked = c.Id[^1] == '2' ? 1 : 0 },
        });
        await harness.AddCustomersAsync([4], c => c with { SegmentIds = ["s"] });
        var all = await harness.Get<EngagementTimes>().ReadAsync("s", TimeZoneInfo.FindSystemTimeZoneById("Europe/Zurich"), default);
        (all.Customers, all.IsPart, all.Opens, all.Clicks).ShouldBe((3, false, 3, 1));
        all.Hours.ShouldBe([new(1, 18, 1, 0, 0), new(1, 19, 0, 1, 1), new(2, 0, 1, 0, 1), new(2, 5, 1, 0, 1)]);
        (await harness.Get<EngagementTimes>().ReadAsync("other", TimeZoneInfo.Utc, default)).Customers.ShouldBe(0);
        EngagementTimes.Of(await harness.CustomerAsync(2), TimeZoneInfo.Utc).Hours.ShouldBe([new(1, 18, 1, 0, 0), new(1, 19, 0, 1, 1)]);
    }

    [Fact]
    public async Task Whoever_follows_a_campaign_sees_it_to_its_end_and_all_share_the_readings()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 250));
        var id = await harness.LaunchAsync();
        await harness.RunAsync(until: () => harness.Queues.Sent.Any(m => m.Queue == SendRun.Queue));

        using var gone = new CancellationTokenSource();
        var followers = Enumerable.Range(0, 20).Select(_ => FollowAsync(harness, id, default)).ToList();
        var leaver = FollowAsync(harness, id, gone.Token);
        await Task.WhenAll(followers.Append(leaver).Select(f => f.Began));
        var (requests, began) = (harness.Meter.Requests, System.Diagnostics.Stopwatch.GetTimestamp());
        await gone.CancelAsync();
        (await leaver.Text).ShouldNotContain("event: end");
        await harness.RunAsync();
        foreach (var follower in followers)
        {
            var events = (await follower.Text).Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(e => e.StartsWith("event:", StringComparison.Ordinal)).ToList();
            events[0].ShouldStartWith("event: progress\nid: ");
            events[^1].ShouldStartWith("event: end\nid: ");
            var end = JsonElement.Parse(events[^1].Split("data: ")[1]);
            (end.GetProperty("state").GetString(), end.GetProperty("planned").GetBoolean(), end.GetProperty("messages").GetProperty("sent").GetInt32(), end.GetProperty("secondsLeft").GetInt32()).ShouldBe(("completed", true, 250, 0));
        }

        // Three requests a second for all of them, beside those of the sending; one by one it would be sixty.
        (harness.Meter.Requests - requests).ShouldBeLessThan(200 + (int)(5 * System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalSeconds));
        var none = new FigureFunctions(harness.Get<CampaignProgress>(), harness.Get<Reclassify>(), harness.Get<EngagementTimes>(), harness.Get<CustomerStore>(), harness.Clock);
        (await ApiCall.SendAsync(harness.Provider, r => Task.FromResult(none.Follow(r, "none")), null, "", "", null)).ShouldBeProblem(404, "campaign.not_found");
    }

    [Fact]
    public async Task Those_who_wait_for_a_later_time_are_said_apart_and_not_part_of_the_time_left()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 30), c => c with { TimeZone = c.Id[^1] == '1' ? "Asia/Tokyo" : "Etc/UTC" });
        var later = Enumerable.Range(1, 30).Count(n => Samples.Customer(n).Id[^1] == '1');
        string Hour(double hours) => harness.Clock.GetUtcNow().ToOffset(TimeSpan.FromHours(9)).AddHours(hours).ToString("HH:mm", System.Globalization.CultureInfo.InvariantCulture);
        var id = await harness.LaunchAsync(c => c with { Sending = new(QuietHours: new(Hour(-1), Hour(1))) });
        await harness.RunAsync(until: () => !harness.Vendor.Carried.IsEmpty);
        (harness.Vendor.Carried.Count, (await harness.LedgerAsync(id)).Waiting).ShouldBe((30 - later, later));
        await foreach (var e in harness.Get<CampaignProgress>().FollowAsync(id, TestContext.Current.CancellationToken))
        {
            var view = e!.Data.ShouldBeOfType<ProgressView>();
            (view.Messages.Queued, view.Messages.Waiting, view.SecondsLeft).ShouldBe((later, later, 0));
            break;
        }

        await harness.RunAsync();
        var ledger = await harness.LedgerAsync(id);
        (ledger.State, ledger.Sent, ledger.Waiting).ShouldBe((CampaignState.Completed, 30, 0));
    }

    private static (Task Began, Task<string> Text) FollowAsync(DeliveryHarness harness, string id, CancellationToken gone)
    {
        var body = new SignallingStream();
        var http = new DefaultHttpContext { RequestAborted = gone };
        http.Response.Body = body;
        var functions = new FigureFunctions(harness.Get<CampaignProgress>(), harness.Get<Reclassify>(), harness.Get<EngagementTimes>(), harness.Get<CustomerStore>(), harness.Clock);
        return (body.Began.Task, Run());

        async Task<string> Run()
        {
            await functions.Follow(http.Request, id).ExecuteAsync(http);
            http.Response.ContentType.ShouldBe("text/event-stream");
            return Encoding.UTF8.GetString(body.ToArray());
        }
    }

    private sealed class SignallingStream : MemoryStream
    {
        public TaskCompletionSource Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            if (Encoding.UTF8.GetString(buffer.Span).StartsWith("event: progress", StringComparison.Ordinal))
            {
                Began.TrySetResult();
            }
        }
    }

    private static Task<ApiAnswer> SendAsync(
        DeliveryHarness harness, Func<DeliveryFunctions, Func<HttpRequest, string, CancellationToken, Task<IResult>>> route, string id, string query = "", string? accept = null) =>
        ApiCall.SendAsync(
            harness.Provider,
            r =>
            {
                r.Headers.Accept = accept;
                return route(harness.Create<DeliveryFunctions>())(r, id, TestContext.Current.CancellationToken);
            },
            null, "", query, null);
}
