using System.Diagnostics.Metrics;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Delivery;

/// <summary>What becomes of messages, as figures. The ledger is the truth; these are for a chart of the last minutes.</summary>
internal static class DeliveryMetrics
{
    private static readonly Counter<long> Messages = AppTelemetry.Meter.CreateCounter<long>("xenocrm.messages", "{message}", "Messages handed to a vendor, by what it made of them.");

    private static readonly Counter<long> Receipts = AppTelemetry.Meter.CreateCounter<long>("xenocrm.receipts", "{receipt}", "Receipts applied, by what they say.");

    private static readonly Histogram<double> Lag = AppTelemetry.Meter.CreateHistogram<double>("xenocrm.receipts.lag", "s", "From what a receipt reports to its being stored.");

    public static void HandedOver(string vendor, HandOver outcome) =>
        Messages.Add(1, new("vendor", vendor), new KeyValuePair<string, object?>("outcome", outcome.ToString().ToLowerInvariant()));

    public static void Applied(IEnumerable<Receipt> receipts, DateTimeOffset now)
    {
        if (!Receipts.Enabled && !Lag.Enabled)
        {
            return;
        }

        foreach (var receipt in receipts)
        {
            var status = new KeyValuePair<string, object?>("status", receipt.Status.ToString().ToLowerInvariant());
            Receipts.Add(1, status);
            if (!receipt.Untimed)
            {
                Lag.Record(Math.Max(0, (now - receipt.At).TotalSeconds), status);
            }
        }
    }
}
