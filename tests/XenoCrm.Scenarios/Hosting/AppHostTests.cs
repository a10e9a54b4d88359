using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Azure.Storage.Queues;
using XenoCrm.AppHost;

namespace XenoCrm.Scenarios.Hosting;

public class AppHostTests
{
    [Fact]
    public async Task Starts_everything_keeps_it_running_and_stops_it_in_order()
    {
        using var folder = new TemporaryFolder();
        var system = await AppHostProcess.StartAsync(folder.Path, AppHostProcess.FreePortBase());
        using var http = new HttpClient();
        (await http.GetAsync($"{system.Api}api/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.GetAsync($"{system.Api}api-docs")).StatusCode.ShouldBe(HttpStatusCode.OK);
        using (await system.LogInAsync())
        {
            // The first administrator is there.
        }

        // A process that dies is reported and started again.
        var vendor = Children(system.Id).Single(p => CommandLine(p).Contains("VendorSimulator", StringComparison.Ordinal));
        vendor.Kill();
        await vendor.WaitForExitAsync();
        await UntilAsync(async () => system.Output.Any(l => l.Contains("vendor is running again", StringComparison.Ordinal)) && (await http.GetAsync($"{system.Vendor}health")).IsSuccessStatusCode, "the vendor runs again");
        system.Output.ShouldContain(l => l.Contains("vendor ended unexpectedly", StringComparison.Ordinal));

        var children = Children(system.Id);
        children.Length.ShouldBe(4);
        await system.DisposeAsync();
        children.ShouldAllBe(p => p.HasExited);
    }

    [Fact]
    public async Task Goes_on_after_kill_9_with_the_same_data_on_the_same_ports()
    {
        using var folder = new TemporaryFolder();
        var ports = AppHostProcess.FreePortBase();
        var first = await AppHostProcess.StartAsync(folder.Path, ports);
        var queue = new QueueClient(first.StorageConnectionString, "kept");
        await queue.CreateAsync();
        await queue.SendMessageAsync("kept");

        // Alone: its children end when their pipe closes, and the next AppHost waits for them.
        var orphans = Children(first.Id);
        await first.KillAloneAsync();
        var second = await AppHostProcess.StartAsync(folder.Path, ports);
        orphans.ShouldAllBe(p => p.HasExited);
        (await queue.PeekMessagesAsync(32)).Value.ShouldHaveSingleItem();

        // With everything it started.
        await second.KillTreeAsync();
        await using var third = await AppHostProcess.StartAsync(folder.Path, ports);
        (await queue.PeekMessagesAsync(32)).Value.ShouldHaveSingleItem();
        using var api = await third.LogInAsync();

        // And a second AppHost on the same folder is refused.
        var (exitCode, output) = await AppHostProcess.RunAsync(TimeSpan.FromSeconds(60), null, "--data", folder.Path, "--port-base", AppHostProcess.FreePortBase().ToString());
        exitCode.ShouldBe(1);
        output.ShouldContain(l => l.Contains("Another AppHost uses", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_port_in_use_is_a_clear_error()
    {
        using var folder = new TemporaryFolder();
        var ports = new LocalPorts(AppHostProcess.FreePortBase());
        using var stranger = new TcpListener(IPAddress.Loopback, ports.Queues);
        stranger.Start();
        var (exitCode, output) = await AppHostProcess.RunAsync(TimeSpan.FromSeconds(60), null, "--data", folder.Path, "--port-base", ports.Base.ToString());
        exitCode.ShouldBe(1);
        output.ShouldContain(l => l.Contains($"Port {ports.Queues} (queues)", StringComparison.Ordinal) && l.Contains("--port-base", StringComparison.Ordinal));
        Directory.Exists(folder["azurite"]).ShouldBeFalse("nothing was started");
    }

    [Theory]
    [InlineData("demo", "--customers", "nowhere.csv", "--orders", "nowhere.csv")]
    [InlineData("demo", "--customers", "nowhere.csv")]
    [InlineData("demo", "--size", "0")]
    public async Task Wrong_arguments_of_the_demo_are_told_before_anything_starts(params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var (exitCode, output) = await AppHostProcess.RunAsync(TimeSpan.FromSeconds(60), null, [.. arguments, "--data", folder.Path]);
        exitCode.ShouldBe(1);
        output.ShouldHaveSingleItem();
        Directory.GetFileSystemEntries(folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_demo_does_not_wipe_what_no_demo_has_made()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["cosmos"]);
        await File.WriteAllTextAsync(folder["cosmos/precious"], "data");
        var (exitCode, output) = await AppHostProcess.RunAsync(TimeSpan.FromSeconds(60), null, "demo", "--data", folder.Path, "--port-base", AppHostProcess.FreePortBase().ToString());
        exitCode.ShouldBe(1);
        output.ShouldContain(l => l.Contains("no demo has made", StringComparison.Ordinal));
        File.Exists(folder["cosmos/precious"]).ShouldBeTrue();
    }

    private static Process[] Children(int parent) =>
        [.. Process.GetProcesses().Where(p => Status(p.Id) is { } status && status.Contains($"PPid:\t{parent}\n", StringComparison.Ordinal))];

    private static string? Status(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/status");
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string CommandLine(Process process) => File.ReadAllText($"/proc/{process.Id}/cmdline");

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }
            (i < 300).ShouldBeTrue(what);
            await Task.Delay(100);
        }
    }
}
