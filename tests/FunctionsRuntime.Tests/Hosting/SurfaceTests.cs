using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

/// <summary>What sources compiled against the real worker rely on beyond names: defaults, and what is refused.</summary>
public class SurfaceTests
{
    [Fact]
    public void Http_trigger_defaults_depend_on_the_constructor()
    {
        new HttpTriggerAttribute().AuthLevel.ShouldBe(AuthorizationLevel.Function);
        new HttpTriggerAttribute().Methods.ShouldBeNull();
        new HttpTriggerAttribute("get", "post").AuthLevel.ShouldBe(AuthorizationLevel.Anonymous);
        new HttpTriggerAttribute("get", "post").Methods.ShouldBe(["get", "post"]);
        new HttpTriggerAttribute(AuthorizationLevel.Admin).AuthLevel.ShouldBe(AuthorizationLevel.Admin);
        new HttpTriggerAttribute(AuthorizationLevel.System, "put").Methods.ShouldBe(["put"]);
        new HttpTriggerAttribute().Route.ShouldBeNull();
        Enum.GetValues<AuthorizationLevel>().Select(l => (int)l).ShouldBe([0, 1, 2, 3, 4]);
    }

    [Fact]
    public void Other_attributes_have_the_defaults_of_the_worker()
    {
        new QueueTriggerAttribute("q").Connection.ShouldBeNull();
        new QueueOutputAttribute("q").QueueName.ShouldBe("q");
        new BlobTriggerAttribute("c/{name}").Source.ShouldBe(BlobTriggerSource.LogsAndContainerScan);
        new BlobInputAttribute("c/b").BlobPath.ShouldBe("c/b");
        new TimerTriggerAttribute("0 0 3 * * *").UseMonitor.ShouldBeTrue();
        new TimerTriggerAttribute("0 0 3 * * *").RunOnStartup.ShouldBeFalse();
        new TimerInfo().ScheduleStatus.ShouldBeNull();
    }

    [Fact]
    public void Retry_attributes_refuse_intervals_that_make_no_sense()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new FixedDelayRetryAttribute(1, "soon"));
        Should.Throw<ArgumentOutOfRangeException>(() => new FixedDelayRetryAttribute(1, "-00:00:01"));
        Should.Throw<ArgumentException>(() => new ExponentialBackoffRetryAttribute(1, "00:01:00", "00:00:01"));
        var retry = new ExponentialBackoffRetryAttribute(-1, "00:00:01", "00:00:05");
        Enumerable.Range(1, 5).Select(n => retry.DelayBefore(n).TotalSeconds).ShouldBe([1, 2, 4, 5, 5]);
        retry.DelayBefore(int.MaxValue).TotalSeconds.ShouldBe(5);
    }

    [Fact]
    public async Task The_builder_is_a_host_builder_that_builds_once()
    {
        var builder = FunctionsApplication.CreateBuilder(["--urls=http://127.0.0.1:0"]).UseFunctionsFrom();
        builder.ShouldBeAssignableTo<IHostApplicationBuilder>();
        builder.ShouldBeAssignableTo<IFunctionsWorkerApplicationBuilder>();
        builder.Properties["key"] = "value";

        using var host = builder.Build();

        Should.Throw<InvalidOperationException>(() => builder.Build());
        await host.StartAsync();
        await host.StopAsync();
    }
}
