using System.Globalization;
using System.Text;

namespace XenoCrm.Benchmarks.Growth;

/// <summary>docs/growth.md.</summary>
internal static class GrowthPage
{
    public static string Write(GrowthModel model)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        var (measured, assumed, limits, prices) = (model.Measured, model.Assumed, model.Limits, model.Prices);
        Line($"# Growth");
        Line($"What a campaign of a million, ten million and a hundred million messages takes, one to each customer. A model, checked against");
        Line($"what was measured; written by `dotnet run -c Release --project tests/XenoCrm.Benchmarks -- growth` from the constants in");
        Line($"`tests/XenoCrm.Benchmarks/Growth/growth.json`. None of these sizes was run.");
        Line($"");
        Line($"![What was measured and what is predicted](figures/growth.svg)");
        foreach (var plan in model.Plans)
        {
            Line($"");
            Line($"## {plan.Name}");
            Line($"| messages | RU | database requests | time | bound by | instances busy | USD without the vendor |");
            Line($"|---|---|---|---|---|---|---|");
            foreach (var p in GrowthModel.Sizes.Select(s => model.Predict(s, plan)))
                Line($"| {p.Messages:N0} | {p.RequestUnits / 1e6:N0} M | {p.Requests:N0} | {Time(p.Seconds)} | {p.Bound} | {p.Instances} | {p.Cost:N0} |");
        }

        Line($"");
        Line($"## What it says");
        var serverless = model.Plans.First(p => p.AutoscaleRu == 0);
        Line($"- **The container of customers is what bounds a serverless account.** Telling a customer what became of its message is {measured.RequestUnitsAtCustomers:0.0} of the");
        Line($"  {measured.RequestUnits:0.0} RU of a message, and {limits.ServerlessRuPerSecond:N0} RU/s are {limits.ServerlessRuPerSecond / measured.RequestUnitsAtCustomers * 3600:N0} customers an hour. Sending and receipts need an eighth of that and are done");
        Line($"  long before: what waits is the overview's last messages, `engagement.*` and the segments that ask for it.");
        Line($"- Above 250 GB serverless gives more by itself: {limits.ServerlessRuPerSecondAndPartition:N0} RU/s for each {limits.PartitionGb:N0} GB. A hundred million customers of {assumed.CustomerKb:N0} KB have {model.RuPerSecond(1e8, serverless):N0}.");
        Line($"- **Autoscale** of 20,000 RU/s costs what serverless does at {model.BreakEvenMessages(20_000) / 1e6:N0} M messages a month, and is four times as fast.");
        Line($"- SMS is bound by the vendor, whatever the database is. The planner stays a bounded distance ahead of the senders, so a campaign of a month");
        Line($"  holds no more queue messages than one of an hour.");
        Line($"- Queues do not matter: {assumed.ReceiptsPerQueueMessage:N0} receipts and {assumed.MessagesPerRun:N0} messages share one.");
        Line($"");
        Line($"## What it is made of");
        Line($"| | | from |");
        Line($"|---|---|---|");
        Line($"| a message | {measured.RequestUnits:0.000} RU, {measured.Requests:0.000} requests | measured; the emulator's estimate of charges |");
        Line($"| … to tell the customer | {measured.RequestUnitsAtCustomers:0.000} RU | measured |");
        Line($"| an instance | {assumed.MessagesPerSecondAndInstance:N0} messages/s, {assumed.InstanceMemoryGb:N0} GB, at most {assumed.Instances} of them | assumed: a twelfth of what two cores did here |");
        Line($"| a serverless container | {limits.ServerlessRuPerSecond:N0} RU/s to 250 GB, then {limits.ServerlessRuPerSecondAndPartition:N0} for each {limits.PartitionGb:N0} GB | the service's documentation |");
        Line($"| a queue | {limits.QueueMessagesPerSecond:N0} messages/s | the service's documentation |");
        Line($"| prices | {prices.PerMillionRu:0.00} per million RU, {prices.AutoscalePer100RuAndHour:0.000} per 100 RU/s and hour of autoscale, {prices.PerGbSecond:0.000000} per GB-second | list, late 2026 |");
        Line($"");
        Line($"| measured | messages | RU | the model | requests | the model |");
        Line($"|---|---|---|---|---|---|");
        foreach (var p in model.Points)
            Line($"| {p.Of} | {p.Messages:N0} | {p.RequestUnits:N0} | {p.Messages * measured.RequestUnits:N0} | {p.Requests:N0} | {p.Messages * measured.Requests:N0} |");
        Line($"");
        Line($"`growth --measure` runs campaigns on this machine and adds what they took; `growth` ends with an error when a point is more than {GrowthModel.Tolerance:P0} off.");
        Line($"What the model leaves out: throttling that makes requests repeat, hot physical partitions, other work at the same time, and cold starts");
        Line($"beyond {assumed.ScaleOutSeconds:N0} seconds.");
        return text.ToString();
    }

    public static string Time(double seconds) => seconds switch
    {
        < 120 => FormattableString.Invariant($"{seconds:N0} s"),
        < 7200 => FormattableString.Invariant($"{seconds / 60:N0} min"),
        < 172_800 => FormattableString.Invariant($"{seconds / 3600:0.0} h"),
        _ => FormattableString.Invariant($"{seconds / 86_400:0.0} days"),
    };
}
