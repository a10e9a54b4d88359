using System.CommandLine;
using System.Runtime.InteropServices;
using XenoCrm.Local.VendorSimulator;

var port = new Option<int>("--port") { Description = "Loopback port; 0 takes a free one", DefaultValueFactory = _ => 8090 };
var data = new Option<string>("--data") { Description = "Folder of the vendor's own record", Required = true };
var seed = new Option<int>("--seed") { Description = "Decides outcomes, delays and mishaps", DefaultValueFactory = _ => 1 };
var secret = new Option<string>("--receipt-secret") { Description = "Standard Webhooks secret: whsec_ and base64", Required = true };
var apiKey = new Option<string?>("--api-key") { Description = "What callers present as a bearer token; none lets everybody in" };
var perPost = new Option<int>("--receipts-per-post") { Description = "1 to 1000", DefaultValueFactory = _ => 100 };
var posts = new Option<int>("--concurrent-posts") { Description = "Posts of receipts under way at once", DefaultValueFactory = _ => 16 };
var delayMin = Milliseconds("--delay-min", 20, "Shortest time from acceptance to receipt");
var delayMax = Milliseconds("--delay-max", 200, "Longest time from acceptance to receipt");
var failed = Percent("--failed", 10, "Messages that fail in the end");
var sent = new Option<bool>("--sent-receipts") { Description = "Post a 'sent' receipt ahead of the final one" };
var duplicates = Percent("--duplicates", 0, "Receipts posted a second time");
var reorder = Milliseconds("--reorder", 0, "Receipts leave in random order within this time");
var loss = Percent("--loss", 0, "Receipts lost, then sent again after --loss-resend");
var lossResend = Milliseconds("--loss-resend", 5000, "When a lost receipt is sent again");
var answer429 = Percent("--answer-429", 0, "Requests answered 429");
var answer500 = Percent("--answer-500", 0, "Requests answered 500");
var hang = Percent("--hang", 0, "Requests accepted but never answered");
var hangFor = Milliseconds("--hang-for", 5000, "How long such a request hangs before the connection breaks");
var outageAfter = Milliseconds("--outage-after", 0, "When the outage starts, from the first message accepted");
var outageFor = Milliseconds("--outage-for", 0, "How long the outage lasts");
var carryRepeats = new Option<bool>("--carry-repeats") { Description = "A vendor without idempotency keys: carry a message as often as asked" };
var chaos = new Option<bool>("--chaos") { Description = "20 % duplicated, reordered, 5 % lost then re-sent, 1 % 429, 2 % 500, 1 % hanging after acceptance, an outage of 20 s" };

var command = new RootCommand("A delivery vendor over HTTP for tests and demonstrations: honest, or chaotic on request.")
{
    port, data, seed, secret, apiKey, perPost, posts, delayMin, delayMax, failed, sent, duplicates, reorder, loss, lossResend,
    answer429, answer500, hang, hangFor, outageAfter, outageFor, carryRepeats, chaos,
};
command.SetAction(async (parsed, cancellation) =>
{
    var options = new VendorOptions
    {
        Port = parsed.GetValue(port),
        DataFolder = parsed.GetValue(data)!,
        ApiKey = parsed.GetValue(apiKey),
        ReceiptSecret = parsed.GetValue(secret)!,
        Seed = parsed.GetValue(seed),
        ReceiptsPerPost = parsed.GetValue(perPost),
        ConcurrentPosts = parsed.GetValue(posts),
        DelayMin = parsed.GetValue(delayMin),
        DelayMax = parsed.GetValue(delayMax),
        FailedPercent = parsed.GetValue(failed),
        SentReceipts = parsed.GetValue(sent),
        DuplicatePercent = parsed.GetValue(duplicates),
        Reorder = parsed.GetValue(reorder),
        LossPercent = parsed.GetValue(loss),
        LossResend = parsed.GetValue(lossResend),
        Answer429Percent = parsed.GetValue(answer429),
        Answer500Percent = parsed.GetValue(answer500),
        HangPercent = parsed.GetValue(hang),
        Hang = parsed.GetValue(hangFor),
        OutageAfter = parsed.GetValue(outageAfter),
        OutageLength = parsed.GetValue(outageFor),
        CarryRepeats = parsed.GetValue(carryRepeats),
    };
    if (parsed.GetValue(chaos))
        options = options.Chaos();
    return await RunAsync(options);
});
// Signals are handled below, so that a parent can decide the order in which its children stop.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

static async Task<int> RunAsync(VendorOptions options)
{
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    var hasParent = Environment.GetEnvironmentVariable("XENO_EXIT_WITH_PARENT") == "1";
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.TrySetResult(); });
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
    {
        signal.Cancel = true;
        if (!hasParent) // Ctrl+C reaches every process of the terminal; the parent stops this one when it is time
            stop.TrySetResult();
    });
    try
    {
        await using var server = await VendorSimulatorServer.StartAsync(options, log: Console.WriteLine);
        Console.WriteLine($"Vendor simulator on {server.Address} (record in {Path.GetFullPath(options.DataFolder)}, seed {options.Seed})");
        if (hasParent)
            _ = WaitForEndOfInputAsync(stop);
        await stop.Task;
        return 0;
    }
    catch (Exception e) when (e is VendorConfigurationException or IOException or InvalidDataException)
    {
        Console.Error.WriteLine($"The vendor simulator cannot start: {e.Message}");
        return 1;
    }
}

static async Task WaitForEndOfInputAsync(TaskCompletionSource stop)
{
    await using var input = Console.OpenStandardInput();
    var buffer = new byte[256];
    while (await input.ReadAsync(buffer) > 0)
    {
        // Nothing is said there: only its end matters.
    }
    stop.TrySetResult();
}

static Option<TimeSpan> Milliseconds(string name, int milliseconds, string description) => new(name)
{
    Description = description + ", in milliseconds",
    DefaultValueFactory = _ => TimeSpan.FromMilliseconds(milliseconds),
    CustomParser = result => double.TryParse(result.Tokens[0].Value, out var ms) && ms >= 0 ? TimeSpan.FromMilliseconds(ms) : Fail(result, name),
};

static TimeSpan Fail(System.CommandLine.Parsing.ArgumentResult result, string name)
{
    result.AddError($"{name} takes a number of milliseconds, not '{result.Tokens[0].Value}'.");
    return TimeSpan.Zero;
}

static Option<double> Percent(string name, double percent, string description) =>
    new(name) { Description = description + ", in percent", DefaultValueFactory = _ => percent };
