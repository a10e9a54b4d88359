using System.Text.Json;
using XenoCrm.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class PoisonReceiptsTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task Receipts_that_were_given_up_are_seen_and_can_be_applied_after_all()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 3));
        var id = await harness.LaunchAsync();
        await harness.RunAsync();
        var message = JsonSerializer.Serialize(new[] { DeliveryHarness.Receipt($"{id}.0.0", ReceiptStatus.Delivered), DeliveryHarness.Receipt($"{id}.0.1", ReceiptStatus.Delivered) }, Json.Options);

        // The host delivers a message of the poison queue twice when the process dies before it is deleted.
        foreach (var json in new[] { message, message, "not json" })
        {
            harness.Queues.PutBack(new(ReceiptInbox.Queue + "-poison", json, harness.Clock.GetUtcNow()));
        }

        await harness.RunAsync();
        var list = harness.Get<PoisonList>();
        var views = await list.PageAsync(null, 10, default);
        views.Select(v => (v.Kind, v.Receipts)).ShouldBe([(PoisonKind.Receipts, 2), (PoisonKind.Receipts, null)], ignoreOrder: true);
        (await list.CountAsync(default)).ShouldBe(new(0, 2, 0));
        (await harness.LedgerAsync(id)).Delivered.ShouldBe(0);

        var given = views.Single(v => v.Receipts == 2);
        (await list.ReplayAsync(given.Id, default)).ReplayedAt.ShouldNotBeNull();
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Delivered.ShouldBe(2);
        (await list.CountAsync(default)).ShouldBe(new(0, 1, 0));
        (await Should.ThrowAsync<ProblemException>(() => list.ReplayAsync(given.Id, default))).Problem.Status.ShouldBe(409);
        (await Should.ThrowAsync<ProblemException>(() => list.ReplayAsync("receipts-none", default))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public async Task Runs_and_receipts_are_one_list_page_by_page()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        for (var i = 0; i < 3; i++)
        {
            await harness.Get<WorkspaceStore<PoisonRun>>().TryCreateAsync(new() { Id = $"c{i}.0-1", CampaignId = $"c{i}", First = 0, Count = 1, At = harness.Clock.GetUtcNow() }, default);
            await harness.Get<PoisonMessages>().BuryAsync(ReceiptInbox.Queue, $"[{i}", default);
            await harness.Get<PoisonMessages>().BuryAsync("segment-rebuilds", $"{{{i}}}", default);
        }

        var list = harness.Get<PoisonList>();
        var read = new List<PoisonView>();
        while (await list.PageAsync(read.LastOrDefault()?.Id, 2, default) is { Count: > 0 } page)
        {
            read.AddRange(page);
        }

        read.Select(v => v.Kind).ShouldBe([.. Enumerable.Repeat(PoisonKind.Run, 3), .. Enumerable.Repeat(PoisonKind.Message, 3), .. Enumerable.Repeat(PoisonKind.Receipts, 3)]);
        read.Select(v => v.Id).ShouldBeUnique();

        // Back where it came from, as it was.
        var message = read.First(v => v.Kind == PoisonKind.Message);
        (await list.ReplayAsync(message.Id, default)).ReplayedAt.ShouldNotBeNull();
        (await list.CountAsync(default)).ShouldBe(new(3, 3, 2));
        (await Should.ThrowAsync<ProblemException>(() => list.ReplayAsync(message.Id, default))).Problem.Status.ShouldBe(409);
    }
}
