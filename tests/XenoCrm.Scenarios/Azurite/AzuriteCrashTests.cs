using System.Collections.Concurrent;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Queues;
using XenoCrm.AppHost;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Azurite;

public class AzuriteCrashTests(ITestOutputHelper output)
{
    /// <summary>
    /// Writers put and delete messages and blobs without pause while Azurite is killed at seeded moments and started
    /// again over the same folder. Whatever was answered must be there, whatever was deleted must not come back.
    /// </summary>
    [Fact]
    public async Task Nothing_acknowledged_is_lost_by_kill_9()
    {
        const int kills = 12;
        var lease = TimeSpan.FromSeconds(1);
        using var folder = new TemporaryFolder();
        var random = new Random(20261123);
        var messages = new ConcurrentDictionary<string, byte>();
        var deleting = new ConcurrentDictionary<string, byte>();
        var deleted = new ConcurrentDictionary<string, byte>();
        var blobs = new ConcurrentDictionary<string, int>();
        var padding = new string('x', 700);
        var number = 0;

        var ports = FreePorts();
        for (var round = 0; round < kills; round++)
        {
            var azurite = await StartAsync(folder, ports);
            var queue = Queue(azurite.ConnectionString);
            var container = Container(azurite.ConnectionString);
            await queue.CreateIfNotExistsAsync();
            await container.CreateIfNotExistsAsync();

            using var stop = new CancellationTokenSource();
            var writers = Enumerable.Range(0, 4).Select(_ => WriteAsync(queue, container, stop.Token))
                .Append(ReceiveAsync(queue, stop.Token)).ToArray();
            for (var target = messages.Count + random.Next(10, 120); messages.Count < target;)
                await Task.Delay(5);
            await azurite.Process.KillAsync();
            await stop.CancelAsync();
            await Task.WhenAll(writers);
            await azurite.DisposeAsync();
        }

        await using var last = await StartAsync(folder, ports);
        await Task.Delay(lease + TimeSpan.FromSeconds(0.5)); // what was received and not deleted is visible again
        var found = new ConcurrentDictionary<string, byte>();
        var left = Queue(last.ConnectionString);
        while ((await left.ReceiveMessagesAsync(32, TimeSpan.FromMinutes(10))).Value is { Length: > 0 } page)
        {
            foreach (var message in page)
                {
                message.MessageText.ShouldEndWith(padding);
                found.TryAdd(message.MessageText.TrimEnd('x'), 0).ShouldBeTrue($"{message.MessageText.TrimEnd('x')} is there twice");
            }
        }
        output.WriteLine($"{messages.Count} messages sent, {deleted.Count} deleted, {found.Count} found; {blobs.Count} blobs");
        (deleting.Count - deleted.Count).ShouldBeLessThanOrEqualTo(kills);
        messages.Count.ShouldBeGreaterThan(400);
        deleted.Count.ShouldBeGreaterThan(50);
        blobs.Count.ShouldBeGreaterThan(100);
        // A delete that was on its way when Azurite died may have happened.
        messages.Keys.Where(m => !found.ContainsKey(m) && !deleting.ContainsKey(m)).ShouldBeEmpty();
        found.Keys.Where(deleted.ContainsKey).ShouldBeEmpty();

        foreach (var (name, length) in blobs)
        {
            var content = (await Container(last.ConnectionString).GetBlobClient(name).DownloadContentAsync()).Value.Content.ToArray();
            content.Length.ShouldBe(length, name);
            content.ShouldAllBe(b => b == (byte)length);
        }

        async Task WriteAsync(QueueClient queue, BlobContainerClient container, CancellationToken stop)
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    var n = Interlocked.Increment(ref number);
                    await queue.SendMessageAsync(n.ToString() + padding, stop);
                    messages.TryAdd(n.ToString(), 0);
                    var content = new byte[n % 5000 + 1];
                    Array.Fill(content, (byte)content.Length);
                    if (n % 3 == 0)
                        await container.UploadBlobAsync($"blob-{n}", new BinaryData(content), stop);
                    else if (n % 3 == 1)
                        await UploadInBlocksAsync(container.GetBlockBlobClient($"blob-{n}"), content, stop);
                    else
                        continue;
                    blobs.TryAdd($"blob-{n}", content.Length);
                }
            }
            catch (Exception e) when (e is RequestFailedException or OperationCanceledException or AggregateException)
            {
                // Killed: what was not answered may be there or not.
            }
        }

        async Task ReceiveAsync(QueueClient queue, CancellationToken stop)
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    foreach (var message in (await queue.ReceiveMessagesAsync(4, lease, stop)).Value)
                    {
                        deleting.TryAdd(message.MessageText.TrimEnd('x'), 0);
                        await queue.DeleteMessageAsync(message.MessageId, message.PopReceipt, stop);
                        deleted.TryAdd(message.MessageText.TrimEnd('x'), 0);
                    }
                    await Task.Delay(20, stop);
                }
            }
            catch (Exception e) when (e is RequestFailedException or OperationCanceledException or AggregateException)
            {
                // Killed.
            }
        }
    }

    [Fact]
    public async Task A_torn_last_line_of_the_journal_is_a_change_nobody_was_told_of()
    {
        using var folder = new TemporaryFolder();
        var ports = FreePorts();
        await using (var azurite = await StartAsync(folder, ports))
        {
            await Queue(azurite.ConnectionString).CreateIfNotExistsAsync();
            await Queue(azurite.ConnectionString).SendMessageAsync("kept");
            await azurite.Process.KillAsync();
        }
        var journal = Directory.GetFiles(folder.Path, "__azurite_db_queue__.json.journal.*").ShouldHaveSingleItem();
        await File.AppendAllTextAsync(journal, """{"op":"put","in":"$MESSAGES_COLL""");

        await using var again = await StartAsync(folder, ports);
        (await Queue(again.ConnectionString).ReceiveMessagesAsync(32)).Value.ShouldHaveSingleItem().MessageText.ShouldBe("kept");
    }

    [Fact]
    public async Task Ends_in_order_when_the_pipe_from_its_parent_closes_and_keeps_everything()
    {
        using var folder = new TemporaryFolder();
        var ports = FreePorts();
        var azurite = await StartAsync(folder, ports);
        await Queue(azurite.ConnectionString).CreateIfNotExistsAsync();
        await Queue(azurite.ConnectionString).SendMessageAsync("kept");
        await azurite.Process.StopAsync(TimeSpan.FromMinutes(1));
        (await azurite.Process.Exited).ShouldBe(0, "else it had to be killed");

        await using var again = await StartAsync(folder, ports);
        (await Queue(again.ConnectionString).ReceiveMessagesAsync(32)).Value.ShouldHaveSingleItem().MessageText.ShouldBe("kept");
    }

    [Fact]
    public async Task Told_to_stop_while_it_starts_it_keeps_everything()
    {
        using var folder = new TemporaryFolder();
        var ports = FreePorts();
        await using (var azurite = await StartAsync(folder, ports))
        {
            await Queue(azurite.ConnectionString).CreateIfNotExistsAsync();
            await Queue(azurite.ConnectionString).SendMessageAsync("kept");
            await Container(azurite.ConnectionString).CreateIfNotExistsAsync();
            await Container(azurite.ConnectionString).UploadBlobAsync("kept", new BinaryData("kept"));
            await azurite.Process.KillAsync();
        }

        // At each line that it writes while it starts: some of its databases are loaded by then and others are not.
        for (var line = 1; line <= 4; line++)
        {
            var (lines, reached) = (line, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            await using var starting = ChildProcess.Start(new ChildProcessOptions
            {
                Name = "azurite", FileName = "node", Arguments = AzuriteProcess.Arguments(folder.Path, (ports[0], ports[1], ports[2])),
                OnOutput = _ =>
                {
                    if (Interlocked.Decrement(ref lines) == 0)
                        reached.SetResult();
                },
            });
            await Task.WhenAny(reached.Task, starting.Exited);
            await starting.StopAsync(TimeSpan.FromMinutes(1));
        }

        await using var again = await StartAsync(folder, ports);
        (await Queue(again.ConnectionString).ReceiveMessagesAsync(32)).Value.ShouldHaveSingleItem().MessageText.ShouldBe("kept");
        (await Container(again.ConnectionString).GetBlobClient("kept").DownloadContentAsync()).Value.Content.ToString().ShouldBe("kept");
    }

    private static int[] FreePorts()
    {
        var first = AppHostProcess.FreePortBase();
        return [first, first + 1, first + 2];
    }

    private static Task<AzuriteProcess> StartAsync(TemporaryFolder folder, int[] ports) =>
        AzuriteProcess.StartAsync(new AzuriteOptions { Folder = folder.Path, AtPorts = (ports[0], ports[1], ports[2]) });

    private static async Task UploadInBlocksAsync(BlockBlobClient blob, byte[] content, CancellationToken cancellation)
    {
        var half = content.Length / 2;
        string[] ids = ["AAAA", "AAAB"];
        await blob.StageBlockAsync(ids[0], new MemoryStream(content, 0, half + 1), cancellationToken: cancellation);
        if (content.Length - half - 1 > 0)
        {
            await blob.StageBlockAsync(ids[1], new MemoryStream(content, half + 1, content.Length - half - 1), cancellationToken: cancellation);
            await blob.CommitBlockListAsync(ids, cancellationToken: cancellation);
        }
        else
        {
            await blob.CommitBlockListAsync(ids[..1], cancellationToken: cancellation);
        }
    }

    private static QueueClient Queue(string connection)
    {
        var options = new QueueClientOptions();
        options.Retry.MaxRetries = 0; // a repeated send would be a second message
        return new QueueClient(connection, "crash", options);
    }

    private static BlobContainerClient Container(string connection)
    {
        var options = new BlobClientOptions();
        options.Retry.MaxRetries = 0;
        return new BlobContainerClient(connection, "crash", options);
    }
}
