using System.Globalization;
using CsvHelper;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <param name="ActorName">Of the user or key; null when there is none any more.</param>
/// <param name="Resource">The path below /api.</param>
/// <param name="Code">Why it was refused.</param>
/// <param name="Fields">Members of the request's body.</param>
/// <param name="Before">Fields that had a value and have another, or none, now.</param>
/// <param name="After">Fields that have a value now and had another, or none.</param>
public sealed record AuditView(
    string Id, DateTimeOffset At, string Actor, string ActorKind, string? ActorName, string Action, string Resource, AuditOutcome Outcome, string? Code,
    IReadOnlyList<string>? Fields, IReadOnlyList<string>? Before, IReadOnlyList<string>? After, string? TraceId);

public sealed class AuditFunctions(AuditLog audit, WorkspaceStore<User> users, WorkspaceStore<ApiKey> keys, Cursors cursors)
{
    private const int CsvPage = 500;

    private static readonly string[] Columns = ["at", "actor", "actorKind", "actorName", "action", "resource", "outcome", "code", "fields", "before", "after", "traceId", "id"];

    [Function("ListAudit")]
    [RequireRole(Role.Admin)]
    [Describe("Search the audit log", "Who did what to what, newest first: every request that changes something, exports, sign-ins. Names of fields, never values.")]
    [Query("actor", typeof(string), "A user's or API key's id, or a user's email.")]
    [Query("action", typeof(string), "An operation's id in this document, or RefreshReused.")]
    [Query("resource", typeof(string), "How the path below /api begins: customers/0192…")]
    [Query("outcome", typeof(AuditOutcome), "started (the process died under it), done, refused or failed.")]
    [Query("from", typeof(DateTimeOffset), "Not before this time.")]
    [Query("to", typeof(DateTimeOffset), "Before this time.")]
    [Query("format", typeof(string), "csv: all of it as a file, as with Accept: text/csv.")]
    [Paged, Answers(200, typeof(Page<AuditView>)), Answers(200, typeof(string), ContentType = "text/csv")]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/audit")] HttpRequest request, CancellationToken cancellation)
    {
        var filter = FilterOf(request);
        var names = await NamesAsync(cancellation);
        if (request.WantsCsv())
        {
            var first = await audit.PageAsync(filter, null, CsvPage, cancellation);
            return new CsvReply("audit.csv", (csv, aborted) => WriteAsync(csv, filter, first, names, aborted));
        }

        var list = $"audit:{filter}";
        var page = PageRequest.From(request, cursors, list);
        (string, string)? after = page.Position?.Split(' ') is [var at, var id] ? (at, id) : null;
        var found = await audit.PageAsync(filter, after, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, list, e => ViewOf(e, names), e => $"{UtcTimeConverter.Write(e.At)} {e.Id}"));
    }

    private async Task WriteAsync(
        CsvWriter csv, AuditFilter filter, IReadOnlyList<AuditEntry> page, IReadOnlyDictionary<string, string> names, CancellationToken cancellation)
    {
        foreach (var column in Columns)
        {
            csv.WriteField(column);
        }

        await csv.EndRecordAsync(cancellation);
        while (true)
        {
            foreach (var entry in page)
            {
                string[] cells =
                [
                    UtcTimeConverter.Write(entry.At), entry.Actor, entry.ActorKind, names.GetValueOrDefault(entry.Actor, ""), entry.Action, entry.Resource,
                    entry.Outcome.ToString().ToLowerInvariant(), entry.Code ?? "", Join(entry.Fields), Join(entry.Before), Join(entry.After), entry.TraceId ?? "", entry.Id,
                ];
                foreach (var cell in cells)
                {
                    csv.WriteField(cell);
                }

                await csv.EndRecordAsync(cancellation);
            }

            await csv.FlushAsync(cancellation);
            if (page.Count < CsvPage)
            {
                return;
            }

            page = await audit.PageAsync(filter, (UtcTimeConverter.Write(page[^1].At), page[^1].Id), CsvPage, cancellation);
        }

        static string Join(IReadOnlyList<string>? names) => string.Join(' ', names ?? []);
    }

    private static AuditFilter FilterOf(HttpRequest request)
    {
        var actor = Text("actor");
        return new(
            actor?.Contains('@') == true ? User.IdOf(actor) : actor, Text("action"), Text("resource")?.TrimStart('/'),
            Text("outcome") is not { } outcome ? null
                : Enum.TryParse<AuditOutcome>(outcome, ignoreCase: true, out var parsed) && char.IsLetter(outcome[0]) ? parsed
                : throw RequestInvalid.At("/outcome", "One of started, done, refused, failed is expected.").ToException(),
            Time("from"), Time("to"));

        string? Text(string name) => request.Query[name].ToString() is { Length: > 0 } text ? text : null;

        DateTimeOffset? Time(string name) => Text(name) is not { } text ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time
            : throw RequestInvalid.At("/" + name, "A time in ISO 8601 is expected, such as 2026-01-31T08:15:00Z.").ToException();
    }

    private static AuditView ViewOf(AuditEntry entry, IReadOnlyDictionary<string, string> names) => new(
        entry.Id, entry.At, entry.Actor, entry.ActorKind, names.GetValueOrDefault(entry.Actor), entry.Action, entry.Resource, entry.Outcome, entry.Code,
        entry.Fields, entry.Before, entry.After, entry.TraceId);

    /// <summary>Users and keys are few; their names are looked up and not stored, so that a deleted user's goes with them.</summary>
    private async Task<IReadOnlyDictionary<string, string>> NamesAsync(CancellationToken cancellation)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        await foreach (var (user, _) in users.AllAsync(cancellation))
        {
            names[user.Id] = user.Name;
        }

        await foreach (var (key, _) in keys.AllAsync(cancellation))
        {
            names[key.Id] = key.Name;
        }

        return names;
    }
}
