using System.Net;
using System.Text.Json;
using XenoCrm.AppHost;
using XenoCrm.Local.VendorSimulator;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Vendor;

public sealed class VendorSimulatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private VendorOptions Options => new()
    {
        DataFolder = _folder["vendor"],
        ReceiptSecret = ReceiptReceiver.Secret,
        DelayMin = TimeSpan.Zero,
        DelayMax = TimeSpan.FromMilliseconds(20),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Answers_each_message_in_order_and_posts_one_signed_receipt_for_each()
    {
        await using var receiver = await ReceiptReceiver.StartAsync();
        await using var vendor = await VendorSimulatorServer.StartAsync(Options with { ReceiptsPerPost = 40 });
        using var client = new VendorClient(vendor.Address);

        var ids = Ids("a", 1000);
        var results = await client.SendAsync(ids, receiver.Url);
        results.Select(r => r.GetProperty("id").GetString()).ShouldBe(ids);
        results.ShouldAllBe(r => r.GetProperty("status").GetString() == "accepted" && !r.GetProperty("repeated").GetBoolean());

        await VendorClient.UntilAsync(() => vendor.Audit().ReceiptsPending == 0, "all receipts acknowledged");
        receiver.Receipts.Select(r => r.MessageId).ShouldBe(ids, ignoreOrder: true);
        receiver.Receipts.Count(r => r.Status == "failed").ShouldBeInRange(60, 140);
        receiver.Receipts.Where(r => r.Status == "failed").ShouldAllBe(r => r.Reason != null);
        receiver.Receipts.Where(r => r.Status == "delivered").ShouldAllBe(r => r.Reason == null);
        receiver.Posts.ShouldAllBe(p => p.Count <= 40);

        var audit = await client.AuditAsync();
        audit.Distinct.ShouldBe(1000);
        audit.Carried.ShouldBe(1000);
        audit.ByStatus["failed"].ShouldBe(receiver.Receipts.Count(r => r.Status == "failed"));
        audit.ByStatus["delivered"].ShouldBe(receiver.Receipts.Count(r => r.Status == "delivered"));
    }

    [Fact]
    public async Task A_repeat_is_answered_from_the_record_and_not_carried_again_even_after_a_restart()
    {
        await using var receiver = await ReceiptReceiver.StartAsync();
        JsonElement[] first;
        await using (var vendor = await VendorSimulatorServer.StartAsync(Options))
        {
            using var client = new VendorClient(vendor.Address);
            first = await client.SendAsync(["m1", "m2", "m1"], receiver.Url);
            first.Select(r => r.GetProperty("repeated").GetBoolean()).ShouldBe([false, false, true]);
            await VendorClient.UntilAsync(() => vendor.Audit().ReceiptsPending == 0, "all receipts acknowledged");
        }
        await using var again = await VendorSimulatorServer.StartAsync(Options);
        using var second = new VendorClient(again.Address);
        var repeated = await second.SendAsync(["m2", "m1", "m3"], receiver.Url);
        repeated.Select(r => r.GetProperty("repeated").GetBoolean()).ShouldBe([true, true, false]);
        repeated[1].GetProperty("vendorMessageId").GetString().ShouldBe(first[0].GetProperty("vendorMessageId").GetString());

        await VendorClient.UntilAsync(() => again.Audit().ReceiptsPending == 0, "all receipts acknowledged");
        var audit = again.Audit();
        (audit.Distinct, audit.Carried, audit.Asked, audit.Repeated).ShouldBe((3, 3, 6, 0));
        receiver.Receipts.Select(r => r.MessageId).ShouldBe(["m1", "m2", "m3"], ignoreOrder: true);
        (await second.AuditMessagesAsync())["m1"].Asked.ShouldBe(3);
    }

    [Fact]
    public async Task A_vendor_without_idempotency_keys_carries_repeats_and_its_record_says_so()
    {
        await using var vendor = await VendorSimulatorServer.StartAsync(Options with { CarryRepeats = true });
        using var client = new VendorClient(vendor.Address);
        await client.SendAsync(["m1", "m2"], null);
        await client.SendAsync(["m2"], null);
        (await client.AuditAsync()).Repeated.ShouldBe(1);
        (await client.AuditMessagesAsync())["m2"].Carried.ShouldBe(2);
    }

    [Fact]
    public async Task Receipts_are_posted_until_acknowledged_also_by_the_next_process()
    {
        await using var receiver = await ReceiptReceiver.StartAsync();
        var refused = 0;
        receiver.Answer = () => Interlocked.Increment(ref refused) <= 3 ? 500 : 204;
        var ids = Ids("b", 50);
        await using (var vendor = await VendorSimulatorServer.StartAsync(Options))
        {
            using var client = new VendorClient(vendor.Address);
            await client.SendAsync(ids, receiver.Url);
            await VendorClient.UntilAsync(() => vendor.Audit().ReceiptsPending == 0, "acknowledged after three refusals");
            receiver.Posts.Select(p => p.WebhookId).Distinct().Count().ShouldBeLessThan(receiver.Posts.Count, "a retry has the id of the first try");
            receiver.Answer = () => 503;
            await client.SendAsync(Ids("c", 50), receiver.Url);
            await VendorClient.UntilAsync(() => vendor.Audit().ReceiptsPosted >= 150, "posted in vain");
        }
        receiver.Receipts.Count.ShouldBe(50);
        receiver.Answer = () => 204;
        await using var next = await VendorSimulatorServer.StartAsync(Options);
        await VendorClient.UntilAsync(() => next.Audit().ReceiptsPending == 0, "acknowledged after the restart");
        receiver.Receipts.Select(r => r.MessageId).ShouldBe([.. ids, .. Ids("c", 50)], ignoreOrder: true);
    }

    [Fact]
    public async Task Outcomes_depend_on_seed_and_id_and_on_nothing_else()
    {
        async Task<Dictionary<string, (int, int, string Status)>> RunAsync(string name, int seed, IEnumerable<string[]> requests)
        {
            await using var vendor = await VendorSimulatorServer.StartAsync(Options with { DataFolder = _folder[name], Seed = seed });
            using var client = new VendorClient(vendor.Address);
            await using var receiver = await ReceiptReceiver.StartAsync();
            foreach (var request in requests)
                await client.SendAsync(request, receiver.Url);
            await VendorClient.UntilAsync(() => vendor.Audit().ReceiptsPending == 0, "acknowledged");
            return await client.AuditMessagesAsync();
        }

        var ids = Ids("d", 300);
        var forward = await RunAsync("one", 1, [ids]);
        var backward = await RunAsync("two", 1, ids.Reverse().Chunk(7));
        var otherSeed = await RunAsync("three", 2, [ids]);
        ids.ShouldAllBe(id => forward[id].Status == backward[id].Status);
        ids.Count(id => forward[id].Status != otherSeed[id].Status).ShouldBeGreaterThan(10);

        (await Should.ThrowAsync<VendorConfigurationException>(() => RunAsync("one", 2, []))).Message.ShouldContain("--seed 1");
    }

    [Fact]
    public async Task On_a_bad_day_a_careful_client_still_ends_with_every_message_carried_once_and_every_receipt()
    {
        await using var receiver = await ReceiptReceiver.StartAsync();
        var options = (Options with { Answer500Percent = 0 }).Chaos() with
        {
            Answer429Percent = 5, Answer500Percent = 10, HangPercent = 10, Hang = TimeSpan.FromMilliseconds(100), Reorder = TimeSpan.FromMilliseconds(300),
            LossResend = TimeSpan.FromMilliseconds(500), OutageAfter = TimeSpan.FromMilliseconds(200), OutageLength = TimeSpan.FromSeconds(1),
        };
        await using var vendor = await VendorSimulatorServer.StartAsync(options);
        using var client = new VendorClient(vendor.Address);
        var ids = Ids("e", 3000);
        await Parallel.ForEachAsync(ids.Chunk(50), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (chunk, _) =>
            await client.SendUntilAnsweredAsync(chunk, receiver.Url));
        await VendorClient.UntilAsync(() => vendor.Audit().ReceiptsPending == 0, "acknowledged");

        var audit = vendor.Audit();
        (audit.Distinct, audit.Carried, audit.Repeated).ShouldBe((3000, 3000, 0));
        audit.Asked.ShouldBeGreaterThan(3000, "some answers were lost after acceptance");
        var final = receiver.FinalStatus();
        final.Count.ShouldBe(3000);
        final.Values.Count(s => s == "failed").ShouldBe((int)audit.ByStatus["failed"]);
        await VendorClient.UntilAsync(() => receiver.Receipts.GroupBy(r => r.EventId).Count(g => g.Count() > 1) > 400, "20 % duplicates under the same event id");
        receiver.Receipts.Count(r => r.Status == "sent").ShouldBe(3000);
    }

    [Fact]
    public async Task What_was_answered_survives_kill_9()
    {
        await using var receiver = await ReceiptReceiver.StartAsync();
        var random = new Random(7);
        var answered = new List<string>();
        var port = AppHostProcess.FreePortBase();
        for (var round = 0; round < 5; round++)
        {
            await using var vendor = await StartProcessAsync(port);
            using var client = new VendorClient(new Uri($"http://127.0.0.1:{port}"), "key");
            using var killed = new CancellationTokenSource(random.Next(100, 500));
            var kill = Task.Delay(Timeout.Infinite, killed.Token).ContinueWith(async _ => await vendor.KillAsync(), TaskScheduler.Default).Unwrap();
            try
            {
                for (var n = 0; ; n++)
                {
                    var ids = Ids($"r{round}-{n}", 20);
                    await client.SendAsync(ids, receiver.Url);
                    answered.AddRange(ids);
                }
            }
            catch (HttpRequestException)
            {
                await kill;
            }
        }
        // A torn frame, as a crash in the middle of a write leaves it.
        await using (var log = new FileStream(_folder["vendor/messages.log"], FileMode.Append))
            log.Write([200, 0, 0, 0, 1, 2, 3, 4, 5]);

        await using var last = await StartProcessAsync(port);
        using var auditor = new VendorClient(new Uri($"http://127.0.0.1:{port}"));
        for (var i = 0; (await auditor.AuditAsync()).ReceiptsPending > 0; i++)
        {
            i.ShouldBeLessThan(300);
            await Task.Delay(50);
        }
        var record = await auditor.AuditMessagesAsync();
        answered.Count.ShouldBeGreaterThan(100);
        answered.Where(id => !record.ContainsKey(id)).ShouldBeEmpty();
        record.Values.ShouldAllBe(m => m.Carried == 1);
        var final = receiver.FinalStatus();
        record.Keys.Where(id => !final.ContainsKey(id)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("{", HttpStatusCode.BadRequest)]
    [InlineData("[]", HttpStatusCode.BadRequest)]
    [InlineData("""{"messages":[]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"messages":[{"channel":"email","to":"a@example.com","text":"x"}]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"messages":[{"id":"1","channel":"pigeon","to":"a@example.com","text":"x"}]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"messages":[{"id":"1","channel":"email","to":"a@example.com","text":"x"}],"receiptUrl":"not an address"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"messages":[{"id":"1","channel":"email","to":"nobody","text":"x"},{"id":"2","channel":"sms","to":"12","text":"x"},{"id":"3","channel":"sms","to":"+4915112345678"}]}""", HttpStatusCode.OK)]
    public async Task Refuses_what_breaks_the_protocol_and_rejects_what_cannot_be_carried(string body, HttpStatusCode expected)
    {
        await using var vendor = await VendorSimulatorServer.StartAsync(Options);
        using var client = new VendorClient(vendor.Address);
        using var response = await client.PostTextAsync(body);
        response.StatusCode.ShouldBe(expected);
        (await client.AuditAsync()).Carried.ShouldBe(0);
        if (expected == HttpStatusCode.OK)
            (await client.AuditAsync()).ByStatus["rejected"].ShouldBe(3);
    }

    [Fact]
    public async Task Wants_the_api_key()
    {
        await using var vendor = await VendorSimulatorServer.StartAsync(Options with { ApiKey = "right" });
        using var wrong = new VendorClient(vendor.Address, "wrong");
        (await wrong.PostAsync(["m"], null)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using var right = new VendorClient(vendor.Address, "right");
        (await right.PostAsync(["m"], null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await right.GetAsync("/v1/messages/m")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await right.GetAsync("/v1/messages/other")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private async Task<ChildProcess> StartProcessAsync(int port)
    {
        var process = ChildProcess.Start(new ChildProcessOptions
        {
            Name = "vendor",
            FileName = "dotnet",
            Arguments =
            [
                Repository.Assembly("VendorSimulator", "XenoCrm.Local.VendorSimulator"), "--port", port.ToString(), "--data", _folder["vendor"],
                "--receipt-secret", ReceiptReceiver.Secret, "--api-key", "key", "--delay-max", "300",
            ],
        });
        using var http = new HttpClient();
        for (var i = 0; ; i++)
        {
            (i < 600 && !process.Exited.IsCompleted).ShouldBeTrue(string.Join('\n', process.Tail()));
            try
            {
                if ((await http.GetAsync($"http://127.0.0.1:{port}/health")).IsSuccessStatusCode)
                    return process;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(30);
            }
        }
    }

    private static string[] Ids(string prefix, int count) => [.. Enumerable.Range(0, count).Select(i => $"{prefix}.{i / 100}.{i % 100}")];
}
