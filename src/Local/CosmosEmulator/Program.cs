using System.CommandLine;
using System.Runtime.InteropServices;
using XenoCrm.Local.CosmosEmulator;

var port = new Option<int>("--port") { Description = "TCP port on 127.0.0.1; 0 takes a free one.", DefaultValueFactory = _ => 8081 };
var data = new Option<string?>("--data") { Description = "Directory in which the data is kept." };
var inMemory = new Option<bool>("--in-memory") { Description = "Keep nothing on disk." };
var noAuth = new Option<bool>("--no-auth") { Description = "Do not check the signature of requests." };
var flush = new Option<string>("--flush")
{
    Description = "disk: a write is acknowledged when the disk has it. os: when the page cache has it, which survives the end of the process but not of the machine.",
    DefaultValueFactory = _ => "disk",
};
flush.AcceptOnlyFromAmong("disk", "os");
var emptyPages = new Option<bool>("--empty-pages") { Description = "An empty page before each page of a query or feed, as the service may answer at any time." };
var throughput = new Option<double?>("--throughput") { Description = "Request units per second; above it requests are answered with 429." };

var command = new RootCommand($"""
    A local Cosmos DB (NoSQL API) for the official SDKs in gateway mode over plain http, durable and without Docker.
    Key: {EmulatorOptions.WellKnownKey}
    A browser shows what is stored, and runs queries, at /_explorer. Ctrl+C and SIGTERM end it in order.
    Example: --data .local/cosmos
    """) { port, data, inMemory, noAuth, flush, throughput, emptyPages };
command.Validators.Add(result =>
{
    if (result.GetValue(data) is null == !result.GetValue(inMemory))
    {
        result.AddError("Give either --data DIR or --in-memory.");
    }

    if (result.GetValue(throughput) is <= 0)
    {
        result.AddError("--throughput must be positive.");
    }
});
command.SetAction((parsed, cancellation) => Run(new EmulatorOptions
{
    Port = parsed.GetValue(port),
    DataDirectory = parsed.GetValue(data),
    Authenticate = !parsed.GetValue(noAuth),
    FlushToDisk = parsed.GetValue(flush) == "disk",
    Throughput = parsed.GetValue(throughput),
    EmptyPages = parsed.GetValue(emptyPages),
}, cancellation));
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

static async Task<int> Run(EmulatorOptions options, CancellationToken cancellation)
{
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var cancelled = cancellation.Register(() => stop.TrySetResult());
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    EmulatorServer server;
    try
    {
        server = await EmulatorServer.StartAsync(options);
    }
    catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
    {
        await Console.Error.WriteLineAsync($"The emulator cannot start: {error.Message}");
        return 1;
    }

    await using (server)
    {
        Console.WriteLine($"Cosmos emulator ready at {server.Endpoint}");
        Console.WriteLine($"Explorer at {server.Endpoint}_explorer");
        if (Environment.GetEnvironmentVariable("XENO_EXIT_WITH_PARENT") == "1")
        {
            // The parent holds the other end of our input: when it dies in whatever way, the input ends.
            _ = Task.Run(() =>
            {
                while (Console.In.ReadLine() is not null)
                {
                }

                stop.TrySetResult();
            }, CancellationToken.None);
        }

        await stop.Task;
    }

    return 0;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true; // the process ends when the store is closed
        stop.TrySetResult();
    }
}
