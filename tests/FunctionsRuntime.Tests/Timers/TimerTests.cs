using System.Collections.Concurrent;
using System.Text.Json;
using Azure.Storage.Blobs;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Timers;

public class TimerTests(AzuriteFixture storage)
{
    private const string Daily = "0 0 3 * * *";
    private readonly string _host = AzuriteFixture.Unique("host");

    private BlobClient Status => storage.Container("azure-webjobs-hosts").GetBlobClient($"timers/{_host}/Host.Functions.Timer/status");

    [Fact]
    public async Task A_timer_runs_at_each_occurrence_of_its_schedule_and_no_oftener()
    {
        var times = new ConcurrentQueue<DateTimeOffset>();
        await using var app = await Start("*/2 * * * * *", before: r => r.Behaviour = (_, _) =>
        {
            times.Enqueue(DateTimeOffset.UtcNow);
            return Task.CompletedTask;
        });

        await app.Recorder.WaitFor(3);

        // Each in a period of its own: never before its second, never twice for one.
        var seconds = times.Select(t => t.ToUnixTimeSeconds()).ToArray();
        seconds.Select(t => t / 2).Distinct().Count().ShouldBe(seconds.Length);
    }

    [Fact]
    public async Task The_status_is_kept_in_storage()
    {
        await using var app = await Start("* * * * * *");
        await app.Recorder.WaitFor(2);
        await app.Stop();

        var status = await ReadStatus();

        status.Next.ShouldBe(status.Last.AddSeconds(1).AddTicks(-(status.Last.Ticks % TimeSpan.TicksPerSecond)));
        (DateTime.UtcNow - status.LastUpdated).ShouldBeLessThan(TimeSpan.FromMinutes(10));
    }

    [Fact]
    public async Task A_run_missed_while_no_instance_was_up_is_past_due_at_the_start()
    {
        var last = DateTime.UtcNow.Date.AddDays(-3).AddHours(3);
        await WriteStatus(new ScheduleStatus { Last = last, LastUpdated = last, Next = last.AddDays(1) });

        await using var app = await Start(Daily);

        (await app.Recorder.WaitFor(1)).ShouldBe(["due True, last " + last.ToString("O")]);
        await Eventually.True(async () => (await ReadStatus()).Next > DateTime.UtcNow);
    }

    [Fact]
    public async Task A_new_timer_and_a_changed_schedule_are_not_past_due()
    {
        await using (var app = await Start(Daily))
            await Eventually.True(async () => await Status.ExistsAsync());
        (await ReadStatus()).Next.Hour.ShouldBe(3);
        var last = DateTime.UtcNow.Date.AddDays(-3).AddHours(3);
        await WriteStatus(new ScheduleStatus { Last = last, LastUpdated = last, Next = last.AddDays(1) });

        await using var changed = await Start("0 0 4 * * *");

        await Eventually.True(async () => (await ReadStatus()).Next.Hour == 4);
        changed.Recorder.Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task RunOnStartup_runs_at_the_start_and_without_monitor_there_is_no_status()
    {
        await using var app = await TestApp.Start<AtStart>(storage.Settings(("AzureFunctionsWebHost:hostid", _host)));

        (await app.Recorder.WaitFor(1)).ShouldBe(["due False, status False"]);
        await Task.Delay(300);
        (await storage.Container("azure-webjobs-hosts").GetBlobClient($"timers/{_host}/Host.Functions.AtStart/status").ExistsAsync()).Value.ShouldBeFalse();
    }

    [Fact]
    public async Task One_instance_runs_it_and_another_takes_over_when_that_one_stops()
    {
        await using var first = await Start("* * * * * *");
        await first.Recorder.WaitFor(1);
        await using var second = await Start("* * * * * *");
        await first.Recorder.WaitFor(4);
        second.Recorder.Items.ShouldBeEmpty();

        await first.Stop();

        await second.Recorder.WaitFor(1);
    }

    [Theory]
    [InlineData("Fixed", 3)]
    [InlineData("Exponential", 3)]
    [InlineData("NoRetry", 1)]
    public async Task A_failed_run_is_retried_as_its_attribute_says(string function, int runs)
    {
        var others = new[] { "Fixed", "Exponential", "NoRetry" }.Where(f => f != function).Select(f => ($"AzureWebJobs.{f}.Disabled", "true"));
        var times = new ConcurrentQueue<long>();
        await using var app = await TestApp.Start<Retried>(
            storage.Settings([("AzureFunctionsWebHost:hostid", _host), .. others]),
            before: r => r.Behaviour = (_, _) =>
            {
                times.Enqueue(Environment.TickCount64);
                throw new InvalidOperationException("no");
            });

        (await app.Recorder.WaitFor(runs)).ShouldBe(Enumerable.Range(0, runs).Select(n => $"{n} of {runs - 1}"));
        await Task.Delay(1000);
        app.Recorder.Items.Count.ShouldBe(runs);
        var gaps = times.Zip(times.Skip(1), (a, b) => b - a).ToArray();
        gaps.ShouldAllBe(g => g >= 190);
        if (function == "Exponential")
            gaps[1].ShouldBeGreaterThan(390);
    }

    private Task<TestApp> Start(string schedule, Action<Recorder>? before = null, params (string, string)[] settings)
        => TestApp.Start<Timer>(storage.Settings([("Schedule", schedule), ("AzureFunctionsWebHost:hostid", _host), .. settings]), before: before);

    private async Task<ScheduleStatus> ReadStatus() => (await Status.DownloadContentAsync()).Value.Content.ToObjectFromJson<ScheduleStatus>()!;

    private async Task WriteStatus(ScheduleStatus status)
    {
        await storage.Container("azure-webjobs-hosts").CreateIfNotExistsAsync();
        await Status.UploadAsync(BinaryData.FromString(JsonSerializer.Serialize(status)), overwrite: true);
    }

    internal sealed class Timer(Recorder recorder)
    {
        [Function("Timer")]
        public Task Run([TimerTrigger("%Schedule%")] TimerInfo timer, CancellationToken token)
            => recorder.Run($"due {timer.IsPastDue}, last {timer.ScheduleStatus!.Last:O}", token);
    }

    internal sealed class AtStart(Recorder recorder)
    {
        [Function("AtStart")]
        public Task Run([TimerTrigger(Daily, RunOnStartup = true, UseMonitor = false)] TimerInfo timer)
            => recorder.Run($"due {timer.IsPastDue}, status {timer.ScheduleStatus is not null}");
    }

    internal sealed class Retried(Recorder recorder)
    {
        [Function("Fixed")]
        [FixedDelayRetry(2, "00:00:00.200")]
        public Task Fixed([TimerTrigger(Daily, RunOnStartup = true)] TimerInfo timer, FunctionContext context) => Run(context);

        [Function("Exponential")]
        [ExponentialBackoffRetry(2, "00:00:00.200", "00:00:10")]
        public Task Exponential([TimerTrigger(Daily, RunOnStartup = true)] TimerInfo timer, FunctionContext context) => Run(context);

        [Function("NoRetry")]
        public Task NoRetry([TimerTrigger(Daily, RunOnStartup = true)] TimerInfo timer, FunctionContext context) => Run(context);

        private Task Run(FunctionContext context) => recorder.Run($"{context.RetryContext.RetryCount} of {context.RetryContext.MaxRetryCount}");
    }
}
