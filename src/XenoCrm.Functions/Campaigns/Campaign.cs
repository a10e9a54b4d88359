using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Campaigns;

public enum Channel
{
    Email,
    Sms,

    [JsonStringEnumMemberName("whatsapp")]
    WhatsApp,
    Push,
}

public static class ChannelNames
{
    /// <summary>As in JSON and in the keys of a customer's consent.</summary>
    public static string Name(this Channel channel) => channel switch
    {
        Channel.Email => "email",
        Channel.Sms => "sms",
        Channel.WhatsApp => "whatsapp",
        _ => "push",
    };
}

/// <summary>What is sent: templates over the customer (see <see cref="MessageTemplate"/>).</summary>
/// <param name="Subject">Email (required) and push.</param>
/// <param name="Html">Email only.</param>
/// <param name="Text">Required on every channel but email, which needs this or <paramref name="Html"/>.</param>
/// <param name="From">The sender's address or name; null: the vendor's default.</param>
public sealed record CampaignContent(
    [property: MaxLength(ContentRules.MaxSubject)] string? Subject,
    [property: MaxLength(ContentRules.MaxHtml)] string? Html,
    [property: MaxLength(ContentRules.MaxText)] string? Text,
    [property: MaxLength(ContentRules.MaxFrom)] string? From)
{
    /// <summary>
    /// WhatsApp only, <c>HX…</c>: the template of Twilio that the message is made of. Outside of the 24 hours after a recipient's
    /// own message WhatsApp carries nothing but approved templates. The text goes where a vendor knows no templates.
    /// </summary>
    [RegularExpression(ContentRules.ContentSidPattern)]
    public string? ContentSid { get; init; }

    /// <summary>What stands in its places, by their names (<c>1</c>, <c>2</c>, …): templates over the customer as the text is.</summary>
    public IReadOnlyDictionary<string, string>? ContentVariables { get; init; }

    /// <summary>As stored: empty is absent.</summary>
    public CampaignContent Normal() => new(NullIfEmpty(Subject), NullIfEmpty(Html), NullIfEmpty(Text), NullIfEmpty(From?.Trim()))
    {
        ContentSid = NullIfEmpty(ContentSid?.Trim()),
        ContentVariables = ContentVariables is { Count: > 0 } variables ? new SortedDictionary<string, string>(variables.ToDictionary(), StringComparer.Ordinal) : null,
    };

    /// <summary>By what it says: compiled contents are kept by it.</summary>
    public bool Equals(CampaignContent? other) =>
        other is not null && (Subject, Html, Text, From, ContentSid) == (other.Subject, other.Html, other.Text, other.From, other.ContentSid)
        && (ContentVariables ?? NoVariables).OrderBy(v => v.Key, StringComparer.Ordinal).SequenceEqual((other.ContentVariables ?? NoVariables).OrderBy(v => v.Key, StringComparer.Ordinal));

    public override int GetHashCode() => HashCode.Combine(Subject, Html, Text, From, ContentSid);

    private static readonly Dictionary<string, string> NoVariables = [];

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>Content + audience + life. The messages are in batches of their own, so this stays small.</summary>
public sealed record Campaign : IWorkspaceItem
{
    public const string KindName = "campaign";

    public required string Id { get; init; }
    public string Kind => KindName;
    public required string Name { get; init; }
    public required Channel Channel { get; init; }
    public required string SegmentId { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<Variant> Variants { get; init; }

    /// <summary>The share of those who would be written to that gets nothing, to compare the others with.</summary>
    public double? Holdout { get; init; }
    public WinnerRule? Winner { get; init; }

    /// <summary>Null before the first look at the test.</summary>
    public WinnerResult? WinnerResult { get; init; }
    public SendingOptions? Sending { get; init; }
    public CampaignState State { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? LaunchedAt { get; init; }
    public string? LaunchedBy { get; init; }

    /// <summary>When it was completed, cancelled or failed.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Since then only the counts of its messages are known.</summary>
    public DateTimeOffset? MessagesForgottenAt { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Failure { get; init; }

    /// <summary>The requests with an Idempotency-Key that took its last steps, the newest last: repeated after a crash, they take no other.</summary>
    public IReadOnlyList<string>? Requests { get; init; }

    public const int MaxRequests = 8;

    /// <summary>Who changed it last; null: nobody since it was made.</summary>
    public string? EditedBy { get; init; }

    /// <summary>What was handed in for approval, by whom.</summary>
    public Review? Submission { get; init; }

    /// <summary>What was approved, by whom. A campaign that was never launched loses it with every change.</summary>
    public Review? Approval { get; init; }
    public CampaignSchedule? Schedule { get; init; }

    /// <summary>The recurring campaign that this one was made from.</summary>
    public string? SeriesId { get; init; }

    /// <summary>What happened to it without anybody asking: a code, such as <c>schedule_missed</c>.</summary>
    public string? Note { get; init; }

    /// <summary>Steps that nobody was told of yet, in their order; null: none. Part of the write that makes them, so none is lost.</summary>
    public IReadOnlyList<CampaignMove>? Moves { get; init; }

    /// <summary>How many steps there were that are told of.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int MoveCount { get; init; }

    /// <summary>Indexed, for who tells of <see cref="Moves"/>; absent when there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Unannounced => Moves is not null;

    /// <param name="name">A caller's; null: the first.</param>
    public Variant RequireVariant(string? name) => name is null
        ? Variants[0]
        : Variants.FirstOrDefault(v => string.Equals(v.Name, name, StringComparison.OrdinalIgnoreCase)) ?? throw RequestInvalid.At("/variant", "The campaign has no such variant.").ToException();

    /// <summary>The campaign after <paramref name="action"/>, or null when its state does not allow it.</summary>
    public Campaign? After(CampaignAction action, DateTimeOffset now)
    {
        if (CampaignLifeCycle.After(State, action) is not { } next)
        {
            return null;
        }

        var ended = next is CampaignState.Completed or CampaignState.Cancelled or CampaignState.Failed;
        var moved = this with { State = next, UpdatedAt = now, EndedAt = ended ? now : null, Failure = null, Note = State == CampaignState.Draft ? null : Note };
        if (action.IsToldOf())
        {
            moved = moved with { MoveCount = MoveCount + 1, Moves = [.. Moves ?? [], new(MoveCount + 1, action, next, now)] };
        }

        return next == CampaignState.Draft ? moved with { Submission = null, Approval = null, Schedule = null, Note = null } : moved;
    }

    /// <summary>The campaign when those that listen were told of its steps up to this one.</summary>
    public Campaign Announced(int number) => this with { Moves = Moves?.Where(m => m.Number > number).ToList() is { Count: > 0 } left ? left : null };
}

/// <summary>A step in a campaign's life.</summary>
/// <param name="Number">1: its first one.</param>
/// <param name="State">What it led to.</param>
public sealed record CampaignMove(int Number, CampaignAction Action, CampaignState State, DateTimeOffset At);

/// <summary>A campaign as callers see it.</summary>
/// <param name="Actions">What can be done with it now.</param>
/// <param name="Schedule">Its launch; of a recurring campaign the next one.</param>
/// <param name="SeriesId">The recurring campaign that it was made from.</param>
/// <param name="Content">Of the first variant.</param>
/// <param name="Holdout">The share of those who would be written to that gets nothing.</param>
/// <param name="WinnerResult">How the test of the variants stands.</param>
/// <param name="Note">What happened to it without anybody asking: <c>launched_late</c>, <c>schedule_missed</c>, or the code of what stood against its launch.</param>
public sealed record CampaignView(
    string Id, string Name, Channel Channel, string SegmentId, CampaignContent Content, CampaignState State, IReadOnlyList<CampaignAction> Actions,
    DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset UpdatedAt, DateTimeOffset? LaunchedAt, string? LaunchedBy, DateTimeOffset? EndedAt, string? Failure,
    string? EditedBy, Review? Submission, Review? Approval, CampaignSchedule? Schedule, string? SeriesId, string? Note,
    IReadOnlyList<Variant> Variants, double? Holdout, WinnerRule? Winner, WinnerResult? WinnerResult, SendingOptions? Sending)
{
    private static readonly CampaignAction[] Offered =
    [
        CampaignAction.Submit, CampaignAction.Approve, CampaignAction.Reject, CampaignAction.Schedule, CampaignAction.Unschedule,
        CampaignAction.Launch, CampaignAction.Pause, CampaignAction.Resume, CampaignAction.Cancel,
    ];

    public static CampaignView Of(Campaign c) => new(
        c.Id, c.Name, c.Channel, c.SegmentId, c.Variants[0].Content, c.State, [.. CampaignLifeCycle.Possible(c.State).Intersect(Offered).Order()],
        c.CreatedAt, c.CreatedBy, c.UpdatedAt, c.LaunchedAt, c.LaunchedBy, c.EndedAt, c.Failure,
        c.EditedBy, c.Submission, c.Approval, c.Schedule, c.SeriesId, c.Note,
        c.Variants, c.Holdout, c.Winner, c.WinnerResult is { } result ? result with { Announced = false } : null, c.Sending);
}
