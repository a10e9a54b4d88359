using System.Text.Json;
using Azure.Storage.Queues;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

public class CrashAndShutdownTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("crash");
    private readonly string _host = AzuriteFixture.Unique("host");

    [Fact]
    public async Task Work_that_a_kill_cut_off_is_done_by_the_next_process()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("m");
        await storage.Container(_name).CreateAsync();
        await storage.Container(_name).GetBlobClient("b").UploadAsync(BinaryData.FromString("x"));
        await MissATimer();
        await using (var app = await CrashingApp.Start(Settings(("Work", "00:10:00"), ("FUNCTIONS_QUEUE_LEASE", "00:00:10"))))
        {
            await app.WaitFor("begin queue m try 1");
            await app.WaitFor("begin blob b");
            await app.WaitFor("begin timer due True");
            await app.Kill();
        }

        await using var again = await CrashingApp.Start(Settings(("FUNCTIONS_QUEUE_LEASE", "00:00:10")));

        await again.WaitFor("end queue m try 2");
        await again.WaitFor("end blob b");
        // The lease that keeps timers to one instance runs out after 15 s.
        await again.WaitFor("end timer due True");
        await Eventually.True(async () => await Count(queue) == 0);
    }

    [Fact]
    public async Task At_the_end_running_work_may_finish_and_nothing_new_begins()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("m");
        await using var app = await CrashingApp.Start(Settings(("Work", "00:00:03")));
        await app.WaitFor("begin queue m try 1");

        await app.Terminate();
        await app.WaitFor("Application is shutting down");
        await queue.SendMessageAsync("late");

        (await app.Exited()).ShouldBe(0);

        app.Lines.ShouldContain("end queue m try 1");
        app.Lines.ShouldNotContain(l => l.Contains("late", StringComparison.Ordinal));
        app.Lines.ShouldContain("ended well");
        (await Count(queue)).ShouldBe(1);
    }

    [Fact]
    public async Task Work_that_outlasts_the_time_to_finish_is_cancelled_and_its_message_kept()
    {
        var queue = await storage.NewQueue(_name);
        await using var app = await TestApp.Start<Slow>(
            storage.Settings(("Queue", _name), ("AzureFunctionsJobHost:functionTimeout", "00:00:02")),
            before: r => r.Behaviour = (_, token) => Task.Delay(Timeout.Infinite, token));
        await queue.SendMessageAsync("m");
        await app.Recorder.WaitFor(1);

        await app.Stop().WaitAsync(Eventually.Patience);

        (await Count(queue)).ShouldBe(1);
    }

    [Fact]
    public async Task A_request_that_is_running_at_the_end_is_answered()
    {
        await using var app = await TestApp.Start<Slow>(
            storage.Settings(("Queue", _name)), before: r => r.Behaviour = (_, token) => Task.Delay(1500, token));
        var answer = app.Http.GetStringAsync("/api/slow");
        await app.Recorder.WaitFor(1);

        await app.Stop();

        (await answer).ShouldBe("done");
    }

    [Fact]
    public async Task A_child_ends_gracefully_when_its_standard_input_does()
    {
        await using var app = await CrashingApp.Start(Settings());

        app.CloseInput();

        (await app.Exited()).ShouldBe(0);
        app.Lines.ShouldContain("ended well");
    }

    [Fact]
    public async Task A_child_gives_up_at_once_what_it_runs_when_its_parent_is_killed()
    {
        var queue = await storage.NewQueue(_name);
        await queue.SendMessageAsync("m");
        await using var app = await CrashingApp.Start(Settings(("Work", "00:10:00")), belowParent: true);
        await app.WaitFor("begin queue m try 1");

        await app.Kill();

        await app.WaitFor("cancelled queue m try 1");
        await app.WaitFor("ended well");
        (await queue.ReceiveMessageAsync()).Value.Body.ToString().ShouldBe("m");
    }

    [Fact]
    public async Task The_end_of_the_pipe_is_told_once_and_what_comes_through_it_is_ignored()
    {
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        using var input = new System.IO.Pipes.AnonymousPipeClientStream(System.IO.Pipes.PipeDirection.In, pipe.ClientSafePipeHandle);
        var gone = new TaskCompletionSource();
        ExitWithParent.Watch(input, gone.SetResult);
        await pipe.WriteAsync("anything"u8.ToArray());
        await Task.Delay(200);
        gone.Task.IsCompleted.ShouldBeFalse();

        await pipe.DisposeAsync();

        await gone.Task.WaitAsync(Eventually.Patience);
    }

    private async Task MissATimer()
    {
        var last = DateTime.UtcNow.Date.AddDays(-3).AddHours(3);
        var hosts = storage.Container("azure-webjobs-hosts");
        await hosts.CreateIfNotExistsAsync();
        await hosts.GetBlobClient($"timers/{_host}/Host.Functions.CrashTimer/status").UploadAsync(BinaryData.FromString(
            JsonSerializer.Serialize(new ScheduleStatus { Last = last, LastUpdated = last, Next = last.AddDays(1) })));
    }

    private Dictionary<string, string> Settings(params (string, string)[] more) => storage.Settings(
    [
        ("Queue", _name), ("Container", _name), ("AzureFunctionsWebHost:hostid", _host), ("AzureFunctionsJobHost:extensions:queues:maxDequeueCount", "5"), .. more,
    ]);

    private static async Task<int> Count(QueueClient queue) => (await queue.GetPropertiesAsync()).Value.ApproximateMessagesCount;

    internal sealed class Slow(Recorder recorder)
    {
        [Function("SlowQueue")]
        public Task OfQueue([QueueTrigger("%Queue%")] string text, CancellationToken token) => recorder.Run(text, token);

        [Function("SlowHttp")]
        public async Task<Microsoft.AspNetCore.Http.IResult> OfHttp(
            [HttpTrigger("get", Route = "slow")] Microsoft.AspNetCore.Http.HttpRequest request, CancellationToken token)
        {
            await recorder.Run("http", token);
            return Microsoft.AspNetCore.Http.Results.Text("done");
        }
    }
}
