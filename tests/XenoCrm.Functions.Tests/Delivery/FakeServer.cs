using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

/// <summary>A request as a fake vendor got it.</summary>
internal sealed record Got(string Method, string Path, string Authorization, string Body);

/// <summary>A vendor's server that answers over real HTTP what a test says.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private FakeServer(WebApplication app) => this.app = app;

    public List<Got> Requests { get; } = [];

    public string Address => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/";

    public static async Task<FakeServer> StartAsync(Func<HttpContext, Got, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var host = builder.Build();
        var server = new FakeServer(host);
        host.Run(async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var got = new Got(http.Request.Method, http.Request.Path + http.Request.QueryString, http.Request.Headers.Authorization.ToString(), await reader.ReadToEndAsync());
            lock (server.Requests)
            {
                server.Requests.Add(got);
            }

            await answer(http, got);
        });
        await host.StartAsync();
        return server;
    }

    /// <summary>Answers with this status and body.</summary>
    public static Task<FakeServer> StartAsync(int status, string body, params (string Name, string Value)[] headers) => StartAsync((http, _) =>
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        foreach (var (name, value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        return http.Response.WriteAsync(body);
    });

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    /// <summary>Takes the request and breaks the connection.</summary>
    public static Task<FakeServer> StartBreakingAsync() => StartAsync((http, _) =>
    {
        http.Abort();
        return Task.CompletedTask;
    });

    public static VendorMessage Message(Channel channel, string to, string? from = null) =>
        new("c.0.7", channel, to, from, () => new("Grüße", channel == Channel.Email ? "<p>Hi</p>" : null, "Hi & bye", "https://crm.test/t/u/1"));

    internal sealed class Clients : IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => new(new SocketsHttpHandler { ConnectTimeout = VendorHttp.ConnectTime }) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
