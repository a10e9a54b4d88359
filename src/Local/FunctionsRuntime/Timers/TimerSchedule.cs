using NCrontab;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Timers;

/// <summary>A six-field NCRONTAB schedule: second minute hour day month weekday, in UTC.</summary>
internal sealed class TimerSchedule
{
    private readonly CrontabSchedule _schedule;

    private TimerSchedule(string text, CrontabSchedule schedule)
    {
        Text = text;
        _schedule = schedule;
    }

    public string Text { get; }

    /// <exception cref="FunctionsStartException">The expression is not valid.</exception>
    public static TimerSchedule Parse(string text)
    {
        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // The host takes five fields too, as an ordinary crontab that runs at second 0.
        var six = fields.Length == 5 ? "0 " + text : text;
        return CrontabSchedule.TryParse(six, new CrontabSchedule.ParseOptions { IncludingSeconds = true }) is { } schedule
            ? new TimerSchedule(text, schedule)
            : throw new FunctionsStartException($"the schedule '{text}' is not an NCRONTAB expression of six fields: second minute hour day month weekday.");
    }

    /// <summary>The first occurrence after a time, UTC; null when there is none.</summary>
    public DateTime? Next(DateTime after)
    {
        var next = _schedule.GetNextOccurrence(after, DateTime.MaxValue);
        return next == DateTime.MaxValue ? null : DateTime.SpecifyKind(next, DateTimeKind.Utc);
    }
}
