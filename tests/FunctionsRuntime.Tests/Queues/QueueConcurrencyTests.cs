using Azure.Storage.Queues.Models;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Queues;

public class QueueConcurrencyTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("concurrency");

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(4, 0, 4)]
    [InlineData(4, 2, 6)] // batchSize + newBatchThreshold, as documented
    public async Task No_more_than_a_batch_and_the_threshold_run_at_once(int batchSize, int threshold, int expected)
    {
        var queue = await storage.NewQueue(_name);
        for (var i = 0; i < 20; i++)
            await queue.SendMessageAsync($"{i}");
        int arrived = 0, running = 0, most = 0;
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await Start(
            recorder => recorder.Behaviour = async (_, _) =>
            {
                int number;
                lock (recorder)
                {
                    number = arrived++;
                    most = Math.Max(most, ++running);
                }
                // The first batch shrinks to the threshold; then the next is fetched beside what is left of it.
                if (number < threshold || number >= batchSize || threshold == 0)
                {
                    if (most == expected)
                        full.TrySetResult();
                    await full.Task.WaitAsync(Eventually.Patience);
                    await Task.Delay(50);
                }
                lock (recorder)
                    running--;
            },
            ("AzureFunctionsJobHost:extensions:queues:batchSize", $"{batchSize}"),
            ("AzureFunctionsJobHost:extensions:queues:newBatchThreshold", $"{threshold}"));

        await app.Recorder.WaitFor(20);

        most.ShouldBe(expected);
    }

    private Task<TestApp> Start(Action<Recorder>? before = null, params (string, string)[] settings)
        => TestApp.Start<Concurrent>(storage.Settings([("Queue", _name), .. settings]), before: before);

    internal sealed class Concurrent(Recorder recorder)
    {
        [Function("Concurrent")]
        public Task Run([QueueTrigger("%Queue%")] QueueMessage message, CancellationToken token)
            => recorder.Run($"{message.DequeueCount}:{message.Body}", token);
    }
}
