using XenoCrm.Campaigns;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class LocalTimeTests
{
    /// <summary>From minute to minute over the nights in which the clocks are changed (and over an ordinary one). Clocks that are set back out of the quiet hours do not end them.</summary>
    [Theory]
    [InlineData("Europe/Zurich", "2026-03-28")]
    [InlineData("Europe/Zurich", "2026-10-24")]
    [InlineData("America/New_York", "2026-03-07")]
    [InlineData("America/New_York", "2026-10-31")]
    [InlineData("America/St_Johns", "2026-03-07")]
    [InlineData("Australia/Lord_Howe", "2026-04-04")]
    [InlineData("Australia/Lord_Howe", "2026-10-03")]
    [InlineData("America/Santiago", "2026-09-05")]
    [InlineData("Asia/Kathmandu", "2026-06-01")]
    [InlineData("UTC", "2026-06-01")]
    public void Quiet_hours_end_when_the_clocks_come_to_their_end(string zoneId, string day)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(zoneId);
        var start = new DateTimeOffset(DateTime.Parse(day), TimeSpan.Zero).AddHours(-12);
        foreach (var hours in new QuietHours[] { new("21:00", "08:00"), new("22:00", "02:30"), new("02:10", "02:50"), new("00:00", "00:30"), new("01:45", "03:15"), new("09:00", "17:00") })
        {
            for (var now = start; now < start.AddHours(60); now = now.AddMinutes(13))
            {
                DateTimeOffset? end = null;
                for (var later = now.AddMinutes(1); IsQuiet(hours, now, zone) && end is null; later = later.AddMinutes(1))
                {
                    end = Wall(later.AddMinutes(-1)) is var before && Wall(later) is var after && before < End(before) && after >= End(before) ? later : null;
                }

                hours.EndAfter(now, zone).ShouldBe(end, $"{hours} at {TimeZoneInfo.ConvertTime(now, zone):O}");
                IsQuiet(hours, end ?? now, zone).ShouldBeFalse();

                DateTime Wall(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, zone).DateTime;
                DateTime End(DateTime wall) => wall.TimeOfDay < TimeOnly.Parse(hours.To).ToTimeSpan() ? wall.Date + TimeOnly.Parse(hours.To).ToTimeSpan() : wall.Date.AddDays(1) + TimeOnly.Parse(hours.To).ToTimeSpan();
            }
        }
    }

    [Fact]
    public void A_wall_time_that_is_skipped_or_comes_twice_is_one_moment()
    {
        var zurich = TimeZoneInfo.FindSystemTimeZoneById("Europe/Zurich");
        LocalTime.Instant(new(2026, 3, 29, 2, 30, 0), zurich).ShouldBe(new(2026, 3, 29, 1, 30, 0, TimeSpan.Zero));
        LocalTime.Instant(new(2026, 10, 25, 2, 30, 0), zurich).ShouldBe(new(2026, 10, 25, 0, 30, 0, TimeSpan.Zero));
        LocalTime.Instant(new(2026, 7, 1, 9, 0, 0), zurich).ShouldBe(new(2026, 7, 1, 7, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public void Who_has_no_zone_or_an_unknown_one_is_taken_to_live_elsewhere()
    {
        LocalTime.Zone(null, TimeZoneInfo.Utc).ShouldBe(TimeZoneInfo.Utc);
        LocalTime.Zone("Middle/Earth", TimeZoneInfo.Utc).ShouldBe(TimeZoneInfo.Utc);
        LocalTime.Zone("Asia/Tokyo", TimeZoneInfo.Utc).Id.ShouldBe("Asia/Tokyo");
        TimeZoneInfo.GetSystemTimeZones().Max(z => z.GetUtcOffset(Samples.Noon)).ShouldBeLessThanOrEqualTo(TimeZoneInfo.FindSystemTimeZoneById(LocalTime.FirstZone).BaseUtcOffset);
    }

    private static bool IsQuiet(QuietHours hours, DateTimeOffset at, TimeZoneInfo zone)
    {
        var (from, to, time) = (TimeOnly.Parse(hours.From), TimeOnly.Parse(hours.To), TimeOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime));
        return from < to ? time >= from && time < to : time >= from || time < to;
    }
}
