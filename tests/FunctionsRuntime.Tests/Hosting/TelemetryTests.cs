using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

public class TelemetryTests(AzuriteFixture storage)
{
    private const string Name = "Microsoft.Azure.Functions.Worker";
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Parent = $"00-{Trace}-00f067aa0ba902b7-01";

    private readonly string _queue = AzuriteFixture.Unique("telemetry");

    [Fact]
    public async Task An_http_invocation_is_one_activity_in_the_trace_of_the_request()
    {
        var activities = new ConcurrentQueue<Activity>();
        using var listener = Listen(activities);
        await using var app = await TestApp.Start<Traced>(storage.Settings(("Queue", _queue)));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/TracedHttp");
        request.Headers.Add("traceparent", Parent);
        request.Headers.Add("tracestate", "a=b");

        using var response = await app.Http.SendAsync(request);

        var body = (await response.Content.ReadAsStringAsync()).Split(' ');
        var activity = activities.Where(a => a.GetTagItem("faas.name") as string == "TracedHttp" && a.TraceId.ToString() == Trace).ShouldHaveSingleItem();
        activity.GetTagItem("faas.trigger").ShouldBe("http");
        activity.GetTagItem("faas.invocation_id").ShouldBe(body[0]);
        body[1].ShouldBe(activity.Id);
        body[2].ShouldBe("a=b");
        activity.Status.ShouldBe(ActivityStatusCode.Unset);
    }

    [Theory]
    [InlineData("{\"Id\":1,\"traceparent\":\"" + Parent + "\",\"tracestate\":\"a=b\"}", true)]
    [InlineData("{\"nested\":{\"x\":[1]},\"$AzureWebJobsParentId\":\"" + Parent + "\"}", true)]
    [InlineData("{\"Id\":1,\"traceparent\":\"no such\"}", false)]
    [InlineData("{\"traceparent\": broken", false)]
    [InlineData("plain text", false)]
    public async Task A_message_takes_up_the_trace_that_it_carries(string text, bool carries)
    {
        // Without a listener too: log lines and calls that go out from one run share a trace.
        await using var app = await TestApp.Start<Traced>(storage.Settings(("Queue", _queue)));
        await Eventually.True(async () => await storage.Queue(_queue).ExistsAsync());

        await storage.Queue(_queue).SendMessageAsync(text);

        var parent = ActivityContext.Parse((string)(await app.Recorder.WaitFor(1))[0], null);
        (parent.TraceId.ToString() == Trace).ShouldBe(carries);
    }

    [Fact]
    public async Task Invocations_failures_durations_and_the_depth_of_queues_are_measured()
    {
        var measured = new ConcurrentQueue<(string Instrument, double Value, string Tags)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == Name)
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => measured.Enqueue((i.Name, value, Text(tags))));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => measured.Enqueue((i.Name, value, Text(tags))));
        listener.Start();
        await using var app = await TestApp.Start<Measured>(storage.Settings(("Queue", _queue)));

        await app.Http.GetAsync("/api/MeasuredGood");
        await app.Http.GetAsync("/api/MeasuredBad");

        await Eventually.True(() => measured.Any(m => m.Instrument == "functions.queue.depth" && m.Tags.Contains(_queue, StringComparison.Ordinal)));
        measured.Where(m => m.Instrument == "faas.invocations" && m.Tags.Contains("MeasuredGood", StringComparison.Ordinal)).Sum(m => m.Value).ShouldBe(1);
        measured.Where(m => m.Instrument == "faas.errors" && m.Tags.Contains("MeasuredBad", StringComparison.Ordinal)).Sum(m => m.Value).ShouldBe(1);
        measured.ShouldNotContain(m => m.Instrument == "faas.errors" && m.Tags.Contains("MeasuredGood", StringComparison.Ordinal));
        measured.ShouldNotContain(m => m.Instrument == "faas.invocations" && m.Tags.Contains("MeasuredBad", StringComparison.Ordinal));
        measured.Where(m => m.Instrument == "faas.invoke_duration" && m.Tags.Contains("MeasuredGood", StringComparison.Ordinal)).ShouldHaveSingleItem().Value.ShouldBeInRange(0.04, 20);
    }

    [Fact]
    public async Task A_failed_invocation_marks_its_activity()
    {
        var activities = new ConcurrentQueue<Activity>();
        using var listener = Listen(activities);
        await using var app = await TestApp.Start<Measured>(storage.Settings(("Queue", _queue), ("AzureWebJobs.MeasuredQueue.Disabled", "1")));

        await app.Http.GetAsync("/api/MeasuredBad");

        activities.Where(a => a.GetTagItem("faas.name") as string == "MeasuredBad").ShouldAllBe(a => a.Status == ActivityStatusCode.Error);
        activities.ShouldContain(a => a.GetTagItem("faas.name") as string == "MeasuredBad");
    }

    private static ActivityListener Listen(ConcurrentQueue<Activity> activities)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activities.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(' ', tags.ToArray().Select(t => t.Value));

    internal sealed class Traced(Recorder recorder)
    {
        [Function("TracedHttp")]
        public IResult Run([HttpTrigger("get")] HttpRequest request, FunctionContext context)
            => Results.Text($"{context.InvocationId} {context.TraceContext.TraceParent} {context.TraceContext.TraceState}");

        [Function("TracedQueue")]
        public void OfQueue([QueueTrigger("%Queue%")] string text, FunctionContext context)
        {
            context.TraceContext.TraceParent.ShouldBe(Activity.Current!.Id);
            recorder.Add(context.TraceContext.TraceParent);
        }
    }

    internal sealed class Measured
    {
        [Function("MeasuredGood")]
        public async Task<IResult> Good([HttpTrigger("get")] HttpRequest request)
        {
            await Task.Delay(50);
            return Results.Ok();
        }

        [Function("MeasuredBad")]
        public IResult Bad([HttpTrigger("get")] HttpRequest request) => throw new InvalidOperationException("bad");

        [Function("MeasuredQueue")]
        public void OfQueue([QueueTrigger("%Queue%")] string text) => _ = text;
    }
}
