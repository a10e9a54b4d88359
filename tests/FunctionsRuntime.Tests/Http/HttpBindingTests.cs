using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using FromBodyAttribute = Microsoft.Azure.Functions.Worker.Http.FromBodyAttribute;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Http;

public class HttpBindingTests
{
    [Theory]
    [InlineData("/api/text/a%20b", "a b")]
    [InlineData("/api/number/42", "42")]
    [InlineData("/api/flag/true", "True")]
    [InlineData("/api/guid/6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964ff")]
    [InlineData("/api/time/2024-02-29T12:00:00Z", "2024-02-29T12:00:00.0000000Z")]
    [InlineData("/api/optional", "none")]
    [InlineData("/api/optional/x", "x")]
    [InlineData("/api/data/7?q=1", "7 1 True")]
    public async Task Route_values_bind_by_name_ignoring_case(string path, string expected)
    {
        await using var app = await TestApp.Start<Bindings>();

        (await app.Http.GetStringAsync(path)).ShouldBe(expected);
    }

    [Fact]
    public async Task A_value_that_does_not_convert_is_a_500_without_detail_and_the_value_is_not_logged()
    {
        await using var app = await TestApp.Start<Bindings>();

        using var response = await app.Http.GetAsync("/api/number/secret");

        response.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        (await response.Content.ReadAsStringAsync()).ShouldBeEmpty();
        app.Log.Text.ShouldContain("'id'");
        app.Log.Text.ShouldNotContain("secret");
    }

    [Fact]
    public async Task FromBody_reads_json_and_bad_input_throws()
    {
        await using var app = await TestApp.Start<Bindings>();

        using var good = await app.Http.PostAsJsonAsync("/api/body", new { NAME = "n" });
        using var bad = await app.Http.PostAsync("/api/body", new StringContent("{secret", Encoding.UTF8, "application/json"));

        (await good.Content.ReadAsStringAsync()).ShouldBe("n");
        bad.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        app.Log.Text.ShouldContain("BindingException");
        app.Log.Text.ShouldNotContain("secret");
    }

