using System.CommandLine;
using System.Runtime.InteropServices;
using Spectre.Console;
using XenoCrm.AppHost;
using XenoCrm.AppHost.Demo;

if (Console.IsOutputRedirected)
{
    // For files and other programs: no colours, and lines as long as they are.
    AnsiConsole.Profile.Capabilities.Ansi = false;
    AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
    AnsiConsole.Profile.Width = 200;
}

var fresh = new Option<bool>("--fresh") { Description = "Wipe the data first", Recursive = true };
var portBase = new Option<int>("--port-base") { Description = "The first of six ports in a row: API, Cosmos DB, blobs, queues, tables, vendor", DefaultValueFactory = _ => LocalSystemOptions.DefaultPortBase, Recursive = true };
var data = new Option<string?>("--data") { Description = "Where the data lies [default: .local/data, for the demo .local/demo]", Recursive = true };
var verbose = new Option<bool>("--verbose") { Description = "Show every line that the processes write", Recursive = true };
var vendor = new Option<string>("--vendor") { Description = "How the delivery vendor behaves", DefaultValueFactory = _ => "honest", Recursive = true };
vendor.AcceptOnlyFromAmong("honest", "chaos");
var vendorOption = new Option<string[]>("--vendor-option") { Description = "A further option of the vendor simulator, such as --vendor-option=--outage-for=5000", Recursive = true };

var customers = new Option<FileInfo?>("--customers") { Description = "CSV file of customers, instead of generated ones" };
var orders = new Option<FileInfo?>("--orders") { Description = "CSV file of orders, instead of generated ones" };
var size = new Option<int>("--size") { Description = "Customers to generate; three orders for each", DefaultValueFactory = _ => 10_000 };
var json = new Option<bool>("--json") { Description = "Print the result as one JSON object, in the last line" };

var demo = new Command("demo", "Run the main job on sample data: import customers and orders, cut a segment, send a campaign, take in the receipts, and check the ledger against the vendor's record. It uses data of its own, wiped at the start, so every run starts from nothing.")
{
    customers, orders, size, json,
};
demo.SetAction((parsed, cancellation) => RunAsync(async stop =>
{
    if (parsed.GetValue(size) is < 1 or > 10_000_000)
        throw new LocalException("--size must be between 1 and 10,000,000.");
    return await new DemoCommand(Options(parsed, "demo") with { Demo = true }, new DemoOptions
    {
        Customers = parsed.GetValue(customers),
        Orders = parsed.GetValue(orders),
        Size = parsed.GetValue(size),
        Json = parsed.GetValue(json),
        HonestVendor = parsed.GetValue(vendor) == "honest",
    }).RunAsync(stop);
}));

var file = new Argument<FileInfo>("file") { Description = "Of the backup (.tar.gz)" };
var backup = new Command("backup", "Copy the data into one file. Nothing must be running on it.") { file };
backup.SetAction((parsed, cancellation) => RunAsync(async stop =>
{
    var bytes = await BackupCommand.BackupAsync(Options(parsed, "data").DataFolder, parsed.GetValue(file)!, stop);
    RunCommand.Say($"{parsed.GetValue(file)!.FullName}: {bytes:N0} bytes");
    return 0;
}));
var restore = new Command("restore", "Put the data of a backup in place of what there is; with --fresh also where there is some.") { file };
restore.SetAction((parsed, cancellation) => RunAsync(async stop =>
{
    var options = Options(parsed, "data");
    await BackupCommand.RestoreAsync(options.DataFolder, parsed.GetValue(file)!, options.Fresh, stop);
    RunCommand.Say($"{options.DataFolder} is as it was when the backup was made.");
    return 0;
}));

var root = new RootCommand("Runs Xeno CRM on this machine: storage, database, delivery vendor and the function app. Ctrl+C stops everything.")
{
    fresh, portBase, data, verbose, vendor, vendorOption, demo, backup, restore,
};
root.SetAction((parsed, cancellation) => RunAsync(stop => RunCommand.RunAsync(Options(parsed, "data"), stop)));
// Signals are handled here, so that stopping in order has the time it needs.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

LocalSystemOptions Options(ParseResult parsed, string folder) => new()
{
    DataFolder = parsed.GetValue(data) ?? Path.Combine(Repository.Root, ".local", folder),
    PortBase = parsed.GetValue(portBase),
    Fresh = parsed.GetValue(fresh),
    Verbose = parsed.GetValue(verbose),
    VendorArguments = parsed.GetValue(vendor) == "chaos" ? ["--chaos", .. parsed.GetValue(vendorOption) ?? []] : parsed.GetValue(vendorOption) ?? [],
};

static async Task<int> RunAsync(Func<CancellationToken, Task<int>> run)
{
    using var stop = new CancellationTokenSource();
    var signalled = 0;
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    if (Environment.GetEnvironmentVariable("XENO_EXIT_WITH_PARENT") == "1")
        _ = StopAtEndOfInputAsync();
    try
    {
        return await run(stop.Token);
    }
    catch (LocalException e)
    {
        AnsiConsole.MarkupLineInterpolated($"[red]{e.Message}[/]");
        return 1;
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        return 130;
    }

    void Stop(PosixSignalContext signal)
    {
        // The first asks; the second is left to end the process, and the children go with it.
        if (Interlocked.Exchange(ref signalled, 1) == 1)
            return;
        signal.Cancel = true;
        stop.Cancel();
    }

    async Task StopAtEndOfInputAsync()
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[256];
        while (await input.ReadAsync(buffer) > 0)
        {
            // Nothing is said there: only its end matters.
        }
        await stop.CancelAsync();
    }
}
