using System.Diagnostics;
using System.Net;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>What is looked for in the audit log; null: anything.</summary>
/// <param name="Resource">How it begins.</param>
public sealed record AuditFilter(string? Actor, string? Action, string? Resource, AuditOutcome? Outcome, DateTimeOffset? From, DateTimeOffset? To);

/// <summary>
/// The audit log. The rule: an entry is stored before its request begins, and the outcome after it has ended, before the
/// answer. So a request that had an effect has an entry, whatever died when; a request that cannot be noted is not done
/// (503); and an entry that still says <c>started</c> later belongs to a process that died. That costs two writes.
/// </summary>
public sealed class AuditLog(CosmosDatabase database, Ids ids, IOptions<AuditOptions> options, TimeProvider clock)
{
    public static readonly ContainerDefinition Definition = new(
        "audit", "/day", ["/at/?", "/actor/?", "/action/?", "/resource/?", "/outcome/?"], [["-/at", "-/id"]], DefaultTtlSeconds: -1);

    private readonly Container container = database.Container(Definition.Name);

    /// <param name="effectId">Of the request, when it has one: what is carried out again after a crash has the same.</param>
    /// <returns>The entry; of a request that is carried out again, the one that is there.</returns>
    public async Task<AuditEntry> BeginAsync(Caller caller, string action, string resource, string? effectId, CancellationToken cancellation)
    {
        var entry = New(caller.Id, caller.IsKey ? "key" : "user", action, resource, AuditOutcome.Started);
        entry = entry with { Id = effectId ?? entry.Id };
        try
        {
            await container.CreateItemAsync(entry, new PartitionKey(entry.Day), cancellationToken: cancellation);
            return entry;
        }
        catch (CosmosException exception) when (exception.StatusCode == HttpStatusCode.Conflict && effectId is not null)
        {
            return await container.ReadItemAsync<AuditEntry>(entry.Id, new PartitionKey(entry.Day), cancellationToken: cancellation);
        }
    }

    public Task EndAsync(AuditEntry entry, CancellationToken cancellation) =>
        container.UpsertItemAsync(entry, new PartitionKey(entry.Day), cancellationToken: cancellation);

    /// <summary>A sign-in, a failed one, or the end of a session: one write, before the answer.</summary>
    /// <param name="actor">The user's id, or <c>unknown…</c>.</param>
    public Task SignInAsync(string how, string actor, AuditOutcome outcome, string? code, CancellationToken cancellation)
    {
        var entry = New(actor, actor.StartsWith("unknown", StringComparison.Ordinal) ? "unknown" : "user", how, "auth", outcome) with { Code = code };
        return container.CreateItemAsync(entry, new PartitionKey(entry.Day), cancellationToken: cancellation);
    }

    /// <summary>Newest first.</summary>
    /// <param name="after">The last entry of the page before.</param>
    public async Task<IReadOnlyList<AuditEntry>> PageAsync(AuditFilter filter, (string At, string Id)? after, int limit, CancellationToken cancellation)
    {
        var (where, values) = Conditions(filter, after);
        var query = new QueryDefinition($"SELECT TOP {limit} * FROM c{where} ORDER BY c.at DESC, c.id DESC");
        foreach (var (name, value) in values)
        {
            query.WithParameter(name, value);
        }

        using var pages = container.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = limit });
        var entries = new List<AuditEntry>(limit);
        while (pages.HasMoreResults)
        {
            entries.AddRange((await CosmosPages.ReadAsync<AuditEntry>(pages, cancellation)).Select(e => e.Value));
        }

        return entries;
    }

    private static (string Where, Dictionary<string, object> Values) Conditions(AuditFilter filter, (string At, string Id)? after)
    {
        var conditions = new List<string>();
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        Add("c.actor = @actor", "@actor", filter.Actor);
        Add("c.action = @action", "@action", filter.Action);
        Add("STARTSWITH(c.resource, @resource)", "@resource", filter.Resource);
        Add("c.outcome = @outcome", "@outcome", filter.Outcome?.ToString().ToLowerInvariant());
        Add("c.at >= @from", "@from", filter.From is { } from ? UtcTimeConverter.Write(from) : null);
        Add("c.at < @to", "@to", filter.To is { } to ? UtcTimeConverter.Write(to) : null);
        if (after is var (at, id))
        {
            Add("(c.at < @at OR (c.at = @at AND c.id < @id))", "@at", at);
            values.Add("@id", id);
        }

        return (conditions.Count == 0 ? "" : " WHERE " + string.Join(" AND ", conditions), values);

        void Add(string condition, string name, string? value)
        {
            if (value is not null)
            {
                conditions.Add(condition);
                values.Add(name, value);
            }
        }
    }

    private AuditEntry New(string actor, string kind, string action, string resource, AuditOutcome outcome)
    {
        var now = clock.GetUtcNow();
        return new()
        {
            Id = ids.New(), Day = now.UtcDateTime.ToString("yyyy-MM-dd"), At = now, Actor = actor, ActorKind = kind, Action = action, Resource = resource,
            Outcome = outcome, TraceId = Activity.Current?.TraceId.ToString(), TimeToLive = (int)options.Value.Retention.TotalSeconds,
        };
    }
}
