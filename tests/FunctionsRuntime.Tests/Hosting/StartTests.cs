using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

public class StartTests(AzuriteFixture storage)
{
    [Theory]
    [InlineData(typeof(UnknownTrigger), "OnBus", "ServiceBusTriggerAttribute", "FunctionsRuntime=Azure")]
    [InlineData(typeof(TwoTriggers), "Both", "exactly one")]
    [InlineData(typeof(NoTrigger), "None", "no trigger")]
    [InlineData(typeof(SameNames), "Same", "declared 2 times")]
    [InlineData(typeof(RetryOnQueue), "Retried", "FixedDelayRetryAttribute", "AZFW0012")]
    [InlineData(typeof(BadName), "1 bad", "name")]
    [InlineData(typeof(NotPublic), "Hidden", "public")]
    [InlineData(typeof(Unbindable), "Unbindable", "'count'", "nothing called")]
    [InlineData(typeof(SameRoutes), "RouteA", "RouteB", "GET /api/same")]
    [InlineData(typeof(BadRoute), "BadRoute", "not valid")]
    [InlineData(typeof(BadSchedule), "BadSchedule", "six fields")]
    [InlineData(typeof(MissingSetting), "MissingSetting", "NoSuchSetting")]
    [InlineData(typeof(MissingConnection), "MissingConnection", "Elsewhere")]
    [InlineData(typeof(BadBlobPath), "BadBlobPath", "container")]
    public async Task A_function_that_cannot_run_stops_the_start_with_its_name_and_a_hint(Type functions, params string[] hints)
    {
        var e = await Should.ThrowAsync<FunctionsStartException>(() => TestApp.Start([functions], storage.Settings()));

        foreach (var hint in hints)
            e.Message.ShouldContain(hint);
    }

    [Theory]
    [InlineData("extensions:queues:batchSize", "33")]
    [InlineData("extensions:queues:batchSize", "many")]
    [InlineData("extensions:queues:maxPollingInterval", "soon")]
    [InlineData("extensions:queues:messageEncoding", "utf8")]
    [InlineData("functionTimeout", "-00:00:01")]
    public async Task A_value_of_host_json_that_is_not_possible_stops_the_start(string key, string value)
    {
        var e = await Should.ThrowAsync<FunctionsStartException>(() => TestApp.Start<Fine>(
            new Dictionary<string, string> { ["AzureFunctionsJobHost:" + key] = value }));

        e.Message.ShouldContain(key.Replace(':', '.'));
        e.Message.ShouldContain(value);
    }

    [Fact]
    public void Asp_net_types_need_ConfigureFunctionsWebApplication()
    {
        var builder = FunctionsApplication.CreateBuilder(["--urls=http://127.0.0.1:0"]).UseFunctionsFrom(typeof(Fine));

        Should.Throw<FunctionsStartException>(() => builder.Build()).Message.ShouldContain("ConfigureFunctionsWebApplication");
    }

    [Fact]
    public async Task The_start_lists_the_functions_and_what_is_not_offered()
    {
        await using var app = await TestApp.Start<Fine>(storage.Settings(("AzureWebJobs.FineOff.Disabled", "true"), ("Queue", AzuriteFixture.Unique("table"))));

        app.Log.Text.ShouldContain($"Fine: [GET,POST] {app.Http.BaseAddress}api/fine/{{id:int}}");
        app.Log.Text.ShouldContain("FineQueue: queueTrigger (queue table-");
        app.Log.Text.ShouldContain("FineTimer: timerTrigger (0 0 3 * * *)");
        app.Log.Text.ShouldContain("FineOff: disabled");
        foreach (var not in new[] { "Durable Functions", "Service Bus", "Event Hubs", "Event Grid", "proxies", "scale controller" })
            app.Log.Text.ShouldContain(not);
        (await app.Http.GetAsync("/api/FineOff")).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
    }

