using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using NSubstitute;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform.Queues;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Platform;

public sealed class TelemetryTests(DeliveryEmulator emulator)
{
    private static readonly DateTimeOffset Due = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private sealed record Payload(int Number);

    [Fact]
    public void A_message_carries_its_trace_and_time_and_is_the_same_payload()
    {
        using var activity = new Activity("caller").SetIdFormat(ActivityIdFormat.W3C).Start();

        var message = QueueEnvelope.Wrap("""{"number":7}"""u8.ToArray(), activity, Due);

        var envelope = QueueEnvelope.Of(message.Span);
        envelope.Trace.TraceId.ShouldBe(activity.TraceId);
        envelope.Trace.SpanId.ShouldBe(activity.SpanId);
        envelope.DueAt.ShouldBe(Due);
        JsonSerializer.Deserialize<Payload>(message.Span, Json.Options).ShouldBe(new Payload(7));
        message.Length.ShouldBeLessThan(12 + QueueEnvelope.MaxBytes);

        // One that is put back is of the trace that it came with.
        using var other = new Activity("other").SetIdFormat(ActivityIdFormat.W3C).Start();
        QueueEnvelope.Wrap(message, other, null).ToArray().ShouldBe(message.ToArray());
    }

    [Theory]
    [InlineData("[1,2]")]
    [InlineData("{}")]
    [InlineData("no JSON")]
    [InlineData("")]
    public void What_is_no_object_stays_as_it_is(string text)
    {
        using var activity = new Activity("caller").Start();
        var bytes = Encoding.UTF8.GetBytes(text);

        QueueEnvelope.Wrap(bytes, activity, Due).ToArray().ShouldBe(bytes);
        QueueEnvelope.Of(bytes).ShouldBe(default);
    }

    [Fact]
    public void Without_a_trace_and_a_time_nothing_is_added() =>
        QueueEnvelope.Wrap("""{"number":7}"""u8.ToArray(), null, null).ToArray().ShouldBe("""{"number":7}"""u8.ToArray());

    /// <summary>From the vendor's request to what is written of it, over a queue that knows nothing of traces.</summary>
    [Fact]
    public async Task A_receipt_is_one_trace_from_the_webhook_to_the_database()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(0, 3));
        var campaign = await harness.LaunchAsync();
        await harness.RunAsync();
        var message = (await harness.BatchesAsync(campaign))[0];
        harness.Queues.Clear();
        var seen = new ConcurrentQueue<Activity>();
        using var listener = Listen(seen, "System.Net.Http", AppTelemetry.Name);

        ActivityTraceId trace;
        using (var request = new Activity("POST /api/webhooks/receipts").SetIdFormat(ActivityIdFormat.W3C).Start())
        {
            trace = request.TraceId;
            await harness.Get<ReceiptInbox>().StoreAsync([DeliveryHarness.Receipt($"{message.Id}.0", ReceiptStatus.Delivered)], default);
        }

        var queued = harness.Queues.Take().ShouldNotBeNull();
        await new TraceMiddleware().Invoke(Context("ApplyReceipts", queued.Json), _ => harness.Create<DeliveryJobs>().Apply(queued.Json, default));

        (await harness.LedgerAsync(campaign)).Delivered.ShouldBe(1);
        seen.Where(a => a.TraceId == trace && a.GetTagItem("url.full") is string url && url.Contains("/colls/deliveries/", StringComparison.Ordinal)).ShouldNotBeEmpty();
        seen.Where(a => a.OperationName == "CommitReceipts").ShouldHaveSingleItem().TraceId.ShouldBe(trace);
    }

    [Fact]
    public async Task Request_units_are_counted_by_function_and_container()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var measured = new ConcurrentQueue<(double Charge, Dictionary<string, object?> Tags)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "xenocrm.database.request_units")
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) => measured.Enqueue((value, new Dictionary<string, object?>(tags.ToArray()))));
        listener.Start();
        var function = $"F{Guid.NewGuid():N}";

        await new TraceMiddleware().Invoke(Context(function, "{}"), _ => harness.AddCustomersAsync([1]));

        var own = measured.Where(m => Equals(m.Tags["faas.name"], function)).ToList();
        own.Sum(m => m.Charge).ShouldBeGreaterThan(5);
        own.ShouldAllBe(m => Equals(m.Tags["db.collection.name"], "customers"));
    }

    [Theory]
    [InlineData("dbs/xenocrm/colls/customers/docs/someone@example.com", "customers")]
    [InlineData("/dbs/xenocrm/colls/deliveries/docs", "deliveries")]
    [InlineData("dbs/xenocrm", null)]
    public void Only_the_container_is_told_of_an_address(string path, string? container) => RequestUnits.ContainerOf(path).ShouldBe(container);

    private static FunctionContext Context(string function, string message)
    {
        var binding = Substitute.For<BindingMetadata>();
        binding.Type.Returns("queueTrigger");
        var definition = Substitute.For<FunctionDefinition>();
        definition.Name.Returns(function);
        definition.InputBindings.Returns(ImmutableDictionary<string, BindingMetadata>.Empty.Add("message", binding));
        var data = Substitute.For<BindingContext>();
        data.BindingData.Returns(new Dictionary<string, object?> { ["QueueTrigger"] = message });
        var context = Substitute.For<FunctionContext>();
        context.FunctionDefinition.Returns(definition);
        context.BindingContext.Returns(data);
        return context;
    }

    private static ActivityListener Listen(ConcurrentQueue<Activity> seen, params string[] names)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => names.Contains(source.Name),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = seen.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
