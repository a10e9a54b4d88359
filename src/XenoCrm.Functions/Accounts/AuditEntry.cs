using System.Text.Json.Serialization;

namespace XenoCrm.Accounts;

public enum AuditOutcome
{
    /// <summary>Noted before it began. Stays where the process died: whether it had an effect is to be seen at the resource.</summary>
    Started,
    Done,

    /// <summary>Not done, for a reason that the caller was told (<see cref="AuditEntry.Code"/>).</summary>
    Refused,

    /// <summary>Ended with a failure of ours; it may have had an effect.</summary>
    Failed,
}

/// <summary>Who did what to what. Ids and names of fields, never a person's data.</summary>
public sealed record AuditEntry
{
    /// <summary>Of the request: the id of its effect where it has an <c>Idempotency-Key</c>, so that its repetition after a crash is one entry.</summary>
    public required string Id { get; init; }

    /// <summary>The partition key: the UTC date.</summary>
    public required string Day { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>The user's or the API key's id; <c>unknown:</c> and a keyed hash of the address for a login as nobody we know.</summary>
    public required string Actor { get; init; }

    /// <summary><c>user</c>, <c>key</c> or <c>unknown</c>.</summary>
    public required string ActorKind { get; init; }

    /// <summary>The operation's id in the API document: <c>CreateCustomer</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The path below <c>/api</c>, with ids: <c>customers/0192…/erase</c>.</summary>
    public required string Resource { get; init; }
    public required AuditOutcome Outcome { get; init; }

    /// <summary>The problem's code.</summary>
    public string? Code { get; init; }

    /// <summary>Members of the request's body.</summary>
    public IReadOnlyList<string>? Fields { get; init; }

    /// <summary>Fields that had a value and have another, or none, now.</summary>
    public IReadOnlyList<string>? Before { get; init; }

    /// <summary>Fields that have a value now and had another, or none.</summary>
    public IReadOnlyList<string>? After { get; init; }

    /// <summary>Finds the request in traces and logs.</summary>
    public string? TraceId { get; init; }

    /// <summary>Seconds.</summary>
    [JsonPropertyName("ttl")]
    public required int TimeToLive { get; init; }
}

/// <summary>Settings under <c>Audit</c>.</summary>
public sealed class AuditOptions
{
    public const string Section = "Audit";

    /// <summary>How long entries are kept.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(400);
}