    [Fact]
    public void Local_settings_are_read_below_environment_variables()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("local.settings.json"), """
            { // comments are allowed
              "IsEncrypted": false, "Values": { "FromFile": "file", "A__B": "nested", "FUNCTIONS_RUNTIME_TEST_BOTH": "file", "Number": 5, } }
            """);
        Environment.SetEnvironmentVariable("FUNCTIONS_RUNTIME_TEST_BOTH", "environment");

        var configuration = FunctionsApplication.CreateBuilder([$"--AzureWebJobsScriptRoot={folder.Path}"]).Configuration;

        configuration["FromFile"].ShouldBe("file");
        configuration["A:B"].ShouldBe("nested");
        configuration["Number"].ShouldBe("5");
        configuration["FUNCTIONS_RUNTIME_TEST_BOTH"].ShouldBe("environment");
    }

    [Fact]
    public async Task Host_json_is_read_and_a_setting_overrides_it()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("host.json"), """{ "version": "2.0", "extensions": { "http": { "routePrefix": "file" }, "queues": { "batchSize": 8 } } }""");
        var root = ("AzureWebJobsScriptRoot", folder.Path);
        var queue = ("Queue", AzuriteFixture.Unique("host-json"));

        await using (var app = await TestApp.Start<Fine>(storage.Settings(root, queue)))
            (await app.Http.GetAsync("/file/fine/1")).IsSuccessStatusCode.ShouldBeTrue();
        await using (var app = await TestApp.Start<Fine>(storage.Settings(root, queue, ("AzureFunctionsJobHost:extensions:http:routePrefix", ""))))
            (await app.Http.GetAsync("/fine/1")).IsSuccessStatusCode.ShouldBeTrue();
        var settings = HostSettings.Read(new ConfigurationBuilder().Build(), folder.File("host.json"), "host");
        settings.Queues.BatchSize.ShouldBe(8);
        settings.Queues.NewBatchThreshold.ShouldBe(4);
    }

    [Fact]
    public void The_defaults_are_those_of_the_host()
    {
        var settings = HostSettings.Read(new ConfigurationBuilder().Build(), null, "host");

        settings.RoutePrefix.ShouldBe("api");
        settings.Queues.ShouldBe(new QueueSettings
        {
            BatchSize = 16,
            NewBatchThreshold = 8,
            MaxDequeueCount = 5,
            VisibilityTimeout = TimeSpan.Zero,
            MaxPollingInterval = TimeSpan.FromMinutes(1),
            Base64 = true,
            Lease = TimeSpan.FromSeconds(30),
        });
        settings.Blobs.ShouldBe(new BlobSettings { MaxDegreeOfParallelism = 8, PoisonThreshold = 5, Poll = TimeSpan.FromSeconds(1) });
        settings.DrainTime.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Host_json_that_is_not_json_is_named()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("host.json"), "{ nonsense");

        Should.Throw<FunctionsStartException>(() => HostSettings.Read(new ConfigurationBuilder().Build(), folder.File("host.json"), "host"))
            .Message.ShouldContain("host.json is not valid JSON");
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("functions-runtime-tests-").FullName;

        public string File(string name) => System.IO.Path.Combine(Path, name);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }

    [AttributeUsage(AttributeTargets.Parameter)]
    internal sealed class ServiceBusTriggerAttribute(string queue) : TriggerBindingAttribute
    {
        public string Queue { get; } = queue;
    }

    internal sealed class UnknownTrigger
    {
        [Function("OnBus")]
        public void Run([ServiceBusTrigger("q")] string text) => _ = text;
    }

    internal sealed class TwoTriggers
    {
        [Function("Both")]
        public void Run([QueueTrigger("q")] string text, [TimerTrigger("0 0 3 * * *")] TimerInfo timer) => _ = (text, timer);
    }

    internal sealed class NoTrigger
    {
        [Function("None")]
        public void Run(string text) => _ = text;
    }

    internal sealed class SameNames
    {
        [Function("Same")]
        public void Run([QueueTrigger("q")] string text) => _ = text;

        [Function("SAME")]
        public void Again([QueueTrigger("q")] string text) => _ = text;
    }

    internal sealed class RetryOnQueue
    {
        [Function("Retried")]
        [FixedDelayRetry(3, "00:00:01")]
        public void Run([QueueTrigger("q")] string text) => _ = text;
    }

    internal sealed class BadName
    {
        [Function("1 bad")]
        public void Run([QueueTrigger("q")] string text) => _ = text;
    }

    internal sealed class NotPublic
    {
        [Function("Hidden")]
        internal void Run([QueueTrigger("q")] string text) => _ = text;
    }

    internal sealed class Unbindable
    {
        [Function("Unbindable")]
        public void Run([HttpTrigger("get", Route = "x/{id}")] HttpRequest request, int count) => _ = (request, count);
    }

    internal sealed class SameRoutes
    {
        [Function("RouteA")]
        public void A([HttpTrigger("get", Route = "same")] HttpRequest request) => _ = request;

        [Function("RouteB")]
        public void B([HttpTrigger("GET", Route = "Same")] HttpRequest request) => _ = request;
    }

    internal sealed class BadRoute
    {
        [Function("BadRoute")]
        public void Run([HttpTrigger("get", Route = "x/{id")] HttpRequest request) => _ = request;
    }

    internal sealed class BadSchedule
    {
        [Function("BadSchedule")]
        public void Run([TimerTrigger("every day")] TimerInfo timer) => _ = timer;
    }

    internal sealed class MissingSetting
    {
        [Function("MissingSetting")]
        public void Run([QueueTrigger("%NoSuchSetting%")] string text) => _ = text;
    }

    internal sealed class MissingConnection
    {
        [Function("MissingConnection")]
        public void Run([QueueTrigger("q", Connection = "Elsewhere")] string text) => _ = text;
    }

    internal sealed class BadBlobPath
    {
        [Function("BadBlobPath")]
        public void Run([BlobTrigger("{container}/x")] string text) => _ = text;
    }

    internal sealed class Fine
    {
        [Function("Fine")]
        public IResult Run([HttpTrigger("get", "post", Route = "fine/{id:int}")] HttpRequest request, int id) => Results.Text($"{id}");

        [Function("FineOff")]
        public IResult Off([HttpTrigger("get")] HttpRequest request) => Results.Ok();

        [Function("FineQueue")]
        public void Queue([QueueTrigger("%Queue%")] string text) => _ = text;

        [Function("FineTimer")]
        public void Timer([TimerTrigger("0 0 3 * * *")] TimerInfo timer) => _ = timer;
    }
}
