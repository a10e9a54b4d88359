using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;

namespace XenoCrm.Delivery;

/// <summary>
/// When a recipient may be written to: at the wall time of a schedule in their own zone, at their best hour, not in their
/// quiet hours, and not while a winner is looked for. Follows from campaign, customer and clock alone, so what a batch says
/// of it is only a note of when to look again.
/// </summary>
public sealed class SendTiming(IOptions<DeliveryOptions> options, BestHour? bestHour = null, PrepareBestHours? prepare = null)
{
    /// <summary>For the decision that is due at the deadline to be made.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    private readonly TimeZoneInfo otherwise = TimeZoneInfo.FindSystemTimeZoneById(options.Value.TimeZone);

    /// <summary>Whether anybody could have to wait.</summary>
    public bool Concerns(Campaign campaign) =>
        campaign.Winner is not null || campaign.Schedule?.Local is not null || campaign.Sending?.BestTime == true || QuietHoursOf(campaign) is not null;

    /// <summary>Before a run of calls to <see cref="After"/> or <see cref="Turn"/>.</summary>
    public Task PrepareAsync(Campaign campaign, CancellationToken cancellation) =>
        campaign.Sending?.BestTime == true && prepare is not null ? prepare(cancellation) : Task.CompletedTask;

    /// <summary>Whether the batch's note says to wait, and nothing has happened since that overtakes it.</summary>
    public static bool Waits(Campaign campaign, Batch batch, Recipient recipient, DateTimeOffset now) =>
        recipient.NotBefore is { } until && until > batch.Since(now)
        && !(IsDecided(campaign) && !Assignment.IsTested(campaign, recipient.CustomerId) && until == batch.Since(Deadline(campaign)));

    /// <summary>Until when the recipient waits for a winner; null: for none.</summary>
    public static DateTimeOffset? WinnerAfter(Campaign campaign, string customerId, DateTimeOffset now)
    {
        if (campaign.Winner is null || IsDecided(campaign) || Assignment.IsTested(campaign, customerId))
        {
            return null;
        }

        var deadline = Deadline(campaign);
        return deadline > now ? deadline : now + Grace;
    }

    /// <summary>When the customer may be written to; null: now.</summary>
    public DateTimeOffset? After(Campaign campaign, Customer customer, DateTimeOffset now) => Turn(campaign, customer, now) is { At: var at } && at > now ? at : null;

    /// <summary>When the customer may be written to, and whether it would be earlier without quiet hours.</summary>
    public (DateTimeOffset At, bool Quiet) Turn(Campaign campaign, Customer customer, DateTimeOffset now)
    {
        var zone = LocalTime.Zone(customer.TimeZone, otherwise);
        var at = now;
        if (LocalAt(campaign, zone) is { } local && local > at)
        {
            at = local;
        }

        if (campaign is { Sending.BestTime: true, LaunchedAt: var launchedAt } && bestHour?.Invoke(customer) is { } hour && BestAfter(launchedAt ?? now, hour, zone) is var best && best > at)
        {
            at = best;
        }

        return QuietHoursOf(campaign)?.EndAfter(at, zone) is { } end ? (end, true) : (at, false);
    }

    /// <summary>Whether the campaign was scheduled too late for the customer's zone, and says that they get nothing then. A launch that is late itself skips nobody.</summary>
    public bool IsTooLate(Campaign campaign, Customer customer) =>
        campaign.Schedule is { Late: LateRecipients.Skip, At: var launch } && LocalAt(campaign, LocalTime.Zone(customer.TimeZone, otherwise)) < launch;

    private QuietHours? QuietHoursOf(Campaign campaign)
    {
        if (campaign.Sending is { IgnoreQuietHours: true })
        {
            return null;
        }

        return campaign.Sending?.QuietHours
            ?? options.Value.QuietHours.Where(q => q.Channel is null || q.Channel == campaign.Channel).MaxBy(q => q.Channel is not null)?.Hours;
    }

    private static bool IsDecided(Campaign campaign) => campaign.WinnerResult is { State: not WinnerState.Waiting };

    private static DateTimeOffset Deadline(Campaign campaign) => campaign.Winner!.LastLook(campaign.LaunchedAt!.Value) + Grace;

    private static DateTimeOffset? LocalAt(Campaign campaign, TimeZoneInfo zone) => campaign.Schedule?.Local is { } wall ? LocalTime.Instant(wall, zone) : null;

    /// <summary>At once in that hour, else when it comes next.</summary>
    private static DateTimeOffset BestAfter(DateTimeOffset launchedAt, int hour, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(launchedAt, zone).Hour == hour ? launchedAt : LocalTime.Next(launchedAt, new(hour, 0), zone);
}
