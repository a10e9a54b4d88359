using System.Globalization;

namespace XenoCrm.Analytics;

public sealed class LocalMonthTests
{
    [Theory]
    [InlineData("UTC", 2026, 3, 10)]
    [InlineData("Europe/London", 2026, 1, 10)]
    [InlineData("Europe/London", 2026, 3, 13)]
    [InlineData("Europe/Zurich", 2026, 7, 13)]
    [InlineData("America/New_York", 2026, 11, 13)]
    [InlineData("Asia/Kolkata", 2026, 7, 16)]
    [InlineData("Asia/Kathmandu", 2026, 7, 16)]
    [InlineData("Australia/Lord_Howe", 2026, 4, 16)]
    [InlineData("America/Sao_Paulo", 2018, 11, 13)]
    [InlineData("Pacific/Apia", 2011, 12, 13)]
    [InlineData("America/Goose_Bay", 2009, 11, 16)]
    public void Every_moment_of_a_month_is_on_the_day_that_the_clocks_show(string zoneId, int year, int number, int length)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(zoneId);
        var month = new LocalMonth(zone, year, number);
        month.KeyLength().ShouldBe(length);
        LocalMonth.Parse(month.Key).ShouldBe(month);
        month.Key.ShouldNotContain('/');
        LocalMonth.Of(month.First.AddMonths(1), zone).Start.ShouldBe(month.End, "Months leave no gap.");
        for (var at = month.Start; at < month.End; at = at.AddMinutes(7.3))
        {
            var text = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)[..length];
            var shown = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);
            month.DayOf(text).ShouldBe(shown < month.First ? month.First : shown, $"{at:O}");
        }
    }

    [Fact]
    public void A_range_of_days_has_all_months_that_it_touches()
    {
        LocalMonth.Between(new(2025, 12, 31), new(2026, 2, 1), TimeZoneInfo.Utc).Select(m => m.Key).ShouldBe(["UTC.2025-12", "UTC.2026-01", "UTC.2026-02"]);
        LocalMonth.Between(new(2026, 2, 5), new(2026, 2, 5), TimeZoneInfo.Utc).Select(m => m.Key).ShouldBe(["UTC.2026-02"]);
    }
}
