using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

public class MiddlewareTests(AzuriteFixture storage)
{
    [Fact]
    public async Task Middleware_runs_in_the_order_of_registration_around_the_function()
    {
        await using var app = await TestApp.Start<Functions>(configure: builder =>
        {
            builder.UseMiddleware<First>();
            builder.UseMiddleware((context, next) => Around(context, "second", next));
            builder.UseWhen(context => context.FunctionDefinition.Name == "Plain", (context, next) => Around(context, "when", next));
            builder.UseWhen<Never>(_ => false);
        });

        (await app.Http.GetStringAsync("/api/Plain")).ShouldBe("ok");

        app.Recorder.Items.ShouldBe(["first in", "second in", "when in", "function", "when out", "second out", "first out"]);
    }

    [Fact]
    public async Task Middleware_sees_the_request_and_what_kind_of_function_runs()
    {
        FunctionContext? seen = null;
        await using var app = await TestApp.Start<Functions>(configure: builder => builder.UseMiddleware((context, next) =>
        {
            seen = context;
            context.GetHttpContext()!.Response.Headers["x-id"] = context.InvocationId;
            context.Items["key"] = "value";
            return next();
        }));

        using var response = await app.Http.GetAsync("/api/Plain?a=1");

        response.Headers.GetValues("x-id").ShouldBe([seen!.InvocationId]);
        seen.FunctionDefinition.Name.ShouldBe("Plain");
        seen.FunctionDefinition.Id.ShouldBe(seen.FunctionId);
        seen.FunctionDefinition.EntryPoint.ShouldBe(typeof(Functions).FullName + ".Plain");
        seen.FunctionDefinition.PathToAssembly.ShouldBe(typeof(Functions).Assembly.Location);
        seen.FunctionDefinition.InputBindings["request"].Type.ShouldBe("httpTrigger");
        seen.FunctionDefinition.OutputBindings["$return"].Type.ShouldBe("http");
        seen.FunctionDefinition.Parameters.Select(p => p.Name).ShouldBe(["request"]);
        seen.Items["key"].ShouldBe("value");
    }

    [Fact]
    public async Task Middleware_can_answer_in_the_place_of_the_function_and_replace_its_result()
    {
        await using var app = await TestApp.Start<Functions>(configure: builder => builder.UseMiddleware(async (context, next) =>
        {
            if (context.GetHttpContext()!.Request.Query.ContainsKey("refuse"))
            {
                context.GetInvocationResult().Value = new StatusCodeResult(403);
                return;
            }
            await next();
            context.GetInvocationResult().Value.ShouldBeAssignableTo<IResult>();
            context.GetInvocationResult().Value = new ContentResult { Content = "replaced" };
        }));

        using var refused = await app.Http.GetAsync("/api/Plain?refuse=1");
        refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        app.Recorder.Items.ShouldBeEmpty();
        (await app.Http.GetStringAsync("/api/Plain")).ShouldBe("replaced");
    }

    [Fact]
    public async Task Middleware_turns_an_exception_into_an_answer()
    {
        await using var app = await TestApp.Start<Functions>(configure: builder => builder.UseMiddleware(async (context, next) =>
        {
            try
            {
                await next();
            }
            catch (InvalidOperationException e)
            {
                context.GetInvocationResult().Value = new ObjectResult(e.Message) { StatusCode = 409 };
            }
        }));

        using var response = await app.Http.GetAsync("/api/Throwing");

        response.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Middleware_that_rethrows_keeps_a_message()
    {
        var name = AzuriteFixture.Unique("middleware");
        var queue = await storage.NewQueue(name);
        await queue.SendMessageAsync("m");
        await using var app = await TestApp.Start<QueueFunction>(
            storage.Settings(("Queue", name)),
            builder => builder.UseMiddleware(async (context, next) =>
            {
                context.GetHttpContext().ShouldBeNull();
                try
                {
                    await next();
                }
                catch (InvalidOperationException)
                {
                    context.InstanceServices.GetRequiredService<Recorder>().Add("seen");
                    throw;
                }
            }),
            recorder => recorder.Behaviour = (_, _) => recorder.Items.Count < 3 ? throw new InvalidOperationException("no") : Task.CompletedTask);

        (await app.Recorder.WaitFor(3)).ShouldBe(["m", "seen", "m"]);
    }

    [Fact]
    public void ConfigureFunctionsWebApplication_comes_before_middleware()
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.UseMiddleware<First>();

        Should.Throw<FunctionsStartException>(() => builder.ConfigureFunctionsWebApplication()).Message.ShouldContain("before UseMiddleware");
    }

    [Fact]
    public async Task Each_invocation_has_a_scope_that_ends_with_it_and_a_class_of_its_own()
    {
        await using var app = await TestApp.Start<Scoped>(configure: builder => builder.Services.AddScoped<Service>());

        var first = await app.Http.GetStringAsync("/api/Scoped");
        var second = await app.Http.GetStringAsync("/api/Scoped");

        first.ShouldEndWith("same True");
        second.ShouldEndWith("same True");
        first.ShouldNotBe(second);
        await app.Recorder.WaitFor(4);
        app.Recorder.Items.ShouldBe(["class disposed", "service disposed", "class disposed", "service disposed"]);
    }

    private static async Task Around(FunctionContext context, string name, Func<Task> next)
    {
        var recorder = context.InstanceServices.GetRequiredService<Recorder>();
        recorder.Add(name + " in");
        await next();
        recorder.Add(name + " out");
    }

    internal sealed class First : IFunctionsWorkerMiddleware
    {
        public Task Invoke(FunctionContext context, FunctionExecutionDelegate next) => Around(context, "first", () => next(context));
    }

    internal sealed class Never : IFunctionsWorkerMiddleware
    {
        public Task Invoke(FunctionContext context, FunctionExecutionDelegate next) => Around(context, "never", () => next(context));
    }

    internal sealed class Functions(Recorder recorder)
    {
        [Function("Plain")]
        public IResult Plain([HttpTrigger("get")] HttpRequest request)
        {
            recorder.Add("function");
            return Results.Text("ok");
        }

        [Function("Throwing")]
        public IResult Throwing([HttpTrigger("get")] HttpRequest request) => throw new InvalidOperationException("conflict");
    }

    internal sealed class QueueFunction(Recorder recorder)
    {
        [Function("MiddlewareQueue")]
        public Task Run([QueueTrigger("%Queue%")] string text) => recorder.Run(text);
    }

    internal sealed class Service(Recorder recorder) : IDisposable
    {
        public Guid Id { get; } = Guid.NewGuid();

        public void Dispose() => recorder.Add("service disposed");
    }

    internal sealed class Scoped(Service service, Recorder recorder) : IDisposable
    {
        [Function("Scoped")]
        public IResult Run([HttpTrigger("get")] HttpRequest request, FunctionContext context)
            => Results.Text($"{service.Id} same {context.InstanceServices.GetRequiredService<Service>() == service}");

        public void Dispose() => recorder.Add("class disposed");
    }
}
