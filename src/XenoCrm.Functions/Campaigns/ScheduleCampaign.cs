using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FluentValidation;
using Microsoft.Azure.Cosmos;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Campaigns;

/// <summary>When a campaign is launched by itself.</summary>
/// <param name="At">The launch; of a recurring campaign, the next one.</param>
/// <param name="By">Who scheduled it: the launches are theirs.</param>
/// <param name="Repeat">Set: the campaign is recurring, and what is launched are the campaigns made from it.</param>
/// <param name="Made">How many occurrences a recurring campaign has had.</param>
/// <param name="Local">Set: each recipient gets it when the clocks where they live show this. The launch is when the first clocks do.</param>
/// <param name="Late">What becomes of those whose clocks had shown it before <paramref name="At"/>.</param>
public sealed record CampaignSchedule(DateTimeOffset At, string By, Repeat? Repeat = null, int Made = 0, DateTime? Local = null, LateRecipients? Late = null);

/// <summary>Recipients for whom the time of day had passed before the campaign could be launched: it was scheduled too late for them.</summary>
public enum LateRecipients
{
    /// <summary>They get it at once, outside of their quiet hours.</summary>
    Send,
    Skip,
}

/// <param name="Time"><c>HH:mm</c>.</param>
/// <param name="Zone">IANA name; absent when it is local.</param>
public sealed record RepeatInput(RepeatEvery? Every, DateOnly? From, string? Time, string? Zone, DateOnly? Until);

/// <param name="At">A launch at that time (ISO 8601), such as <c>2026-12-01T09:00:00Z</c>; when it is local without an offset. Either this or <paramref name="Repeat"/>.</param>
/// <param name="Local">Each recipient gets it at that time of their own day: by their time zone, else by <c>Delivery:TimeZone</c>.</param>
/// <param name="Late">When local: what becomes of those whose time has passed already; absent: they get it at once.</param>
public sealed record ScheduleInput(string? At, RepeatInput? Repeat, bool Local = false, LateRecipients? Late = null)
{
    private static readonly string[] WallFormats = ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss"];

    /// <summary>As all times are read: without an offset it is UTC.</summary>
    internal bool TryTime(out DateTimeOffset at) => DateTimeOffset.TryParse(At, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at);

    internal bool TryWall(out DateTime wall) => DateTime.TryParseExact(At, WallFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out wall);
}

public sealed class ScheduleInputValidator : AbstractValidator<ScheduleInput>
{
    public ScheduleInputValidator()
    {
        RuleFor(s => s.At).NotNull().When(s => s.Repeat is null).WithMessage("A time, or a repeat, is expected.");
        RuleFor(s => s.At).Null().When(s => s.Repeat is not null).WithMessage("Either a time or a repeat, not both.");
        RuleFor(s => s.At).Must((s, at) => s.TryTime(out _)).When(s => s is { At: not null, Local: false }).WithMessage("A time in ISO 8601 is expected, such as 2026-12-01T09:00:00Z.");
        RuleFor(s => s.At).Must((s, at) => s.TryWall(out _)).When(s => s is { At: not null, Local: true }).WithMessage("A local time without an offset is expected, such as 2026-12-01T09:00.");
        RuleFor(s => s.Late).Null().When(s => !s.Local).WithMessage("Only a local time can have passed for some.");
        When(s => s.Repeat is not null, () =>
        {
            RuleFor(s => s.Repeat!.Every).NotNull();
            RuleFor(s => s.Repeat!.From).NotNull();
            RuleFor(s => s.Repeat!.Time)
                .Must(t => TimeOnly.TryParseExact(t, Repeat.TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _)).WithMessage("A time such as 09:30 is expected.");
            RuleFor(s => s.Repeat!.Zone).Must(z => z is not null && TimeZoneInfo.TryFindSystemTimeZoneById(z, out _)).When(s => !s.Local, ApplyConditionTo.CurrentValidator)
                .WithMessage("A time zone such as Europe/Zurich is expected.");
            RuleFor(s => s.Repeat!.Zone).Null().When(s => s.Local).WithMessage("Either a time zone or each recipient's own, not both.");
            RuleFor(s => s.Repeat!.Until).GreaterThanOrEqualTo(s => s.Repeat!.From).When(s => s.Repeat!.Until is not null);
        });
    }
}

