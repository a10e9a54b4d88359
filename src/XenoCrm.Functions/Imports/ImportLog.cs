using Microsoft.Extensions.Logging;

namespace XenoCrm.Imports;

internal static partial class ImportLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Import {Import} registered")]
    public static partial void ImportRegistered(this ILogger log, string import);

    [LoggerMessage(Level = LogLevel.Information, Message = "Import {Import} goes on at run {Run}, row {Row}")]
    public static partial void ImportResumed(this ILogger log, string import, int run, long row);

    [LoggerMessage(Level = LogLevel.Information, Message = "Import {Import} completed: {Rows} rows, {Created} created, {Updated} updated, {Unchanged} unchanged, {Failed} failed, {RowsPerSecond} rows/s")]
    public static partial void ImportCompleted(this ILogger log, string import, long rows, long created, long updated, long unchanged, long failed, double rowsPerSecond);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Import {Import} failed: {Code}")]
    public static partial void ImportFailed(this ILogger log, string import, string code);

    [LoggerMessage(Level = LogLevel.Information, Message = "Import {Import} was taken over or ended elsewhere; this invocation stops")]
    public static partial void ImportTakenOver(this ILogger log, string import);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The message of import {Import} was given up at run {Run} and is tried again: there was progress since the last time")]
    public static partial void ImportRetried(this ILogger log, string import, int run);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A message names import {Import}, which does not exist")]
    public static partial void ImportUnknown(this ILogger log, string import);

    [LoggerMessage(Level = LogLevel.Information, Message = "Import {Import} undone: {Restored} restored, {Deleted} deleted, {Left} left")]
    public static partial void ImportUndone(this ILogger log, string import, long restored, long deleted, long left);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The undo of import {Import} was given up; asked for again it goes on")]
    public static partial void UndoGivenUp(this ILogger log, string import);
}
