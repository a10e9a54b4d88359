using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XenoCrm.AppHost;
using XenoCrm.Local.FunctionsRuntime;
using XenoCrm.Scenarios;

namespace XenoCrm.Benchmarks;

/// <summary>
/// What the Functions runtime costs: a function that does nothing beside an ASP.NET Core endpoint that does nothing, and a
/// queue function beside a loop that receives and deletes. In turn, in many short rounds, so that what else the machine does
/// hits both; the medians count. Processor time says the same with less noise; it includes the client, which is the same in both.
/// </summary>
internal sealed class RuntimeBenchmark(Size size) : IDisposable
{
    private const int Connections = 16, BatchSize = 16;

    // The first messages find an app that is still opening connections and compiling its code: they are not counted.
    // Azurite slows down with the depth of a queue: many more messages would measure that.
    private const int Messages = 1_000, Uncounted = 300;

    private static readonly TimeSpan OneMeasurement = TimeSpan.FromSeconds(0.5);

    private readonly TemporaryFolder _folder = new();
    private readonly int _httpRounds = size != Size.Small ? 41 : 7;
    private readonly int _queueRounds = size != Size.Small ? 15 : 3;

    public static async Task RunAsync(Report report, Size size)
    {
        using var benchmark = new RuntimeBenchmark(size);
        await benchmark.HttpAsync(report);
        await benchmark.QueueAsync(report);
    }

    public void Dispose() => _folder.Dispose();

    private async Task HttpAsync(Report report)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--contentRoot=/", "--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        await using var bare = builder.Build();
        bare.MapGet("/api/nothing/{id:int}", (int id) => Results.Ok());
        await bare.StartAsync();
        using var app = App<HttpFunction>();
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

        using var stage = Report.Begin("HTTP requests to a function and to a bare endpoint");
        List<(double PerSecond, double Microseconds)> functions = [], ceilings = [];
        for (var round = -3; round < _httpRounds; round++)
        {
            var (ceiling, function) = (await RequestsAsync(bare.Urls.First()), await RequestsAsync(address));
            if (round >= 0) // those before warm up
            {
                ceilings.Add(ceiling);
                functions.Add(function);
            }
        }

        report.Add(new Figure("HTTP function without work", Report.Median(functions.Select(f => f.PerSecond)), "per s", Report.Median(ceilings.Select(c => c.PerSecond)), N: _httpRounds));
        report.Add(new Figure("HTTP function without work, processor time", Report.Median(functions.Select(f => f.Microseconds)), "µs", Report.Median(ceilings.Select(c => c.Microseconds)), N: _httpRounds));
        await app.StopAsync();
    }

    private async Task QueueAsync(Report report)
    {
        await using var azurite = await AzuriteProcess.StartAsync(new AzuriteOptions { Folder = _folder["azurite"] });
        using var stage = Report.Begin("messages to a queue function and to a bare loop");
        List<double> functions = [], ceilings = [];
        for (var round = 0; round < _queueRounds; round++)
        {
            ceilings.Add(await BareLoopAsync(await FillAsync(azurite.ConnectionString, $"bare-{round}")));
            await FillAsync(azurite.ConnectionString, $"function-{round}");
            var clock = new Clock(Messages);
            using var app = App<QueueFunction>(clock, ("AzureWebJobsStorage", azurite.ConnectionString), ("Queue", $"function-{round}"));
            await app.StartAsync();
            functions.Add(await clock.Rate);
            await app.StopAsync();
        }

        report.Add(new Figure("queue function without work", Report.Median(functions), "messages/s", Report.Median(ceilings), N: (long)Messages * _queueRounds));
    }

    /// <summary>Receives as many at once as the runtime does, and deletes them together.</summary>
    private async Task<double> BareLoopAsync(QueueClient queue)
    {
        long first = 0;
        var counted = 0;
        for (var done = 0; done < Messages;)
        {
            QueueMessage[] messages = await queue.ReceiveMessagesAsync(BatchSize, TimeSpan.FromSeconds(30));
            await Task.WhenAll(messages.Select(m => queue.DeleteMessageAsync(m.MessageId, m.PopReceipt)));
            done += messages.Length;
            (first, counted) = first == 0 && done >= Uncounted ? (Stopwatch.GetTimestamp(), Messages - done) : (first, counted);
        }

        return counted / Stopwatch.GetElapsedTime(first).TotalSeconds;
    }

    private async Task<QueueClient> FillAsync(string connectionString, string name)
    {
        var queue = new QueueClient(connectionString, name, new QueueClientOptions { MessageEncoding = QueueMessageEncoding.Base64 });
        await queue.CreateAsync();
        await Parallel.ForAsync(0, Messages, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, token) => await queue.SendMessageAsync($"{i}", token));
        return queue;
    }

    /// <summary>A function app in this process with one class of functions.</summary>
    private IHost App<T>(Clock? clock = null, params (string Name, string Value)[] settings)
    {
        var root = Directory.CreateDirectory(_folder["empty"]).FullName; // no host.json: the defaults are measured
        (string Name, string Value)[] all = [("urls", "http://127.0.0.1:0"), ("contentRoot", root), ("AzureWebJobsScriptRoot", root), .. settings];
        var builder = FunctionsApplication.CreateBuilder([.. all.Select(s => $"--{s.Name}={s.Value}")]);
        builder.ConfigureFunctionsWebApplication();
        builder.UseFunctionsFrom(typeof(T));
        builder.Logging.ClearProviders();
        if (clock is not null)
            builder.Services.AddSingleton(clock);
        return builder.Build();
    }

    /// <summary>Over plain sockets: a client that costs more than the server would hide the difference.</summary>
    private static async Task<(double PerSecond, double Microseconds)> RequestsAsync(string address)
    {
        var processor = ProcessUsage.OfThis().Processor;
        var request = Encoding.ASCII.GetBytes("GET /api/nothing/7 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        var since = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync("127.0.0.1", new Uri(address).Port);
            var buffer = new byte[4096];
            var done = 0;
            for (; Stopwatch.GetElapsedTime(since) < OneMeasurement; done++)
            {
                await socket.SendAsync(request);
                var read = await socket.ReceiveAsync(buffer);
                if (!buffer.AsSpan(0, read).StartsWith("HTTP/1.1 200"u8))
                    throw new LocalException($"The answer is not 200: {Encoding.ASCII.GetString(buffer, 0, read)}");
            }

            return done;
        }));
        var seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        return (counts.Sum() / seconds, (ProcessUsage.OfThis().Processor - processor).TotalMicroseconds / counts.Sum());
    }

    internal sealed class HttpFunction
    {
        [Function("Nothing")]
        public IResult Run([HttpTrigger("get", Route = "nothing/{id:int}")] HttpRequest request, int id) => Results.Ok();
    }

    internal sealed class QueueFunction(Clock clock)
    {
        [Function("NothingQueued")]
        public void Run([QueueTrigger("%Queue%")] string text) => clock.Tick();
    }

    /// <summary>Takes the time from the first counted message to the last: the start of the app is not the question.</summary>
    internal sealed class Clock(int count)
    {
        private readonly TaskCompletionSource<double> _rate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _seen;
        private long _first;

        public Task<double> Rate => _rate.Task;

        public void Tick()
        {
            var seen = Interlocked.Increment(ref _seen);
            if (seen == Uncounted)
                _first = Stopwatch.GetTimestamp();
            if (seen == count)
                _rate.SetResult((count - Uncounted) / Stopwatch.GetElapsedTime(_first).TotalSeconds);
        }
    }
}
