using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Logging;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>Writes the audit entry of every request that changes something or asks for a list as a file (<see cref="AuditLog"/> says when). Comes after <see cref="AccessMiddleware"/>, and after <see cref="IdempotencyMiddleware"/>: an answer that is repeated has no effect.</summary>
public sealed partial class AuditMiddleware(AccessTable table, HttpFunctions functions, AuditLog audit, ILogger<AuditMiddleware> log) : IFunctionsWorkerMiddleware
{
    private readonly Dictionary<string, string[]> routes = functions.All.ToDictionary(f => f.Name, f => f.Route.Split('/'), StringComparer.Ordinal);

    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        var action = context.FunctionDefinition.Name;
        if (context.GetHttpContext() is not { } http || (!table[action].IsAudited && !http.Request.AcceptsCsv()) || http.CallerOrNone() is not { } caller)
        {
            await next(context);
            return;
        }

        var path = http.Request.Path.Value ?? "";
        var entry = await audit.BeginAsync(caller, action, ResourceOf(path, routes[action]), http.Request.EffectId(), http.RequestAborted);
        var notes = AuditTrail.Begin();
        try
        {
            await next(context);
        }
        catch (ProblemException exception)
        {
            await EndAsync(entry, exception.Problem.Status >= 500 ? AuditOutcome.Failed : AuditOutcome.Refused, exception.Problem.Code);
            throw;
        }
        catch
        {
            await EndAsync(entry, AuditOutcome.Failed, null);
            throw;
        }

        // What was done exists: its id is one of ours, and the members of the body are those we know.
        var location = (context.GetInvocationResult().Value as ILocatedResult)?.Location;
        await EndAsync(entry with
        {
            Outcome = AuditOutcome.Done,
            Resource = Below(location ?? path),
            Fields = http.BodyMembers(),
            Before = notes.Before,
            After = notes.After,
        });
    }

    /// <summary>
    /// The path, with a * for what is no id of ours: whoever asks for <c>customers/someone@example.com</c> is not to put
    /// the address into the log.
    /// </summary>
    private static string ResourceOf(string path, string[] route)
    {
        var parts = path.Trim('/').Split('/');
        for (var i = 0; i < parts.Length; i++)
        {
            var isLiteral = i < route.Length && !route[i].StartsWith('{') && route[i].Equals(parts[i], StringComparison.OrdinalIgnoreCase);
            if (!isLiteral && !(parts[i].Length is >= 12 and <= 64 && parts[i].All(char.IsAsciiHexDigitLower)))
            {
                parts[i] = "*";
            }
        }

        return Below(string.Join('/', parts));
    }

    private static string Below(string path)
    {
        var trimmed = path.Split('?')[0].Trim('/');
        return trimmed.StartsWith("api/", StringComparison.OrdinalIgnoreCase) ? trimmed[4..] : trimmed;
    }

    /// <summary>What was done before, by a process that could not answer any more, stays done.</summary>
    private Task EndAsync(AuditEntry entry, AuditOutcome outcome, string? code) =>
        entry.Outcome == AuditOutcome.Done ? Task.CompletedTask : EndAsync(entry with { Outcome = outcome, Code = code });

    /// <summary>Not cancelled with the request: who hangs up has done it all the same.</summary>
    private async Task EndAsync(AuditEntry entry)
    {
        try
        {
            await audit.EndAsync(entry, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // The entry is there and says that it was started; the answer is true all the same.
            LogNotEnded(exception, entry.Id);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The outcome of the audit entry {Id} could not be stored: it stays 'started'")]
    private partial void LogNotEnded(Exception exception, string id);
}
