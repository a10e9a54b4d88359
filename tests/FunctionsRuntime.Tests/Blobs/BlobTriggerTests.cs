using System.Text.Json;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Blobs;

public class BlobTriggerTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("blobs");
    private readonly string _host = AzuriteFixture.Unique("host");

    private BlobContainerClient Container => storage.Container(_name);

    [Fact]
    public async Task A_missing_container_is_created_and_a_new_blob_is_processed_once()
    {
        await using var app = await Start();
        await Eventually.True(async () => await Container.ExistsAsync());

        await Put("a.txt", "one");

        (await app.Recorder.WaitFor(1)).ShouldBe(["a.txt=one"]);
        await Task.Delay(1000);
        app.Recorder.Items.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Blobs_that_were_there_before_the_start_are_processed_newest_first()
    {
        await Container.CreateAsync();
        foreach (var name in new[] { "first", "second", "third" })
        {
            await Put(name, name);
            await Task.Delay(1100); // times of blobs have whole seconds
        }
        await using var app = await Start(settings: ("AzureFunctionsJobHost:extensions:blobs:maxDegreeOfParallelism", "1"));

        (await app.Recorder.WaitFor(3)).ShouldBe(["third=third", "second=second", "first=first"]);
    }

    [Fact]
    public async Task A_changed_blob_is_processed_again()
    {
        await using var app = await Start();
        await Eventually.True(async () => await Container.ExistsAsync());
        await Put("a", "one");
        await app.Recorder.WaitFor(1);

        await Put("a", "two");

        (await app.Recorder.WaitFor(2)).ShouldBe(["a=one", "a=two"]);
    }

    [Fact]
    public async Task A_blob_that_changes_while_it_is_processed_is_processed_again_afterwards_not_beside()
    {
        var goOn = new TaskCompletionSource();
        await using var app = await Start(recorder => recorder.Behaviour = (_, _) => goOn.Task);
        await Eventually.True(async () => await Container.ExistsAsync());
        await Put("a", "one");
        await app.Recorder.WaitFor(1);
        await Put("a", "two");
        await Task.Delay(700);
        app.Recorder.Items.Count.ShouldBe(1);
        goOn.SetResult();

        (await app.Recorder.WaitFor(2)).ShouldBe(["a=one", "a=two"]);
    }

    [Fact]
    public async Task Receipts_outlast_a_restart()
    {
        await Container.CreateAsync();
        await Put("a", "one");
        await Put("b", "one");
        await using (var app = await Start())
            await app.Recorder.WaitFor(2);
        await Put("b", "two");
        await Put("c", "one");

        await using var again = await Start();

        (await again.Recorder.WaitFor(2)).Order().ShouldBe(["b=two", "c=one"]);
        await Task.Delay(800);
        again.Recorder.Items.Count.ShouldBe(2);
        var receipts = new List<string>();
        await foreach (var item in storage.Container("azure-webjobs-hosts").GetBlobsAsync(prefix: $"blobreceipts/{_host}/"))
            receipts.Add(item.Name);
        receipts.Count.ShouldBe(4);
        receipts.ShouldAllBe(r => r.StartsWith($"blobreceipts/{_host}/Host.Functions.Blobs/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task After_five_failures_a_message_names_the_blob_and_it_is_left_alone()
    {
        await Container.CreateAsync();
        await Put("dir/bad.csv", "x");
        var poison = storage.Queue("webjobs-blobtrigger-poison");
        await using (var app = await Start(
            recorder => recorder.Behaviour = (_, _) => throw new InvalidOperationException("no"), ("FUNCTIONS_BLOB_POLL", "00:00:00.050")))
        {
            JsonElement message = default;
            await Eventually.True(async () => (message = await PoisonFor(poison)).ValueKind == JsonValueKind.Object);
            message.GetProperty("FunctionId").GetString().ShouldBe("Host.Functions.Blobs");
            message.GetProperty("BlobName").GetString().ShouldBe("dir/bad.csv");
            message.GetProperty("ContainerName").GetString().ShouldBe(_name);
            message.GetProperty("ETag").GetString()!.Trim('"').ShouldBe(
                (await Container.GetBlobClient("dir/bad.csv").GetPropertiesAsync()).Value.ETag.ToString().Trim('"'));
            await Task.Delay(800);
            app.Recorder.Items.Count.ShouldBe(5);
        }

        await using var again = await Start();
        await Task.Delay(800);
        again.Recorder.Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task Failures_are_counted_across_restarts()
    {
        await Container.CreateAsync();
        await Put("bad", "x");
        var total = 0;
        for (var start = 0; start < 5 && total < 5; start++)
        {
            await using var app = await Start(recorder => recorder.Behaviour = (_, _) => throw new InvalidOperationException("no"), ("FUNCTIONS_BLOB_POLL", "00:00:01"));
            await app.Recorder.WaitFor(1);
            await app.Stop();
            total += app.Recorder.Items.Count;
        }

        total.ShouldBe(5);
        (await PoisonFor(storage.Queue("webjobs-blobtrigger-poison"))).ValueKind.ShouldBe(JsonValueKind.Object);
    }

    [Fact]
    public async Task A_blob_that_fails_once_succeeds_on_the_next_try()
    {
        await using var app = await Start(recorder => recorder.Behaviour = (_, _) => recorder.Items.Count == 1 ? throw new InvalidOperationException("first") : Task.CompletedTask);
        await Eventually.True(async () => await Container.ExistsAsync());
        await Put("a", "one");

        await app.Recorder.WaitFor(2);

        await Task.Delay(1000);
        app.Recorder.Items.Count.ShouldBe(2);
    }

    [Fact]
    public async Task No_more_than_the_degree_of_parallelism_run_at_once()
    {
        await Container.CreateAsync();
        for (var i = 0; i < 9; i++)
            await Put($"{i}", "x");
        int running = 0, most = 0;
        var gate = new Lock();
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await Start(
            recorder => recorder.Behaviour = async (_, _) =>
            {
                lock (gate)
                    most = Math.Max(most, ++running);
                if (most == 3)
                    full.TrySetResult();
                await full.Task.WaitAsync(Eventually.Patience);
                await Task.Delay(200);
                lock (gate)
                    running--;
            },
            ("AzureFunctionsJobHost:extensions:blobs:maxDegreeOfParallelism", "3"));

        await app.Recorder.WaitFor(9);

        most.ShouldBe(3);
    }

    [Fact]
    public async Task Only_blobs_that_match_the_pattern_run_and_its_parts_bind_by_name()
    {
        await Container.CreateAsync();
        await Put("imports/orders/2024.csv", "x");
        await Put("imports/orders/2024.txt", "x");
        await Put("other/orders/2024.csv", "x");
        await using var app = await TestApp.Start<Patterns>(Settings());

        (await app.Recorder.WaitFor(1)).ShouldBe([$"orders|2024|{_name}/imports/orders/2024.csv"]);
        await Task.Delay(600);
        app.Recorder.Items.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Every_kind_of_parameter_gets_the_blob()
    {
        await Container.CreateAsync();
        await Container.GetBlobClient("t/stream").UploadAsync(BinaryData.FromString("{\"Id\":7}"));
        await using var app = await TestApp.Start<Kinds>(Settings());

        (await app.Recorder.WaitFor(7)).Cast<string>().Order().ShouldBe(
        [
            "bytes 8", "client t/stream", $"container {_name}", "input {\"Id\":7}", "poco 7", "stream {\"Id\":7}", "string {\"Id\":7}",
        ]);
    }

    [Fact]
    public async Task Event_grid_as_source_is_scanned_all_the_same()
    {
        await using var app = await TestApp.Start<FromEventGrid>(Settings());
        await Eventually.True(async () => await Container.ExistsAsync());

        await Put("a", "one");

        await app.Recorder.WaitFor(1);
    }

    private Dictionary<string, string> Settings(params (string, string)[] more)
        => storage.Settings([("Container", _name), ("AzureFunctionsWebHost:hostid", _host), .. more]);

    private Task<TestApp> Start(Action<Recorder>? before = null, params (string, string)[] settings)
        => TestApp.Start<AllBlobs>(Settings(settings), before: before);

    private async Task Put(string name, string text) => await Container.GetBlobClient(name).UploadAsync(BinaryData.FromString(text), overwrite: true);

    private async Task<JsonElement> PoisonFor(Azure.Storage.Queues.QueueClient queue)
    {
        if (!await queue.ExistsAsync())
            return default;
        // Shared by all tests, which is why it is only looked at.
        foreach (var message in (await queue.PeekMessagesAsync(32)).Value)
        {
            var json = JsonSerializer.Deserialize<JsonElement>(message.Body.ToString());
            if (json.GetProperty("ContainerName").GetString() == _name)
                return json;
        }
        return default;
    }

    internal sealed class AllBlobs(Recorder recorder)
    {
        [Function("Blobs")]
        public Task Run([BlobTrigger("%Container%/{name}")] string text, string name, CancellationToken token) => recorder.Run($"{name}={text}", token);
    }

    internal sealed class Patterns(Recorder recorder)
    {
        [Function("Patterns")]
        public Task Run([BlobTrigger("%Container%/imports/{kind}/{name}.csv")] Stream blob, string kind, string name, string blobTrigger)
            => recorder.Run($"{kind}|{name}|{blobTrigger}");
    }

    internal sealed class FromEventGrid(Recorder recorder)
    {
        [Function("FromEventGrid")]
        public Task Run([BlobTrigger("%Container%/{name}", Source = BlobTriggerSource.EventGrid)] string text) => recorder.Run(text);
    }

    internal sealed record Poco(int Id);

    internal sealed class Kinds(Recorder recorder)
    {
        [Function("KindStream")]
        public async Task OfStream([BlobTrigger("%Container%/t/{name}")] Stream blob)
        {
            using var reader = new StreamReader(blob);
            recorder.Add("stream " + await reader.ReadToEndAsync());
        }

        [Function("KindString")]
        public void OfString([BlobTrigger("%Container%/t/{name}")] string blob) => recorder.Add("string " + blob);

        [Function("KindBytes")]
        public void OfBytes([BlobTrigger("%Container%/t/{name}")] byte[] blob) => recorder.Add("bytes " + blob.Length);

        [Function("KindClient")]
        public void OfClient([BlobTrigger("%Container%/t/{name}")] BlobClient blob) => recorder.Add("client " + blob.Name);

        [Function("KindContainer")]
        public void OfContainer([BlobTrigger("%Container%/t/{name}")] BlobContainerClient blob) => recorder.Add("container " + blob.Name);

        [Function("KindPoco")]
        public void OfPoco([BlobTrigger("%Container%/t/{name}")] Poco blob) => recorder.Add("poco " + blob.Id);

        [Function("KindInput")]
        public void OfInput(
            [BlobTrigger("%Container%/t/{name}")] BlobClient blob, [BlobInput("%Container%/t/{name}")] string text, [BlobInput("%Container%/no/{name}")] Stream? missing)
            => recorder.Add(missing is null ? "input " + text : "a blob that is not there");
    }
}
