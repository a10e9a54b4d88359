using XenoCrm.Customers;

namespace XenoCrm.Delivery;

/// <param name="Day">1: Monday … 7: Sunday.</param>
/// <param name="Hour">0 to 23.</param>
/// <param name="Messages">Each counted once: when it was clicked first, else when it was opened.</param>
public sealed record EngagementHour(int Day, int Hour, int Opens, int Clicks, int Messages);

/// <summary>When people open and click, by the clock where they are.</summary>
/// <param name="Customers">Looked at: those who ever opened or clicked.</param>
/// <param name="IsPart">There are more of them than were looked at.</param>
/// <param name="Hours">Hours of the week in which anything was opened or clicked: the first time of each message, of the last ten messages of each customer.</param>
public sealed record EngagementTimesView(int Customers, bool IsPart, int Opens, int Clicks, IReadOnlyList<EngagementHour> Hours);

/// <summary>Reads from what the customers know of their messages: nothing is kept for it.</summary>
public sealed class EngagementTimes(CustomerStore customers)
{
    /// <summary>Enough for the hours of a week: each of 168 has sixty customers on average.</summary>
    internal const int MaxCustomers = 10_000;
    private const int PageSize = 500;

    /// <summary>Whose first time of a message is known.</summary>
    private static readonly CustomerFilter Engaged = new("(c.engagement.opened > 0 OR c.engagement.clicked > 0)", new Dictionary<string, object?>());

    /// <param name="segmentId">Null: all customers.</param>
    /// <param name="zone">Of customers whose time zone is not known.</param>
    public async Task<EngagementTimesView> ReadAsync(string? segmentId, TimeZoneInfo zone, CancellationToken cancellation)
    {
        var filter = segmentId is null ? Engaged : Engaged.And("ARRAY_CONTAINS(c.segmentIds, @segment)", ("@segment", segmentId));
        var tally = new Tally(zone);
        var isPart = false;
        for (string? after = null; !isPart;)
        {
            var page = await customers.PageAsync(filter, after, PageSize, cancellation);
            foreach (var (customer, _) in page)
            {
                tally.Add(customer);
            }

            if (page.Count < PageSize)
            {
                break;
            }

            after = page[^1].Value.Id;
            isPart = tally.Customers >= MaxCustomers;
        }

        return tally.Result(isPart);
    }

    public static EngagementTimesView Of(Customer customer, TimeZoneInfo zone)
    {
        var tally = new Tally(zone);
        tally.Add(customer);
        return tally.Result(isPart: false);
    }

    private sealed class Tally(TimeZoneInfo elsewhere)
    {
        private readonly int[,] opens = new int[7, 24];
        private readonly int[,] clicks = new int[7, 24];
        private readonly int[,] messages = new int[7, 24];

        public int Customers { get; private set; }

        public void Add(Customer customer)
        {
            Customers++;
            var zone = customer.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var own) ? own : elsewhere;
            foreach (var message in customer.Messages)
            {
                Count(opens, message.OpenedAt, zone);
                Count(clicks, message.ClickedAt, zone);
                Count(messages, message.ClickedAt ?? message.OpenedAt, zone);
            }
        }

        public EngagementTimesView Result(bool isPart)
        {
            var hours = new List<EngagementHour>();
            for (var i = 0; i < 7 * 24; i++)
            {
                var (day, hour) = (i / 24, i % 24);
                if (opens[day, hour] + clicks[day, hour] > 0)
                {
                    hours.Add(new(day + 1, hour, opens[day, hour], clicks[day, hour], messages[day, hour]));
                }
            }

            return new(Customers, isPart, hours.Sum(h => h.Opens), hours.Sum(h => h.Clicks), hours);
        }

        private static void Count(int[,] counts, DateTimeOffset? at, TimeZoneInfo zone)
        {
            if (at is { } time)
            {
                var local = TimeZoneInfo.ConvertTime(time, zone);
                counts[((int)local.DayOfWeek + 6) % 7, local.Hour]++;
            }
        }
    }
}
