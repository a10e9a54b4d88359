using System.Diagnostics;
using Azure;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Logging;

namespace XenoCrm.Platform.Errors;

/// <summary>
/// The one place where failures become problem documents. Only for HTTP: elsewhere an exception must reach the host,
/// which keeps the message; a swallowed one is a lost message.
/// </summary>
public sealed partial class ProblemMiddleware(ILogger<ProblemMiddleware> log) : IFunctionsWorkerMiddleware
{
    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        if (context.GetHttpContext() is not { } http)
        {
            await next(context);
            return;
        }

        try
        {
            CheckIds(http);
            await next(context);

            // What a function returns is carried out after it, by the host, which would answer a failure with a bare 500.
            if (context.GetInvocationResult() is { Value: IResult result } invocation)
            {
                invocation.Value = new GuardedResult(result, this, context.FunctionDefinition.Name);
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone; there is nobody to answer.
        }
        catch (Exception exception) when (!http.Response.HasStarted)
        {
            // What failed may have come after the function: the host must not write its result behind the problem.
            context.GetInvocationResult().Value = null;
            await WriteAsync(http, ToProblem(exception, context.FunctionDefinition.Name));
        }
    }

    /// <summary>Before anybody looks for what cannot be.</summary>
    private static void CheckIds(HttpContext http)
    {
        foreach (var (name, value) in http.Request.RouteValues)
        {
            if (name.EndsWith("id", StringComparison.OrdinalIgnoreCase) && value is string id && !Ids.CanBe(id))
            {
                throw new RouteNotFound(http.Request.Path).ToException();
            }
        }
    }

    public static Task WriteAsync(HttpContext http, Problem problem)
    {
        http.Response.Clear();
        if (problem.RetryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString();
        }

        if (problem.Moved is var (from, to))
        {
            http.Response.Headers.Location = http.Request.Path.ToUriComponent().Replace(from, to, StringComparison.Ordinal) + http.Request.QueryString.ToUriComponent();
        }

        var document = new ProblemDocument(
            $"/api/errors#{problem.Code}", problem.Title, problem.Status, problem.Detail, problem.Code,
            Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier, problem.Errors);
        return Results.Json(document, Json.Options, "application/problem+json", problem.Status).ExecuteAsync(http);
    }

    private Problem ToProblem(Exception exception, string function)
    {
        switch (exception)
        {
            case ProblemException expected:
                return expected.Problem;
            case CosmosException { StatusCode: System.Net.HttpStatusCode.TooManyRequests or System.Net.HttpStatusCode.ServiceUnavailable or System.Net.HttpStatusCode.RequestTimeout }:
            case HttpRequestException:
            case RequestFailedException { Status: 0 or 429 or 500 or 503 }:
                LogStorage(exception, function);
                return new StorageBusy { RetryAfterSeconds = 2 };
            case BadHttpRequestException { StatusCode: 413 }:
                return new BodyTooLarge(Http.RequestBody.MaxBytes);
            case BadHttpRequestException { StatusCode: 408 }:
                return new BodyTooSlow();
            case BadHttpRequestException:
                return new JsonMalformed("The request could not be read to its end.");
            default:
                LogUnexpected(exception, function);
                return new InternalFailure();
        }
    }

    private sealed class GuardedResult(IResult result, ProblemMiddleware problems, string function) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            try
            {
                await result.ExecuteAsync(httpContext);
            }
            catch (Exception exception) when (!httpContext.Response.HasStarted && !httpContext.RequestAborted.IsCancellationRequested)
            {
                await WriteAsync(httpContext, problems.ToProblem(exception, function));
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected failure in {Function}")]
    private partial void LogUnexpected(Exception exception, string function);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Storage does not answer in {Function}")]
    private partial void LogStorage(Exception exception, string function);
}

/// <summary>RFC 9457, with this service's extensions.</summary>
/// <param name="Code">Stable machine-readable code.</param>
/// <param name="TraceId">Finds the request in the traces and logs.</param>
/// <param name="Errors">JSON pointer into the request → messages.</param>
public sealed record ProblemDocument(
    string Type, string Title, int Status, string Detail, string Code, string TraceId, IReadOnlyDictionary<string, string[]>? Errors);
