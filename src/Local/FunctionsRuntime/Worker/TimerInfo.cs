namespace Microsoft.Azure.Functions.Worker;

/// <summary>What a timer function is given. <see cref="ScheduleStatus"/> is null when the timer does not use the monitor.</summary>
public class TimerInfo
{
    public ScheduleStatus? ScheduleStatus { get; set; }

    /// <summary>True when this run makes up for one that was due while no instance ran.</summary>
    public bool IsPastDue { get; set; }
}

/// <summary>The times of a schedule, UTC.</summary>
public class ScheduleStatus
{
    public DateTime Last { get; set; }

    public DateTime Next { get; set; }

    public DateTime LastUpdated { get; set; }
}
