using System.Text.Json;

namespace XenoCrm.Benchmarks.Growth;

internal sealed record GrowthMeasured(double RequestUnits, double RequestUnitsAtCustomers, double Requests);

/// <summary>A campaign that was measured, from its launch until its customers knew what became of it.</summary>
internal sealed record GrowthPoint(double Messages, double Requests, double RequestUnits, string Of);

internal sealed record GrowthAssumed(
    double MessagesPerSecondAndInstance, double InstanceMemoryGb, int Instances, double ReceiptsPerQueueMessage, double MessagesPerRun, double CustomerKb, double ScaleOutSeconds);

internal sealed record GrowthLimits(double ServerlessRuPerSecond, double ServerlessRuPerSecondAndPartition, double PartitionGb, double QueueMessagesPerSecond);

internal sealed record GrowthPrices(double PerMillionRu, double AutoscalePer100RuAndHour, double PerGbSecond, double PerMillionExecutions, double Per10000QueueOperations);

/// <param name="AutoscaleRu">0: serverless.</param>
internal sealed record GrowthPlan(string Name, double VendorPerSecond, double AutoscaleRu);

/// <param name="Bound">What takes the longest: everything else waits for it.</param>
/// <param name="Instances">That are busy at a time.</param>
/// <param name="Seconds">From the launch until every customer knows what became of its message.</param>
/// <param name="Cost">Of the database, the app and the queues, in USD; the vendor is extra.</param>
internal sealed record GrowthPrediction(double Messages, double RequestUnits, double Requests, double Seconds, string Bound, int Instances, double Cost);

/// <summary>
/// How long a campaign takes and what it costs, from what a message was measured to cost and what the services allow. The
/// stages (hand over, take in receipts, tell the customers) work at the same time on different messages, so that the
/// slowest one is the time.
/// </summary>
internal sealed record GrowthModel(
    GrowthMeasured Measured, IReadOnlyList<GrowthPoint> Points, GrowthAssumed Assumed, GrowthLimits Limits, GrowthPrices Prices, IReadOnlyList<GrowthPlan> Plans)
{
    /// <summary>By how much a measured point may differ from what the model says of it.</summary>
    public const double Tolerance = 0.25;

    public static readonly double[] Sizes = [1e6, 1e7, 1e8];

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static GrowthModel Read(string file) =>
        JsonSerializer.Deserialize<GrowthModel>(File.ReadAllText(file), Json) ?? throw new InvalidOperationException($"{file} is empty.");

    /// <summary>One message for each customer.</summary>
    public GrowthPrediction Predict(double messages, GrowthPlan plan)
    {
        var units = messages * Measured.RequestUnits;
        var unitsElsewhere = messages * (Measured.RequestUnits - Measured.RequestUnitsAtCustomers);
        var limit = RuPerSecond(messages, plan);

        // Serverless limits each container by itself, and autoscale all of them together.
        var database = plan.AutoscaleRu > 0 ? units / limit : Math.Max(messages * Measured.RequestUnitsAtCustomers / limit, unitsElsewhere / Limits.ServerlessRuPerSecond);
        var queued = messages * (1 / Assumed.ReceiptsPerQueueMessage + 1 / Assumed.MessagesPerRun);
        (string Name, double Seconds)[] stages =
        [
            ("vendor", messages / plan.VendorPerSecond),
            ("database", database),
            ("instances", messages / (Assumed.Instances * Assumed.MessagesPerSecondAndInstance)),
            ("queues", messages / Assumed.ReceiptsPerQueueMessage / Limits.QueueMessagesPerSecond),
        ];
        var (bound, longest) = stages.MaxBy(s => s.Seconds);
        var seconds = longest + Assumed.ScaleOutSeconds;
        var instances = Math.Clamp((int)Math.Ceiling(messages / longest / Assumed.MessagesPerSecondAndInstance), 1, Assumed.Instances);
        var cost = (plan.AutoscaleRu > 0 ? Math.Ceiling(seconds / 3600) * limit / 100 * Prices.AutoscalePer100RuAndHour : units / 1e6 * Prices.PerMillionRu)
            + (seconds * instances * Assumed.InstanceMemoryGb * Prices.PerGbSecond)
            + (queued / 1e6 * Prices.PerMillionExecutions)
            // Put, get, delete, and a renewal or a peek now and then.
            + (queued * 4 / 1e4 * Prices.Per10000QueueOperations);
        return new(messages, units, messages * Measured.Requests, seconds, bound, instances, cost);
    }

    /// <summary>Of the container of customers, which has nearly all of the work.</summary>
    public double RuPerSecond(double customers, GrowthPlan plan)
    {
        if (plan.AutoscaleRu > 0)
        {
            return plan.AutoscaleRu;
        }

        var partitions = Math.Ceiling(customers * Assumed.CustomerKb / 1024 / 1024 / Limits.PartitionGb);
        return Math.Max(Limits.ServerlessRuPerSecond, partitions * Limits.ServerlessRuPerSecondAndPartition);
    }

    /// <summary>From so many messages a month on, the vendor's rate left aside, that autoscale of these RU/s is the cheaper one all month.</summary>
    public double BreakEvenMessages(double autoscaleRu) =>
        // An idle autoscale database is charged a tenth of its highest.
        730 * autoscaleRu / 10 / 100 * Prices.AutoscalePer100RuAndHour / (Measured.RequestUnits / 1e6 * Prices.PerMillionRu);

    /// <summary>Points that the model does not explain.</summary>
    public IEnumerable<string> Deviations()
    {
        foreach (var point in Points)
        {
            foreach (var (what, was, says) in new[] { ("RU", point.RequestUnits, point.Messages * Measured.RequestUnits), ("requests", point.Requests, point.Messages * Measured.Requests) })
            {
                if (Math.Abs(was / says - 1) > Tolerance)
                {
                    yield return FormattableString.Invariant($"{point.Messages:N0} messages ({point.Of}): {was:N0} {what} were measured, the model says {says:N0}");
                }
            }
        }
    }
}
