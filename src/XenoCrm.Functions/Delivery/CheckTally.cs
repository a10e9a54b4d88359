using XenoCrm.Campaigns;
using XenoCrm.Customers;

namespace XenoCrm.Delivery;

/// <summary>What a flight check has seen so far. Its size does not grow with the audience.</summary>
internal sealed class CheckTally(Campaign campaign, CampaignTemplates templates, MergeFields merge, TrackingLinks links, SendTiming timing, CapBook caps, DateTimeOffset since, DateTimeOffset launch)
{
    private const int MaxIds = 10;

    /// <summary>As long as the ids of messages are: the link to unsubscribe takes room in an SMS.</summary>
    private readonly MessageLinks someLinks = links.Of($"{campaign.Id}.1000.10", campaign.Channel);
    private readonly SortedDictionary<string, int> suppressed = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> skipped = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, (int Customers, List<string> Ids)> missing = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, int> sms = [];
    private readonly Dictionary<string, int> overlaps = [];
    private readonly CompiledContent[] contents = [.. campaign.Variants.Select(v => templates.Get(v.Content))];
    private readonly int[] variants = new int[campaign.Variants.Count];
    private readonly Campaign launched = campaign with { LaunchedAt = launch };
    private readonly SortedDictionary<DateTimeOffset, int> turns = [];

    public int Examined { get; private set; }

    public int Sendable { get; private set; }

    public int HeldOut { get; private set; }

    public IReadOnlyList<VariantSize> Variants => [.. campaign.Variants.Zip(variants, (v, n) => new VariantSize(v.Name, n))];

    public Waiting? QuietHours { get; private set; }

    public int WrittenToRecently { get; private set; }

    /// <summary>What is paid for: parts of SMS, messages elsewhere.</summary>
    public long Units { get; private set; }

    public IReadOnlyDictionary<string, int> Suppressed => suppressed;

    public IReadOnlyDictionary<string, int> Skipped => skipped;

    public IReadOnlyList<MissingField> MissingFields => [.. missing.Select(m => new MissingField(m.Key, m.Value.Customers, m.Value.Ids))];

    public IReadOnlyList<SmsParts> Sms => [.. sms.Select(s => new SmsParts(s.Key, s.Value))];

    public IEnumerable<(string CampaignId, int Customers)> Overlaps =>
        overlaps.OrderByDescending(o => o.Value).ThenBy(o => o.Key, StringComparer.Ordinal).Select(o => (o.Key, o.Value));

    public void Add(Customer customer, SendDecision decision)
    {
        Examined++;
        if (decision.To is null)
        {
            Count(decision.Status == MessageStatus.Suppressed ? suppressed : skipped, decision.Reason!);
            return;
        }

        if ((timing.IsTooLate(launched, customer) ? Reasons.LocalTimePassed : caps.IsCapped(campaign, customer, launch) ? Reasons.Capped : null) is { } reason)
        {
            Count(skipped, reason);
            return;
        }

        if (Assignment.IsHeldOut(campaign, customer.Id))
        {
            HeldOut++;
            return;
        }

        Sendable++;
        Wait(customer);
        var variant = Assignment.VariantOf(campaign, customer.Id);
        variants[variant]++;
        var content = contents[variant];
        foreach (var field in merge.EmptyOf(customer, content.Fields))
        {
            var (customers, ids) = missing.TryGetValue(field, out var known) ? known : (0, []);
            if (ids.Count < MaxIds)
            {
                ids.Add(customer.Id);
            }

            missing[field] = (customers + 1, ids);
        }

        var recent = customer.Messages.Where(m => m.SentAt >= since && m.CampaignId != campaign.Id).Select(m => m.CampaignId).Distinct().ToList();
        WrittenToRecently += recent.Count > 0 ? 1 : 0;
        foreach (var other in recent)
        {
            overlaps[other] = overlaps.GetValueOrDefault(other) + 1;
        }

        var parts = 1;
        if (campaign.Channel == Channel.Sms && content.Render(customer, someLinks).Text is { } text)
        {
            parts = SmsText.Measure(text).Parts;
            sms[parts] = sms.GetValueOrDefault(parts) + 1;
        }

        Units += parts;
    }

    private void Wait(Customer customer)
    {
        var (at, quiet) = timing.Turn(launched, customer, launch);
        if (quiet)
        {
            QuietHours = new((QuietHours?.Customers ?? 0) + 1, QuietHours?.Until > at ? QuietHours.Until : at);
        }

        if (campaign.Winner?.LastLook(launch) is { } last && last > at && !Assignment.IsTested(campaign, customer.Id))
        {
            at = last;
        }

        turns[at] = turns.GetValueOrDefault(at) + 1;
    }

    /// <param name="perSecond">Null: there is no limit.</param>
    /// <param name="scale">For each customer examined there are so many.</param>
    public DateTimeOffset FinishesAt(double? perSecond, double scale)
    {
        var at = launch;
        foreach (var (turn, customers) in turns)
        {
            at = (turn > at ? turn : at) + (perSecond is { } rate ? TimeSpan.FromSeconds(customers * scale / rate) : TimeSpan.Zero);
        }

        return at;
    }

    private static void Count(SortedDictionary<string, int> counts, string reason) => counts[reason] = counts.GetValueOrDefault(reason) + 1;
}