/// <summary>Schedules campaigns, and launches those whose time has come.</summary>
/// <remarks>
/// The schedule is in the campaign, so nothing can be lost but a look at it: a timer asks every few seconds for campaigns
/// that are due. A launch is a compare-and-swap of the campaign's state, so two timers launch once. An occurrence of a
/// recurring campaign is a campaign whose id follows from the series and the time: created before the series moves on
/// to its next time, and found to exist when that is repeated after a crash.
/// </remarks>
public sealed partial class ScheduleCampaign(
    CampaignSteps steps, SteerCampaign steer, LaunchRules rules, WorkspaceStore<Campaign> campaigns, IOptions<CampaignOptions> options, TimeProvider clock,
    ILogger<ScheduleCampaign> log)
{
    public const string Cron = "*/10 * * * * *";

    public const string MissedNote = "schedule_missed";
    public const string LateNote = "launched_late";

    /// <summary>Later than this is worth a note.</summary>
    private static readonly TimeSpan OnTime = TimeSpan.FromMinutes(1);

    /// <summary>Per look; the next one goes on.</summary>
    private const int MaxOccurrences = 100;

    public Task<Versioned<Campaign>> ScheduleAsync(string id, string? ifMatch, ScheduleInput input, Caller caller, CancellationToken cancellation, string? requestId = null) =>
        steps.TakeAsync(
            id, ifMatch, CampaignAction.Schedule,
            async (current, next) =>
            {
                if (input.Local && current.Value.Sending?.BestTime == true)
                {
                    throw RequestInvalid.At("/local", "The campaign goes out at each recipient's best hour already.").ToException();
                }

                var schedule = First(input, caller);
                if (await rules.RefusalAsync(current.Value, caller.Role, cancellation) is { } refusal)
                {
                    if (refusal is ApprovalStale)
                    {
                        await steps.ReturnAsync(current, refusal.Code, cancellation);
                    }

                    throw refusal.ToException();
                }

                return next with { Schedule = schedule };
            },
            cancellation, requestId);

    public Task<Versioned<Campaign>> UnscheduleAsync(string id, string? ifMatch, CancellationToken cancellation) =>
        steps.TakeAsync(id, ifMatch, CampaignAction.Unschedule, (_, next) => Task.FromResult(next), cancellation);

    /// <summary>Launches what is due. One that fails keeps no other one waiting, and is tried again with the next look.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var failures = new List<Exception>();
        foreach (var series in await DueAsync(recurring: true, cancellation))
        {
            await TryAsync(() => MakeOccurrencesAsync(series, cancellation), series, failures);
        }

        foreach (var campaign in await DueAsync(recurring: false, cancellation))
        {
            await TryAsync(() => LaunchAsync(campaign, cancellation), campaign, failures);
        }

        if (failures.Count > 0)
        {
            throw new AggregateException("Scheduled campaigns could not be launched; they are tried again.", failures);
        }
    }

    /// <summary>
    /// The id of the campaign that a recurring one becomes at a time: always the same, and in the form and order of
    /// all others (a UUIDv7 whose random part is a hash).
    /// </summary>
    public static string OccurrenceId(string seriesId, DateTimeOffset at)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seriesId}@{at.ToUnixTimeMilliseconds()}"));
        var hex = Convert.ToHexStringLower(hash);
        return string.Create(CultureInfo.InvariantCulture, $"{at.ToUnixTimeMilliseconds():x12}7{hex[..3]}8{hex[3..18]}");
    }

    /// <summary>A page of the campaigns made from a recurring one, newest first.</summary>
    public async Task<IReadOnlyList<Campaign>> OccurrencesAsync(string id, string? before, int limit, CancellationToken cancellation)
    {
        if (await campaigns.ReadAsync(id, cancellation) is null)
        {
            throw new CampaignNotFound(id).ToException();
        }

        var query = new QueryDefinition($"SELECT TOP {limit} * FROM c WHERE c.seriesId = @series AND c.id < @before ORDER BY c.id DESC")
            .WithParameter("@series", id).WithParameter("@before", before ?? "\uffff");
        var found = new List<Campaign>();
        await foreach (var (campaign, _) in campaigns.QueryAsync(query, cancellation))
        {
            found.Add(campaign);
        }

        return found;
    }

    private CampaignSchedule First(ScheduleInput input, Caller caller)
    {
        var now = clock.GetUtcNow();
        if (input.Repeat is { } r)
        {
            // A local one begins where the day does.
            var repeat = new Repeat(r.Every!.Value, r.From!.Value, r.Time!, input.Local ? LocalTime.FirstZone : r.Zone!, r.Until);
            return repeat.Next(now) is { } first
                ? new(first, caller.Id, repeat, Local: input.Local ? Wall(first, repeat) : null, Late: input.Late)
                : throw RequestInvalid.At("/repeat/until", "The last occurrence has passed already.").ToException();
        }

        if (input.Local && input.TryWall(out var wall))
        {
            if (new DateTimeOffset(wall, LocalTime.LastOffset) <= now)
            {
                throw RequestInvalid.At("/at", "That time has passed everywhere.").ToException();
            }

            var first = LocalTime.Instant(wall, TimeZoneInfo.FindSystemTimeZoneById(LocalTime.FirstZone));
            return new(first > now ? first : now, caller.Id, Local: wall, Late: input.Late);
        }

        return input.TryTime(out var at) && at > now ? new(at, caller.Id) : throw RequestInvalid.At("/at", "A time to come is expected.").ToException();
    }

    private static DateTime Wall(DateTimeOffset at, Repeat repeat) => TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById(repeat.Zone)).DateTime;

    private async Task<List<Versioned<Campaign>>> DueAsync(bool recurring, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var due = new List<Versioned<Campaign>>();
        await foreach (var found in campaigns.QueryAsync(new QueryDefinition("SELECT * FROM c WHERE c.state = 'scheduled'"), cancellation))
        {
            if (found.Value.Schedule is { } schedule && schedule.At <= now && schedule.Repeat is not null == recurring)
            {
                due.Add(found);
            }
        }

        return due;
    }

    private async Task TryAsync(Func<Task> work, Versioned<Campaign> campaign, List<Exception> failures)
    {
        try
        {
            await work();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogFailed(exception, campaign.Value.Id);
            failures.Add(exception);
        }
    }

    private async Task LaunchAsync(Versioned<Campaign> campaign, CancellationToken cancellation)
    {
        var late = clock.GetUtcNow() - campaign.Value.Schedule!.At;
        if (late > options.Value.LateLaunch)
        {
            LogMissed(campaign.Value.Id, late);
            await MissAsync(campaign, cancellation);
        }
        else if (await rules.RefusalAsync(campaign.Value, role: null, cancellation) is { } refusal)
        {
            LogRefused(campaign.Value.Id, refusal.Code);
            await steps.ReturnAsync(campaign, refusal.Code, cancellation);
        }
        else
        {
            await steer.LaunchScheduledAsync(campaign, late > OnTime ? LateNote : null, cancellation);
        }
    }

    /// <summary>Back to its author, who can send it at another time; an occurrence's next one comes by itself.</summary>
    private Task MissAsync(Versioned<Campaign> campaign, CancellationToken cancellation) => campaign.Value.SeriesId is null
        ? steps.ReturnAsync(campaign, MissedNote, cancellation)
        : campaigns.TryReplaceAsync(campaign.Value.After(CampaignAction.Cancel, clock.GetUtcNow())! with { Note = MissedNote }, campaign.ETag, cancellation);

    private async Task MakeOccurrencesAsync(Versioned<Campaign> series, CancellationToken cancellation)
    {
        for (var made = 0; made < MaxOccurrences && series.Value.Schedule is { Repeat: { } repeat } schedule && schedule.At <= clock.GetUtcNow(); made++)
        {
            var now = clock.GetUtcNow();
            var wall = Wall(schedule.At, repeat);
            var occurrence = series.Value with
            {
                Id = OccurrenceId(series.Value.Id, schedule.At),
                Name = string.Create(CultureInfo.InvariantCulture, $"{series.Value.Name} {wall:yyyy-MM-dd}"),
                CreatedAt = now,
                UpdatedAt = now,
                Schedule = new(schedule.At, schedule.By, Local: schedule.Local is null ? null : wall, Late: schedule.Late),
                SeriesId = series.Value.Id,
            };
            await campaigns.TryCreateAsync(occurrence, cancellation);

            var moved = series.Value with { Schedule = schedule with { Made = schedule.Made + 1 } };
            moved = repeat.Next(schedule.At) is { } next
                ? moved with { Schedule = moved.Schedule with { At = next, Local = schedule.Local is null ? null : Wall(next, repeat) } }
                : moved.After(CampaignAction.Complete, now)!;
            if (await campaigns.TryReplaceAsync(moved, series.ETag, cancellation) is not { } etag || moved.State != CampaignState.Scheduled)
            {
                return;
            }

            series = new(moved, etag);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Scheduled campaign {CampaignId} could not be launched and is tried again")]
    private partial void LogFailed(Exception exception, string campaignId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Scheduled campaign {CampaignId} is {Late} late and is not launched")]
    private partial void LogMissed(string campaignId, TimeSpan late);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Scheduled campaign {CampaignId} is not launched: {Code}")]
    private partial void LogRefused(string campaignId, string code);
}