    [Fact]
    public async Task Results_of_every_kind_are_written()
    {
        await using var app = await TestApp.Start<Bindings>();

        using var action = await app.Http.GetAsync("/api/action");
        using var minimal = await app.Http.GetAsync("/api/minimal");
        using var data = await app.Http.PostAsync("/api/data-model?name=Zo%C3%AB", new StringContent("body"));
        using var other = await app.Http.GetAsync("/api/other");
        using var nothing = await app.Http.GetAsync("/api/nothing");

        action.StatusCode.ShouldBe(HttpStatusCode.Created);
        action.Headers.Location!.ToString().ShouldBe("/here");
        (await action.Content.ReadAsStringAsync()).ShouldBe("{\"id\":1}");
        minimal.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        data.StatusCode.ShouldBe((HttpStatusCode)418);
        data.Headers.GetValues("x-name").ShouldBe(["value"]);
        data.Headers.GetValues("Set-Cookie").Single().ShouldStartWith("c=v");
        (await data.Content.ReadAsStringAsync()).ShouldBe("Zoë body");
        // As in the real worker: any other type is not written.
        other.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await other.Content.ReadAsStringAsync()).ShouldBeEmpty();
        (await nothing.Content.ReadAsStringAsync()).ShouldBe("written by the function");
    }

    [Fact]
    public async Task A_streamed_response_arrives_while_the_function_still_writes()
    {
        await using var app = await TestApp.Start<Bindings>();
        using var response = await app.Http.GetAsync("/api/stream", HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[100];

        (await body.ReadAsync(buffer)).ShouldBe(5);
        app.Recorder.Items.ShouldBeEmpty();

        app.Recorder.Add("read");
        (await body.ReadAsync(buffer)).ShouldBe(6);
    }

    [Fact]
    public async Task A_caller_that_hangs_up_cancels_the_function_and_its_context()
    {
        await using var app = await TestApp.Start<Bindings>();
        using var hangUp = new CancellationTokenSource();
        var request = app.Http.GetAsync("/api/wait", hangUp.Token);
        await app.Recorder.WaitFor(1);

        await hangUp.CancelAsync();

        (await app.Recorder.WaitFor(2))[1].ShouldBe("cancelled True True");
        await Should.ThrowAsync<OperationCanceledException>(request);
        app.Log.Entries.ShouldNotContain(e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task An_exception_is_a_500_with_no_detail_and_one_error_in_the_log()
    {
        await using var app = await TestApp.Start<Bindings>();

        using var response = await app.Http.GetAsync("/api/throw");

        response.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        (await response.Content.ReadAsStringAsync()).ShouldBeEmpty();
        response.Headers.ShouldNotContain(h => h.Key == "x-set-before");
        app.Log.Entries.Where(e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Error).ShouldHaveSingleItem().Exception!.Message.ShouldBe("inside");
    }

    [Fact]
    public async Task An_exception_after_the_response_has_begun_breaks_it_off()
    {
        await using var app = await TestApp.Start<Bindings>();

        await Should.ThrowAsync<HttpRequestException>(app.Http.GetStringAsync("/api/throw-late"));
    }

    [Fact]
    public async Task The_server_sets_no_limit_to_a_body()
    {
        await using var app = await TestApp.Start<Bindings>();

        using var response = await app.Http.PostAsync("/api/count", new ByteArrayContent(new byte[40_000_000]));

        (await response.Content.ReadAsStringAsync()).ShouldBe("40000000");
    }

    internal sealed record Body(string Name);

    internal sealed class Bindings(Recorder recorder)
    {
        [Function("Text")]
        public IResult Text([HttpTrigger("get", Route = "text/{value}")] HttpRequest request, string VALUE) => Results.Text(VALUE);

        [Function("Number")]
        public IResult Number([HttpTrigger("get", Route = "number/{id}")] HttpRequest request, int id) => Results.Text($"{id}");

        [Function("Flag")]
        public IResult Flag([HttpTrigger("get", Route = "flag/{flag}")] HttpRequest request, bool flag) => Results.Text($"{flag}");

        [Function("Id")]
        public IResult Id([HttpTrigger("get", Route = "guid/{id}")] HttpRequest request, Guid id) => Results.Text($"{id}");

        [Function("Time")]
        public IResult Time([HttpTrigger("get", Route = "time/{at}")] HttpRequest request, DateTime at) => Results.Text($"{at:O}");

        [Function("Optional")]
        public IResult Optional([HttpTrigger("get", Route = "optional/{name?}")] HttpRequest request, string name = "none") => Results.Text(name);

        [Function("Data")]
        public IResult Data([HttpTrigger("get", Route = "data/{id}")] HttpRequest request, FunctionContext context)
            => Results.Text($"{context.BindingContext.BindingData["ID"]} {request.Query["q"]} {context.GetHttpContext() == request.HttpContext}");

        [Function("FromBody")]
        public IResult Body([HttpTrigger("post", Route = "body")] HttpRequest request, [FromBody] Body body) => Results.Text(body.Name);

        [Function("Action")]
        public IActionResult Action([HttpTrigger("get", Route = "action")] HttpRequest request) => new CreatedResult("/here", new { Id = 1 });

        [Function("Minimal")]
        public async Task<IResult> Minimal([HttpTrigger("get", Route = "minimal")] HttpRequest request)
        {
            await Task.Yield();
            return Results.Accepted();
        }

        [Function("DataModel")]
        public async Task<HttpResponseData> DataModel([HttpTrigger("post", Route = "data-model")] HttpRequestData request)
        {
            var response = request.CreateResponse((HttpStatusCode)418);
            response.Headers.Add("x-name", "value");
            response.Cookies.Append("c", "v");
            await response.WriteStringAsync(request.Query["name"] + " " + await request.ReadAsStringAsync());
            return response;
        }

        [Function("Other")]
        public string Other([HttpTrigger("get", Route = "other")] HttpRequest request) => "not written";

        [Function("Nothing")]
        public Task Nothing([HttpTrigger("get", Route = "nothing")] HttpRequest request) => request.HttpContext.Response.WriteAsync("written by the function");

        [Function("Streamed")]
        public IResult Streamed([HttpTrigger("get", Route = "stream")] HttpRequest request) => Results.Stream(async stream =>
        {
            await stream.WriteAsync("first"u8.ToArray());
            await stream.FlushAsync();
            await recorder.WaitFor(1);
            await stream.WriteAsync("second"u8.ToArray());
        });

        [Function("Wait")]
        public async Task Wait([HttpTrigger("get", Route = "wait")] HttpRequest request, FunctionContext context, CancellationToken token)
        {
            recorder.Add("waiting");
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            catch (OperationCanceledException)
            {
                recorder.Add($"cancelled {request.HttpContext.RequestAborted.IsCancellationRequested} {context.CancellationToken == token}");
                throw;
            }
        }

        [Function("Throw")]
        public IResult Throw([HttpTrigger("get", Route = "throw")] HttpRequest request)
        {
            request.HttpContext.Response.Headers["x-set-before"] = "1";
            throw new InvalidOperationException("inside");
        }

        [Function("ThrowLate")]
        public async Task ThrowLate([HttpTrigger("get", Route = "throw-late")] HttpRequest request)
        {
            await request.HttpContext.Response.WriteAsync("half");
            await request.HttpContext.Response.Body.FlushAsync();
            throw new InvalidOperationException("late");
        }

        [Function("CountBody")]
        public async Task<IResult> Count([HttpTrigger("post", Route = "count")] HttpRequest request)
        {
            var buffer = new byte[81920];
            long total = 0;
            for (int read; (read = await request.Body.ReadAsync(buffer)) > 0;)
                total += read;
            return Results.Text($"{total}");
        }
    }
}
