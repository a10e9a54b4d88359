using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Segments;

namespace XenoCrm.Analytics;

/// <summary>Of whom: a customer, a segment, or with neither everybody.</summary>
/// <param name="Fresh">Computed now; otherwise a segment's and everybody's answers are up to a day old.</param>
public sealed record SendTimeRequest(string? CustomerId = null, string? SegmentId = null, bool Fresh = false);

public sealed class SendTimeRequestValidator : AbstractValidator<SendTimeRequest>
{
    public SendTimeRequestValidator()
    {
        RuleFor(r => r.CustomerId).Length(1, 100);
        RuleFor(r => r.SegmentId).Length(1, 100);
        RuleFor(r => r.SegmentId).Empty().When(r => r.CustomerId is not null).WithMessage("Either a customer or a segment, not both.");
    }
}

public enum SendTimeBasis
{
    /// <summary>Their own answers.</summary>
    Own,

    /// <summary>Everybody's, since their own tell nothing.</summary>
    Everybody,
}

/// <param name="Hour">0 to 23.</param>
/// <param name="Messages">Answered in it.</param>
/// <param name="Share">Drawn towards everybody's.</param>
public sealed record HourOfDay(int Hour, int Messages, double Share);

/// <param name="Day">1: Monday … 7: Sunday.</param>
public sealed record DayOfAnswers(int Day, int Messages, double Share);

/// <summary>When messages are best sent, by the recipients' own clocks.</summary>
/// <param name="Hour">0 to 23, by their own clocks; null: not known, and <c>bestTime</c> sends at the campaign's own time.</param>
/// <param name="Basis">Whose answers the hour is from; null without one.</param>
/// <param name="Evidence">What their own answers say of the hour.</param>
/// <param name="Share">Of their answers in the hour that stands out most and its two neighbours; null without answers.</param>
/// <param name="Day">1: Monday … 7: Sunday; null: none stands out.</param>
/// <param name="DayShare">Of their answers on the day that stands out most.</param>
/// <param name="Messages">The sample: messages that people opened or clicked, each counted once; programs' do not count.</param>
/// <param name="Customers">Who opened or clicked any.</param>
/// <param name="IsPart">There are more customers than were looked at.</param>
/// <param name="Strength">So many answers of their own what is known of everybody counts as.</param>
/// <param name="Minimum">Fewer messages are not enough.</param>
/// <param name="OtherZone">The clocks of customers whose time zone is not known.</param>
public sealed record SendTimeView(
    string? CustomerId, string? SegmentId, int? Hour, SendTimeBasis? Basis, SendTimeEvidence Evidence, AnswerShare? Share, int? Day, AnswerShare? DayShare,
    int Messages, int Customers, bool IsPart, double Strength, int Minimum, string OtherZone, IReadOnlyList<HourOfDay> Hours, IReadOnlyList<DayOfAnswers> Days, DateTimeOffset ComputedAt);

/// <summary>The hours at which the members of a segment answer, or everybody. Counts only.</summary>
public sealed class SendTimeRollUps(RollUpTools tools, EngagementTimes times, IOptions<DeliveryOptions> delivery) : RollUps<AnswerTimes>(tools, KindName)
{
    public const string KindName = "analytics-times";
    public const string Everybody = "all";

    private const string SegmentPrefix = "segment:";

    private static readonly TimeSpan Age = TimeSpan.FromHours(24);
    private static readonly TimeSpan SegmentLife = TimeSpan.FromDays(3);

    public static string OfSegment(string id) => SegmentPrefix + id;

    protected override async Task<AnswerTimes> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation) => AnswerTimes.Of(await times.ReadAsync(
        key == Everybody ? null : key[SegmentPrefix.Length..], TimeZoneInfo.FindSystemTimeZoneById(delivery.Value.TimeZone), cancellation));

    protected override TimeSpan MaxAge(string key) => Age;

    protected override TimeSpan? Life(string key) => key == Everybody ? null : SegmentLife;

    protected override IEnumerable<string> Usual() => [Everybody];
}

