using Microsoft.Extensions.Logging;

namespace XenoCrm.Segments;

internal static partial class SegmentLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "The rule of segment {Segment} cannot be read; its members stay as they are")]
    public static partial void LogUnreadable(this ILogger log, Exception exception, string segment);

    [LoggerMessage(Level = LogLevel.Information, Message = "Segment {Segment} version {Version} rebuilt: {Added} customers added, {Removed} removed, {Members} members")]
    public static partial void LogRebuilt(this ILogger log, string segment, int version, int added, int removed, long members);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Rebuild of segment {Segment}: {Count} customers kept changing and are left to the next round")]
    public static partial void LogContended(this ILogger log, string segment, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "RFM: {Count} customers kept changing and are left to the next run")]
    public static partial void LogRfmContended(this ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "RFM run {Run}: {Customers} customers scored, {Changed} changed")]
    public static partial void LogRfmDone(this ILogger log, string run, long customers, long changed);

    [LoggerMessage(Level = LogLevel.Information, Message = "Segment {Segment} removed, its tags are gone")]
    public static partial void LogRemoved(this ILogger log, string segment);
}
