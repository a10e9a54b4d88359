using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Azure.Storage.Queues.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace XenoCrm.Local.FunctionsRuntime.Tests;

/// <summary>
/// What the runtime costs beside the bare server and a bare receive loop, in the same run. Not part of the tests, since
/// a busy machine decides: <c>dotnet run --project tests/FunctionsRuntime.Tests -- -explicit only -class "*OverheadBenchmarks"</c>
/// </summary>
public class OverheadBenchmarks(AzuriteFixture storage, ITestOutputHelper output)
{
    private const int Rounds = 5;

    [Fact(Explicit = true)]
    public async Task An_http_function_reaches_seven_tenths_of_a_bare_endpoint()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--contentRoot=/"]);
        builder.Logging.ClearProviders();
        await using var bare = builder.Build();
        bare.MapGet("/api/bare/{id:int}", (int id) => Results.Ok());
        await bare.StartAsync();
        await using var app = await TestApp.Start<Http>(configure: b => b.Logging.ClearProviders());

        List<double> bareRates = [], functionRates = [];
        for (var round = 0; round < Rounds; round++)
        {
            bareRates.Add(await Rate(new Uri(bare.Urls.First()).Port, "/api/bare/7"));
            functionRates.Add(await Rate(app.Http.BaseAddress!.Port, "/api/bare/7"));
        }

        Report("HTTP requests/s", functionRates, bareRates).ShouldBeGreaterThanOrEqualTo(0.7);
    }

    [Fact(Explicit = true)]
    public async Task A_queue_function_reaches_nine_tenths_of_a_bare_loop()
    {
        const int count = 1000;
        List<double> bareRates = [], functionRates = [];
        for (var round = 0; round < Rounds; round++)
        {
            var name = AzuriteFixture.Unique("bench");
            var queue = await Fill(name, count);
            long first = 0;
            for (var done = 0; done < count;)
            {
                QueueMessage[] messages = await queue.ReceiveMessagesAsync(16, TimeSpan.FromSeconds(30));
                first = first == 0 ? Stopwatch.GetTimestamp() : first;
                await Task.WhenAll(messages.Select(m => queue.DeleteMessageAsync(m.MessageId, m.PopReceipt)));
                done += messages.Length;
            }
            bareRates.Add(count / Stopwatch.GetElapsedTime(first).TotalSeconds);

            name = AzuriteFixture.Unique("bench");
            queue = await Fill(name, count);
            var clock = new Clock(count);
            await using (var app = await TestApp.Start<Queue>(storage.Settings(("Queue", name)), b =>
            {
                b.Services.AddSingleton(clock);
                b.Logging.ClearProviders();
            }))
            {
                await clock.Done;
            }
            functionRates.Add(clock.Rate);
        }

        Report("Queue messages/s", functionRates, bareRates).ShouldBeGreaterThanOrEqualTo(0.9);
    }

    private double Report(string what, List<double> functions, List<double> bare)
    {
        double function = Median(functions), without = Median(bare);
        output.WriteLine($"{what}: function {function:N0}, bare {without:N0}, ratio {function / without:0.00}");
        return function / without;

        static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }

    private async Task<Azure.Storage.Queues.QueueClient> Fill(string name, int count)
    {
        var queue = await storage.NewQueue(name);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, token) => await queue.SendMessageAsync($"{i}", token));
        return queue;
    }

    /// <summary>Requests per second over plain sockets: a client that costs more than the server would hide the difference.</summary>
    private static async Task<double> Rate(int port, string path)
    {
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        var end = Environment.TickCount64 + 1500;
        var started = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync("127.0.0.1", port);
            var buffer = new byte[4096];
            var done = 0;
            for (; Environment.TickCount64 < end; done++)
            {
                await socket.SendAsync(request);
                var read = await socket.ReceiveAsync(buffer);
                if (!buffer.AsSpan(0, read).StartsWith("HTTP/1.1 200"u8))
                    throw new InvalidOperationException(Encoding.ASCII.GetString(buffer, 0, read));
            }
            return done;
        }));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    internal sealed class Http
    {
        [Function("Bare")]
        public IResult Run([HttpTrigger("get", Route = "bare/{id:int}")] HttpRequest request, int id) => Results.Ok();
    }

    /// <summary>Takes the time from the first message to the last: the start of the app is not the question.</summary>
    internal sealed class Clock(int count)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _seen;
        private long _first;

        public Task Done => _done.Task;

        public double Rate { get; private set; }

        public void Tick()
        {
            var seen = Interlocked.Increment(ref _seen);
            if (seen == 1)
                _first = Stopwatch.GetTimestamp();
            if (seen != count)
                return;
            Rate = count / Stopwatch.GetElapsedTime(_first).TotalSeconds;
            _done.SetResult();
        }
    }

    internal sealed class Queue(Clock clock)
    {
        [Function("BareQueue")]
        public void Run([QueueTrigger("%Queue%")] string text) => clock.Tick();
    }
}
