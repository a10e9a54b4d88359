using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class ReceiptInboxTests
{
    private static Receipt Receipt(int n) => new() { MessageId = $"c.{n / 100}.{n % 100}", Status = ReceiptStatus.Delivered, At = Samples.Noon, EventId = $"event-{n}" };

    [Fact]
    public async Task Many_callers_share_messages_and_nothing_is_lost_or_doubled()
    {
        var messages = new ConcurrentQueue<byte[]>();
        var allHaveCome = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var inbox = new ReceiptInbox(async message =>
        {
            await allHaveCome.Task;
            messages.Enqueue(message.ToArray());
        });
        var callers = Enumerable.Range(0, 2000).Select(n => inbox.StoreAsync([Receipt(n)], CancellationToken.None)).ToList();
        allHaveCome.SetResult();
        await Task.WhenAll(callers);

        messages.ShouldAllBe(m => m.Length <= JobQueue.MaxPayloadBytes);
        messages.Count.ShouldBeLessThan(40);
        messages.SelectMany(Read).Select(r => r.EventId).Order().ShouldBe(Enumerable.Range(0, 2000).Select(n => $"event-{n}").Order());
    }

    [Fact]
    public async Task A_large_post_of_like_receipts_is_packed_and_one_of_unlike_is_cut_into_messages_that_fit()
    {
        var like = await StoredAsync(n => Receipt(n) with { Reason = new string('r', 200), Agent = new string('a', 160) });
        like.Count.ShouldBeLessThan(5);

        var random = new Random(1);
        var unlike = await StoredAsync(n => Receipt(n) with { Reason = Noise(200), Agent = Noise(160) });
        unlike.Count.ShouldBeGreaterThan(3);

        // What does not shrink at all.
        string Noise(int length) => string.Create(length, random, (text, r) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = (char)r.Next(0x4E00, 0x9FFF);
            }
        });

        async Task<IReadOnlyCollection<byte[]>> StoredAsync(Func<int, Receipt> of)
        {
            var messages = new ConcurrentQueue<byte[]>();
            await using var inbox = new ReceiptInbox(message =>
            {
                messages.Enqueue(message.ToArray());
                return Task.CompletedTask;
            });
            Receipt[] receipts = [.. Enumerable.Range(0, 1000).Select(of)];
            await inbox.StoreAsync(receipts, CancellationToken.None);
            messages.ShouldAllBe(m => m.Length <= JobQueue.MaxPayloadBytes);
            messages.SelectMany(Read).OrderBy(r => int.Parse(r.EventId!.Split('-')[1])).ShouldBe(receipts);
            return messages;
        }
    }

    [Fact]
    public void A_message_is_read_packed_plain_and_bare()
    {
        Receipt[] few = [Receipt(1)], many = [.. Enumerable.Range(0, 100).Select(Receipt)];
        var (fewJson, manyJson) = (JsonSerializer.SerializeToUtf8Bytes(few, Json.Options), JsonSerializer.SerializeToUtf8Bytes(many, Json.Options));
        Read(ReceiptMessage.Of(fewJson)).ShouldBe(few);
        Read(ReceiptMessage.Of(manyJson)).ShouldBe(many);
        Read(manyJson).ShouldBe(many);
        ReceiptMessage.Of(manyJson).Length.ShouldBeLessThan(manyJson.Length / 3);
        Should.Throw<JsonException>(() => ReceiptMessage.Read("{}"));
        Should.Throw<JsonException>(() => ReceiptMessage.Read("""{"packed":"AAAA"}"""));
    }

    [Fact]
    public async Task A_caller_is_answered_only_when_its_message_is_stored()
    {
        var gate = new TaskCompletionSource();
        await using var inbox = new ReceiptInbox(_ => gate.Task);
        var storing = inbox.StoreAsync([Receipt(1)], CancellationToken.None);
        (await Task.WhenAny(storing, Task.Delay(50, TestContext.Current.CancellationToken))).ShouldNotBe(storing);
        gate.SetResult();
        await storing;
    }

    [Fact]
    public async Task A_failure_reaches_every_caller_of_the_message_and_the_next_message_goes_on()
    {
        var fail = true;
        await using var inbox = new ReceiptInbox(_ => fail ? Task.FromException(new IOException("down")) : Task.CompletedTask);
        await Should.ThrowAsync<IOException>(() => Task.WhenAll(inbox.StoreAsync([Receipt(1)], CancellationToken.None), inbox.StoreAsync([Receipt(2)], CancellationToken.None)));
        fail = false;
        await inbox.StoreAsync([Receipt(3)], CancellationToken.None);
    }

    private static IReadOnlyList<Receipt> Read(byte[] message) => ReceiptMessage.Read(Encoding.UTF8.GetString(message));
}

public sealed class ReceiptWindowTests
{
    private static ILookup<string, Receipt> Receipts(params (string Batch, int Index)[] places) =>
        places.ToLookup(p => p.Batch, p => new Receipt { MessageId = $"{p.Batch}.{p.Index}", Status = ReceiptStatus.Delivered, At = Samples.Noon });

    [Fact]
    public async Task Invocations_that_run_at_once_share_one_commit_per_batch()
    {
        var commits = new ConcurrentQueue<IReadOnlyDictionary<string, IReadOnlyList<Receipt>>>();
        var window = new ReceiptWindow(
            batches =>
            {
                commits.Enqueue(batches);
                return Task.CompletedTask;
            },
            TimeSpan.FromSeconds(1));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => window.AddAsync(Receipts(("c.1", i), ("c.2", i)), CancellationToken.None)));

        var commit = commits.ShouldHaveSingleItem();
        commit.Values.ShouldAllBe(r => r.Count == 20);
    }

    [Fact]
    public async Task An_invocation_returns_only_after_its_receipts_are_committed_and_fails_when_they_are_not()
    {
        var gate = new TaskCompletionSource();
        var window = new ReceiptWindow(_ => gate.Task, TimeSpan.FromMilliseconds(50));
        var adding = window.AddAsync(Receipts(("c.1", 1)), CancellationToken.None);
        (await Task.WhenAny(adding, Task.Delay(400, TestContext.Current.CancellationToken))).ShouldNotBe(adding);
        gate.SetException(new IOException("down"));
        await Should.ThrowAsync<IOException>(() => adding);
    }

    [Fact]
    public async Task A_steady_stream_does_not_hold_a_batch_longer_than_the_window()
    {
        var window = new ReceiptWindow(_ => Task.CompletedTask, TimeSpan.FromMilliseconds(300));
        var started = System.Diagnostics.Stopwatch.StartNew();
        var first = window.AddAsync(Receipts(("c.1", 1)), CancellationToken.None);
        var others = new List<Task>();
        while (!first.IsCompleted && started.Elapsed < TimeSpan.FromMinutes(1))
        {
            others.Add(window.AddAsync(Receipts(("c.2", 1)), CancellationToken.None));
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        first.IsCompletedSuccessfully.ShouldBeTrue("what comes for others does not put it off");
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task No_receipts_is_no_wait() =>
        await new ReceiptWindow(_ => Task.CompletedTask, TimeSpan.FromSeconds(1)).AddAsync(Receipts(), CancellationToken.None);
}
