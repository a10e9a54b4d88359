using System.Diagnostics.Metrics;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Imports;

internal static class ImportMetrics
{
    private static readonly Counter<long> Rows = AppTelemetry.Meter.CreateCounter<long>("xenocrm.import.rows", "{row}", "Rows of files taken in, by what became of them.");

    public static void Counted(ImportKind? kind, ImportCounts counts)
    {
        foreach (var (outcome, rows) in new[] { ("created", counts.Created), ("updated", counts.Updated), ("unchanged", counts.Unchanged), ("failed", counts.Failed) })
        {
            if (rows > 0)
            {
                Rows.Add(rows, new("kind", kind?.ToString().ToLowerInvariant()), new KeyValuePair<string, object?>("outcome", outcome));
            }
        }
    }
}
