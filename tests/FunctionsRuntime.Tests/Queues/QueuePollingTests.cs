using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using Azure.Core.Diagnostics;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.AppHost;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Queues;

public class QueuePollingTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("polling");

    [Fact]
    public async Task An_empty_queue_is_polled_less_and_less_up_to_the_maximum()
    {
        var polls = new ConcurrentQueue<long>();
        using var listener = Polls(polls);
        await using var app = await TestApp.Start<Polled>(
            storage.Settings(("Queue", _name), ("AzureFunctionsJobHost:extensions:queues:maxPollingInterval", "00:00:00.400")));

        // Without the maximum the last of these polls would come after hours.
        await Eventually.True(() => polls.Count >= 18);

        var gaps = polls.Zip(polls.Skip(1), (a, b) => b - a).ToArray();
        // 100, 200, then 400 ms each; the machine may add to them, never take away.
        foreach (var (gap, least) in gaps.Zip([100, 200, 400, 400, 400, 400, 400]))
            gap.ShouldBeGreaterThanOrEqualTo(least - 20);
    }

    [Fact]
    public async Task The_first_polls_of_an_empty_queue_do_not_wait_for_the_maximum()
    {
        var polls = new ConcurrentQueue<long>();
        using var listener = Polls(polls);
        await using var app = await TestApp.Start<Polled>(storage.Settings(("Queue", _name), ("AzureFunctionsJobHost:extensions:queues:maxPollingInterval", "01:00:00")));

        await Eventually.True(() => polls.Count >= 4);
    }

    [Fact]
    public async Task After_a_full_batch_the_next_poll_is_immediate()
    {
        var queue = await storage.NewQueue(_name);
        for (var i = 0; i < 24; i++)
            await queue.SendMessageAsync($"{i}");
        var polls = new ConcurrentQueue<long>();
        using var listener = Polls(polls);
        await using var app = await TestApp.Start<Polled>(storage.Settings(
            ("Queue", _name),
            ("AzureFunctionsJobHost:extensions:queues:maxPollingInterval", "00:00:10"),
            ("AzureFunctionsJobHost:extensions:queues:batchSize", "2")));

        await app.Recorder.WaitFor(24);

        // Twelve full batches. Any pause would be of 100 ms at least; a busy machine may take as long, but not each time.
        await Eventually.True(async () =>
        {
            var times = polls.ToArray();
            if (times.Zip(times.Skip(1), (a, b) => b - a).Any(gap => gap < 80))
                return true;
            for (var i = 0; i < 12; i++)
                await queue.SendMessageAsync("more");
            return false;
        });
    }

    [Fact]
    public async Task Storage_that_goes_away_is_said_once_and_work_goes_on_when_it_is_back()
    {
        var folder = Directory.CreateTempSubdirectory("functions-runtime-tests-");
        try
        {
            var azurite = await AzuriteProcess.StartAsync(new AzuriteOptions { Folder = folder.FullName });
            var ports = azurite.AtPorts;
            await using var app = await TestApp.Start<Everything>(new Dictionary<string, string>
            {
                ["AzureWebJobsStorage"] = azurite.ConnectionString,
                ["Queue"] = _name,
                ["AzureFunctionsJobHost:extensions:queues:maxPollingInterval"] = "00:00:00.200",
                ["FUNCTIONS_BLOB_POLL"] = "00:00:00.200",
            });
            // The listeners create them too, but perhaps not before the end of this Azurite.
            await new Azure.Storage.Queues.QueueClient(azurite.ConnectionString, _name).CreateIfNotExistsAsync();
            await new Azure.Storage.Blobs.BlobContainerClient(azurite.ConnectionString, _name).CreateIfNotExistsAsync();
            await azurite.Process.KillAsync();
            await azurite.DisposeAsync();
            await Eventually.True(() => app.Log.Entries.Any(e => e.Text.StartsWith("Queue", StringComparison.Ordinal) && e.Text.Contains("storage does not answer", StringComparison.Ordinal)));
            await Task.Delay(3000);

            app.Log.Entries.Count(e => e.Text.Contains("storage does not answer", StringComparison.Ordinal) && e.Text.StartsWith("Queue", StringComparison.Ordinal)).ShouldBe(1);
            app.Log.Entries.Count.ShouldBeLessThan(30);
            (await app.Http.GetAsync("/api/Alive")).IsSuccessStatusCode.ShouldBeTrue();

            await using var again = await AzuriteProcess.StartAsync(new AzuriteOptions { Folder = folder.FullName, AtPorts = ports });
            await new Azure.Storage.Queues.QueueClient(again.ConnectionString, _name).SendMessageAsync(Convert.ToBase64String("back"u8));
            await new Azure.Storage.Blobs.BlobContainerClient(again.ConnectionString, _name).GetBlobClient("b").UploadAsync(BinaryData.FromString("x"));

            (await app.Recorder.WaitFor(2)).Order().ShouldBe(["back", "blob b"]);
            app.Log.Text.ShouldContain("storage answers again");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private AzureEventSourceListener Polls(ConcurrentQueue<long> polls) => new(
        (e, _) =>
        {
            if (e.EventName == "Request" && ((string)e.Payload![e.PayloadNames!.IndexOf("uri")]!).Contains($"/{_name}/messages?numofmessages", StringComparison.Ordinal))
                polls.Enqueue(Environment.TickCount64);
        },
        EventLevel.Informational);

    internal sealed class Polled(Recorder recorder)
    {
        [Function("Polled")]
        public void Run([QueueTrigger("%Queue%")] string text) => recorder.Add(text);
    }

    internal sealed class Everything(Recorder recorder)
    {
        [Function("OutageQueue")]
        public void OfQueue([QueueTrigger("%Queue%")] string text) => recorder.Add(text);

        [Function("OutageBlob")]
        public void OfBlob([BlobTrigger("%Queue%/{name}")] string text, string name) => recorder.Add("blob " + name);

        [Function("OutageTimer")]
        public void OfTimer([TimerTrigger("0 0 3 * * *")] TimerInfo timer) => recorder.Add("timer");

        [Function("Alive")]
        public Microsoft.AspNetCore.Http.IResult Alive([HttpTrigger("get")] Microsoft.AspNetCore.Http.HttpRequest request) => Microsoft.AspNetCore.Http.Results.Ok();
    }
}
