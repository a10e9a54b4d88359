using System.Globalization;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using XenoCrm.AppHost;
using XenoCrm.Delivery;

namespace XenoCrm.Benchmarks;

/// <summary>
/// The least that an HTTP server can do with the same bytes, as a process of its own: the ceiling of whatever answers
/// requests. <c>GET /N</c> answers N bytes. <c>POST /N</c> takes the body and answers N bytes; with a file, when the body is
/// on disk, those that came together sharing one flush. <c>POST /webhook</c> checks the signature of a delivery vendor.
/// </summary>
internal sealed class BareServer : IAsyncDisposable
{
    /// <summary>The hidden command that runs it.</summary>
    public const string Command = "bare-server";

    private readonly ChildProcess _process;
    private readonly HttpClient _client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256 });

    private BareServer(ChildProcess process, Uri address) => (_process, _client.BaseAddress) = (process, address);

    public Uri Address => _client.BaseAddress!;

    public ProcessUsage Usage => ProcessUsage.Of(_process.Id);

    public static async Task<BareServer> StartAsync(string file)
    {
        var ready = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = ChildProcess.Start(new ChildProcessOptions
        {
            Name = Command,
            FileName = "dotnet",
            Arguments = [typeof(BareServer).Assembly.Location, Command, file],
            OnOutput = line => ready.TrySetResult(new Uri(line)),
        });
        return await Task.WhenAny(ready.Task, process.Exited) == ready.Task
            ? new BareServer(process, await ready.Task)
            : throw new LocalException("The bare server did not start.");
    }

    public Task GetAsync(int bytes) => _client.GetByteArrayAsync(new Uri(bytes.ToString(CultureInfo.InvariantCulture), UriKind.Relative));

    public async Task PostAsync(byte[] body, int answer)
    {
        using var content = new ByteArrayContent(body);
        using var response = await _client.PostAsync(new Uri(answer.ToString(CultureInfo.InvariantCulture), UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
        await response.Content.ReadAsByteArrayAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _process.DisposeAsync();
    }

    /// <summary>The process itself: ends when its input does.</summary>
    public static async Task<int> ServeAsync(string file)
    {
        var writes = Channel.CreateUnbounded<(byte[] Body, TaskCompletionSource Done)>(new UnboundedChannelOptions { SingleReader = true });
        var writer = Task.Factory.StartNew(() => Append(file, writes.Reader), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1));
        await using var app = builder.Build();
        var signatures = new StandardWebhook([LocalSettings.Load().Required("Vendors__Generic__ReceiptSecrets__0")], TimeProvider.System);
        app.Run(async context =>
        {
            if (context.Request.Path == "/webhook")
            {
                var signed = new byte[(int)context.Request.ContentLength!];
                await context.Request.Body.ReadExactlyAsync(signed);
                signatures.Verify(context.Request.Headers, signed);
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            var answer = new byte[int.Parse(context.Request.Path.Value.AsSpan(1), CultureInfo.InvariantCulture)];
            if (HttpMethods.IsPost(context.Request.Method))
            {
                var body = new byte[(int)context.Request.ContentLength!];
                await context.Request.Body.ReadExactlyAsync(body);
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                writes.Writer.TryWrite((body, done));
                await done.Task;
            }

            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer);
        });
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        writes.Writer.Complete();
        await writer;
        return 0;
    }

    private static void Append(string path, ChannelReader<(byte[] Body, TaskCompletionSource Done)> from)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var (at, group, bodies) = (0L, new List<TaskCompletionSource>(), new MemoryStream());
        while (from.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            group.Clear();
            bodies.SetLength(0);
            while (bodies.Length < 16 * 1024 * 1024 && from.TryRead(out var write))
            {
                bodies.Write(write.Body);
                group.Add(write.Done);
            }

            RandomAccess.Write(file, bodies.GetBuffer().AsSpan(0, (int)bodies.Length), at);
            RandomAccess.FlushToDisk(file);
            at += bodies.Length;
            group.ForEach(done => done.SetResult());
        }
    }
}
