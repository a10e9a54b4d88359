using System.Globalization;
using XenoCrm.Campaigns;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class RepeatTests
{
    [Fact]
    public void A_local_time_stays_what_the_clocks_there_show()
    {
        // Clocks go forward on 2026-03-29 and back on 2026-10-25.
        Times(new(RepeatEvery.Day, new(2026, 3, 28), "09:00", "Europe/Zurich", new(2026, 3, 30)))
            .ShouldBe(["2026-03-28T08:00Z", "2026-03-29T07:00Z", "2026-03-30T07:00Z"]);
        Times(new(RepeatEvery.Week, new(2026, 10, 19), "09:00", "Europe/Zurich", new(2026, 11, 2)))
            .ShouldBe(["2026-10-19T07:00Z", "2026-10-26T08:00Z", "2026-11-02T08:00Z"]);
    }

    [Fact]
    public void A_time_that_clocks_skip_is_the_one_they_show_instead_and_one_they_show_twice_is_the_first()
    {
        Times(new(RepeatEvery.Day, new(2026, 3, 28), "02:30", "Europe/Zurich", new(2026, 3, 30)))
            .ShouldBe(["2026-03-28T01:30Z", "2026-03-29T01:30Z", "2026-03-30T00:30Z"]);
        Times(new(RepeatEvery.Day, new(2026, 10, 24), "02:30", "Europe/Zurich", new(2026, 10, 26)))
            .ShouldBe(["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"]);
    }

    [Fact]
    public void A_month_without_the_day_has_it_on_its_last_one_and_the_next_month_has_it_again() =>
        Times(new(RepeatEvery.Month, new(2027, 12, 31), "12:00", "UTC", new(2028, 4, 30)))
            .ShouldBe(["2027-12-31T12:00Z", "2028-01-31T12:00Z", "2028-02-29T12:00Z", "2028-03-31T12:00Z", "2028-04-30T12:00Z"]);

    [Theory]
    [InlineData(RepeatEvery.Day)]
    [InlineData(RepeatEvery.Week)]
    [InlineData(RepeatEvery.Month)]
    public void Asking_at_any_moment_gives_the_first_time_after_it(RepeatEvery every)
    {
        foreach (var zone in new[] { "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "Asia/Kolkata" })
        {
            var repeat = new Repeat(every, new(2026, 1, 31), "23:45", zone, new(2027, 3, 1));
            var all = All(repeat);
            all.Count.ShouldBe(every switch { RepeatEvery.Day => 395, RepeatEvery.Week => 57, _ => 14 });
            for (var at = all[0].AddDays(-40); at < all[^1].AddDays(2); at += TimeSpan.FromHours(7.3))
            {
                var expected = all.Where(t => t > at).Select(t => (DateTimeOffset?)t).FirstOrDefault();
                repeat.Next(at).ShouldBe(expected);
            }
        }
    }

    private static List<DateTimeOffset> All(Repeat repeat)
    {
        var times = new List<DateTimeOffset>();
        for (var at = repeat.Next(DateTimeOffset.MinValue.AddYears(1)); at is { } time; at = repeat.Next(time))
        {
            times.Add(time);
        }

        return times;
    }

    private static IEnumerable<string> Times(Repeat repeat) => All(repeat).Select(t => t.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture));
}
