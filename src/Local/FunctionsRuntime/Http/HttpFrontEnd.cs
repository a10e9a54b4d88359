using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Http;

/// <summary>Gives each HTTP function an endpoint: routing, route constraints and precedence are ASP.NET Core's own.</summary>
internal sealed class HttpFrontEnd(
    FunctionCatalog catalog, FunctionExecutor executor, HostSettings settings, FunctionKeys keys, Shutdown shutdown, ILogger<HttpFrontEnd> logger)
{
    private static readonly ActionDescriptor s_action = new();

    /// <summary>The path of an HTTP function, from the root, as the start-up table shows it.</summary>
    public static string PathOf(Function function, string routePrefix)
    {
        var route = ((HttpTriggerAttribute)function.Trigger).Route ?? function.Name;
        return ("/" + routePrefix + "/" + route.Trim('/')).Replace("//", "/");
    }

    public void Map(WebApplication app)
    {
        app.UseRouting();
        // A path with another method is a plain 404, as in the real host: it does not tell 405 apart. ASP.NET marks that
        // case with an endpoint that is not a route.
        app.Use(static (http, next) =>
        {
            if (http.GetEndpoint() is { } endpoint and not RouteEndpoint)
                http.SetEndpoint(null);
            return next(http);
        });

        var taken = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var function in catalog.Functions.Where(f => f.Trigger is HttpTriggerAttribute))
            Map(app, function, taken);
    }

    private void Map(WebApplication app, Function function, Dictionary<string, string> taken)
    {
        var trigger = (HttpTriggerAttribute)function.Trigger;
        var path = PathOf(function, settings.RoutePrefix);
        RoutePattern pattern;
        try
        {
            pattern = RoutePatternFactory.Parse(path);
        }
        catch (RoutePatternException e)
        {
            throw new FunctionsStartException($"Function '{function.Name}': the route '{path}' is not valid: {e.Message}", e);
        }
        foreach (var method in trigger.Methods is { Length: > 0 } ? trigger.Methods : ["any method"])
        {
            if (!taken.TryAdd(method + " " + path, function.Name))
                throw new FunctionsStartException($"Functions '{taken[method + " " + path]}' and '{function.Name}' both answer {method.ToUpperInvariant()} {path}.");
        }

        var allowed = keys.For(function.Name, trigger.AuthLevel);
        var writesResult = ResultWriter(function);
        RequestDelegate handler = http => Handle(http, function, allowed, writesResult);
        var endpoint = trigger.Methods is { Length: > 0 } methods
            ? app.MapMethods(path, methods.Select(m => m.ToUpperInvariant()), handler)
            : app.Map(pattern, handler);
        endpoint.WithDisplayName(function.Name);
    }

    private async Task Handle(HttpContext http, Function function, Func<HttpRequest, bool>? allowed, Func<object, object?> resultOf)
    {
        if (allowed is not null && !allowed(http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        using var invocation = new Invocation(function, http.RequestServices, http, shutdown.Abort);
        try
        {
            await executor.Run(invocation);
            if (invocation.Result.Value is { } result)
                await Write(http, resultOf(result));
        }
        catch (Exception e)
        {
            Fail(http, function, e);
        }
    }

    private static Task Write(HttpContext http, object? result) => result switch
    {
        IActionResult action => action.ExecuteResultAsync(new ActionContext(http, http.GetRouteData(), s_action)),
        IResult minimal => minimal.ExecuteAsync(http),
        AspNetResponseData response => response.WriteTo(http.Response),
        // The real worker writes nothing for any other type.
        _ => Task.CompletedTask,
    };

    /// <summary>The result itself, or the property of it that [HttpResult] marks (or that is a response) beside output bindings.</summary>
    private static Func<object, object?> ResultWriter(Function function)
    {
        var type = function.Method.ReturnType;
        if (type.IsGenericType && type.GetGenericArguments() is [var inner])
            type = inner;
        var marked = type.GetProperties().FirstOrDefault(p => p.GetCustomAttribute<HttpResultAttribute>() is not null);
        if (marked is null && Queues.QueueOutputs.PropertiesOf(function.Method).Any())
            marked = type.GetProperties().FirstOrDefault(p => typeof(Microsoft.Azure.Functions.Worker.Http.HttpResponseData).IsAssignableFrom(p.PropertyType));
        // Middleware may have put a response in the place of the function's own result.
        return marked is null ? result => result : result => type.IsInstanceOfType(result) ? marked.GetValue(result) : result;
    }

    private void Fail(HttpContext http, Function function, Exception e)
    {
        if (http.RequestAborted.IsCancellationRequested)
            return;
        if (http.Response.HasStarted)
        {
            // The client must not take a torn body for a whole one.
            logger.LogError(e, "{Function} failed after its response had begun", function.Name);
            http.Abort();
            return;
        }
        // The executor has logged what the function threw; a result that cannot be written is only known here.
        logger.LogDebug(e, "{Function} answered 500", function.Name);
        http.Response.Clear();
        http.Response.StatusCode = e is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError;
    }
}