/// <summary>
/// When to send: of a customer from the last messages they answered, of a segment from its members', both drawn towards
/// everybody's. Also says so to whoever sends at the best time (<see cref="Campaigns.BestHour"/>).
/// </summary>
public sealed class SendTimes(SendTimeRollUps rollUps, CustomerStore customers, SegmentDirectory segments, IOptions<DeliveryOptions> delivery, TimeProvider clock)
{
    /// <summary>Between two looks at what is stored, on one instance.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly TimeZoneInfo otherwise = TimeZoneInfo.FindSystemTimeZoneById(delivery.Value.TimeZone);

    private volatile Known? known;

    private sealed record Known(Peak Hour, DateTimeOffset Until);

    public async Task<SendTimeView> HandleAsync(SendTimeRequest request, CancellationToken cancellation)
    {
        AnswerTimes? subject = null;
        DateTimeOffset? subjectAt = null;
        if (request.CustomerId is { } customerId)
        {
            subjectAt = clock.GetUtcNow();
            subject = TimesOf((await customers.ReadAsync(customerId, cancellation) ?? throw await customers.MissingAsync(customerId, cancellation)).Value);
        }
        else if (request.SegmentId is { } segmentId)
        {
            await segments.RequireAsync(segmentId, cancellation);
            var rollUp = (await rollUps.ReadAsync([SendTimeRollUps.OfSegment(segmentId)], request.Fresh, cancellation))[0];
            (subject, subjectAt) = (rollUp.Value!, rollUp.ComputedAt);
        }

        var all = (await rollUps.ReadAsync([SendTimeRollUps.Everybody], request.Fresh, cancellation))[0];
        var everybody = SendTimeModel.OfEverybody(all.Value!);
        var (strength, minimum) = request.CustomerId is not null ? (SendTimeModel.CustomerStrength, SendTimeModel.CustomerMinimum)
            : subject is not null ? (SendTimeModel.SegmentStrength, SendTimeModel.SegmentMinimum)
            : (SendTimeModel.PopulationStrength, SendTimeModel.PopulationMinimum);
        var own = subject is null ? everybody : SendTimeModel.Of(subject, everybody, strength, minimum);
        var times = subject ?? all.Value!;
        SendTimeBasis? basis = own.Hour.At is not null ? SendTimeBasis.Own : everybody.Hour.At is not null ? SendTimeBasis.Everybody : null;
        return new(
            request.CustomerId, request.SegmentId, own.Hour.At ?? everybody.Hour.At, basis, own.Hour.Evidence, own.Hour.Share, own.Day.At + 1, own.Day.Share,
            times.Messages, times.Customers, times.IsPart, strength, minimum, otherwise.Id,
            [.. own.Hour.Shares.Select((s, i) => new HourOfDay(i, times.Hours[i], Math.Round(s, 6)))], [.. own.Day.Shares.Select((s, i) => new DayOfAnswers(i + 1, times.Days[i], Math.Round(s, 6)))],
            subjectAt < all.ComputedAt ? subjectAt.Value : all.ComputedAt);
    }

    /// <summary>Once before a run of calls to <see cref="BestHour"/>.</summary>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        if (known is not { } last || last.Until <= now)
        {
            var all = (await rollUps.ReadAsync([SendTimeRollUps.Everybody], fresh: false, cancellation))[0];
            known = new(SendTimeModel.OfEverybody(all.Value!).Hour, now + KeptFor);
        }
    }

    /// <summary>The customer's own hour, else everybody's; null: neither is known, or <see cref="PrepareAsync"/> was not called.</summary>
    public int? BestHour(Customer customer) => known is { Hour: var everybody } ? SendTimeModel.BestHour(TimesOf(customer), everybody) : null;

    private AnswerTimes TimesOf(Customer customer)
    {
        var times = AnswerTimes.Of(EngagementTimes.Of(customer, otherwise));
        return times with { Customers = times.Messages > 0 ? 1 : 0 };
    }
}
