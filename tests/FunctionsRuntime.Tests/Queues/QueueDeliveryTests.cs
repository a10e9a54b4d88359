using System.Collections.Concurrent;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Queues;

public class QueueDeliveryTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("delivery");

    private QueueClient Poison => storage.Queue(_name + "-poison");

    [Fact]
    public async Task A_message_is_run_once_and_deleted_when_the_function_returns()
    {
        var queue = await storage.NewQueue(_name);
        await using var app = await Start();

        await queue.SendMessageAsync("hello");

        (await app.Recorder.WaitFor(1)).ShouldBe(["1:hello"]);
        await Eventually.True(async () => await Count(queue) == 0);
        await Task.Delay(500);
        app.Recorder.Items.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Missing_queues_are_created()
    {
        await using var app = await Start();

        await Eventually.True(async () => await storage.Queue(_name).ExistsAsync());
        await storage.Queue(_name).SendMessageAsync("hello");
        await app.Recorder.WaitFor(1);
    }

    [Fact]
    public async Task A_queue_that_is_deleted_under_the_host_is_created_again()
    {
        await using var app = await Start();
        await Eventually.True(async () => await storage.Queue(_name).ExistsAsync());

        await storage.Queue(_name).DeleteAsync();

        await Eventually.True(async () => await storage.Queue(_name).ExistsAsync());
    }

    [Fact]
    public async Task After_five_failures_the_message_is_in_the_poison_queue_unchanged_and_gone_from_the_source()
    {
        const string text = "{\"name\":\"Zoë <&>\"}";
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync(text);
        await using var app = await Start(recorder => recorder.Behaviour = (_, _) => throw new InvalidOperationException("no"));

        (await app.Recorder.WaitFor(5)).ShouldBe(Enumerable.Range(1, 5).Select(n => $"{n}:{text}"));
        await Eventually.True(async () => await Poison.ExistsAsync() && await Count(Poison) == 1);
        (await Poison.PeekMessageAsync()).Value.Body.ToString().ShouldBe(text);
        await Eventually.True(async () => await Count(queue) == 0);
        app.Recorder.Items.Count.ShouldBe(5);
        app.Log.Text.ShouldNotContain("Zoë");
    }

    [Fact]
    public async Task MaxDequeueCount_comes_from_host_json()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("x");
        await using var app = await Start(
            recorder => recorder.Behaviour = (_, _) => throw new InvalidOperationException("no"),
            ("AzureFunctionsJobHost:extensions:queues:maxDequeueCount", "2"));

        await Eventually.True(async () => await Poison.ExistsAsync() && await Count(Poison) == 1);
        app.Recorder.Items.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_message_that_was_dequeued_too_often_goes_to_poison_without_a_run()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("crashes the process");
        for (var i = 0; i < 5; i++)
        {
            QueueMessage message = await queue.ReceiveMessageAsync(TimeSpan.FromSeconds(30));
            await queue.UpdateMessageAsync(message.MessageId, message.PopReceipt, message.Body);
        }
        await using var app = await Start();

        await Eventually.True(async () => await Poison.ExistsAsync() && await Count(Poison) == 1);
        app.Recorder.Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_failed_message_is_retried_after_the_visibility_timeout()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("x");
        var times = new ConcurrentQueue<long>();
        await using var app = await Start(
            recorder => recorder.Behaviour = (_, _) =>
            {
                times.Enqueue(Environment.TickCount64);
                return times.Count == 1 ? throw new InvalidOperationException("first") : Task.CompletedTask;
            },
            ("AzureFunctionsJobHost:extensions:queues:visibilityTimeout", "00:00:03"));

        await app.Recorder.WaitFor(2);

        // Storage counts in whole seconds.
        (times.ElementAt(1) - times.ElementAt(0)).ShouldBeGreaterThanOrEqualTo(1900);
    }

    [Fact]
    public async Task Text_that_is_not_base64_goes_to_poison_as_it_is_and_does_not_stop_others()
    {
        var raw = await storage.NewQueue(_name, base64: false);
        await raw.SendMessageAsync("not base64!");
        await storage.Queue(_name).SendMessageAsync("good");
        await using var app = await Start();

        (await app.Recorder.WaitFor(1)).ShouldBe(["1:good"]);
        var poison = storage.Queue(_name + "-poison", base64: false);
        await Eventually.True(async () => await poison.ExistsAsync() && await Count(poison) == 1);
        (await poison.PeekMessageAsync()).Value.Body.ToString().ShouldBe("not base64!");
    }

    [Fact]
    public async Task Encoding_none_takes_the_text_as_it_is()
    {
        var raw = await storage.NewQueue(_name, base64: false);
        await raw.SendMessageAsync("plain");
        await using var app = await Start(null, ("AzureFunctionsJobHost:extensions:queues:messageEncoding", "none"));

        (await app.Recorder.WaitFor(1)).ShouldBe(["1:plain"]);
    }

    [Fact]
    public async Task A_function_on_a_poison_queue_has_no_poison_queue_of_its_own()
    {
        var poison = await storage.NewQueue(_name + "-poison");
        await poison.SendMessageAsync("x");
        await using var app = await TestApp.Start<Deliveries>(
            storage.Settings(("Queue", _name + "-poison"), ("AzureFunctionsJobHost:extensions:queues:maxDequeueCount", "2")),
            before: recorder => recorder.Behaviour = (_, _) => throw new InvalidOperationException("no"));

        await app.Recorder.WaitFor(2);

        await Task.Delay(500);
        (await storage.Queue(_name + "-poison-poison").ExistsAsync()).Value.ShouldBeFalse();
        (await Count(poison)).ShouldBe(1);
    }

    private Task<TestApp> Start(Action<Recorder>? before = null, params (string, string)[] settings)
        => TestApp.Start<Deliveries>(storage.Settings([("Queue", _name), .. settings]), before: before);

    private static async Task<int> Count(QueueClient queue) => (await queue.GetPropertiesAsync()).Value.ApproximateMessagesCount;

    internal sealed class Deliveries(Recorder recorder)
    {
        [Function("Deliver")]
        public Task Deliver([QueueTrigger("%Queue%")] QueueMessage message, CancellationToken token)
            => recorder.Run($"{message.DequeueCount}:{message.Body}", token);
    }
}
