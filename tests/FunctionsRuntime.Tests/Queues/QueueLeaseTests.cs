using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Queues;

public class QueueLeaseTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("lease");

    [Fact]
    public async Task A_running_message_stays_invisible_by_renewal_and_is_deleted_with_the_newest_receipt()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("long");
        await using var app = await Start(recorder => recorder.Behaviour = (_, token) => Task.Delay(16_000, token), ("FUNCTIONS_QUEUE_LEASE", "00:00:07")); // more than two leases, each renewed with five seconds to spare

        await app.Recorder.WaitFor(1);
        for (var i = 0; i < 28; i++)
        {
            (await queue.ReceiveMessageAsync(TimeSpan.FromSeconds(1))).Value.ShouldBeNull();
            await Task.Delay(500);
        }
        await Eventually.True(async () => await Count(queue) == 0);
        app.Recorder.Items.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Text_survives_renewal_and_release()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("text");
        var runs = 0;
        await using var app = await Start(
            recorder => recorder.Behaviour = async (_, _) =>
            {
                await Task.Delay(4000); // renewed at a third of the lease
                if (Interlocked.Increment(ref runs) == 1)
                    throw new InvalidOperationException("once");
            },
            ("FUNCTIONS_QUEUE_LEASE", "00:00:10"));

        (await app.Recorder.WaitFor(2)).ShouldBe(["1:text", "2:text"]);
    }

    [Fact]
    public async Task A_message_that_is_lost_cancels_its_function()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("lost");
        var cancelled = new TaskCompletionSource();
        await using var app = await Start(
            recorder => recorder.Behaviour = async (_, token) =>
            {
                await using var registration = token.Register(() => cancelled.TrySetResult());
                await Task.Delay(Timeout.Infinite, token);
            },
            ("FUNCTIONS_QUEUE_LEASE", "00:00:02"));
        await app.Recorder.WaitFor(1);

        await queue.ClearMessagesAsync();

        await cancelled.Task.WaitAsync(Eventually.Patience);
        (await storage.Queue(_name + "-poison").ExistsAsync()).Value.ShouldBeFalse();
    }

    private Task<TestApp> Start(Action<Recorder>? before = null, params (string, string)[] settings)
        => TestApp.Start<Leased>(storage.Settings([("Queue", _name), .. settings]), before: before);

    private static async Task<int> Count(QueueClient queue) => (await queue.GetPropertiesAsync()).Value.ApproximateMessagesCount;

    internal sealed class Leased(Recorder recorder)
    {
        [Function("Lease")]
        public Task Run([QueueTrigger("%Queue%")] QueueMessage message, CancellationToken token)
            => recorder.Run($"{message.DequeueCount}:{message.Body}", token);
    }
}
