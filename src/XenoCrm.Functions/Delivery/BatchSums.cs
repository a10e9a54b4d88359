using System.Text.Json;

namespace XenoCrm.Delivery;

/// <summary>What batches add up to.</summary>
/// <param name="Cost">Millionths of the currency's unit.</param>
/// <param name="Units">Request units.</param>
public sealed record BatchSums(Counts Counts, long Cost, int Unpriced, double Units)
{
    private static readonly string[] Counted =
        ["audience", "sent", "delivered", "failed", "suppressed", "skipped", "pending", "unknown", "opened", "clicked", "autoOpened", "autoClicked", "unsubscribed", "complained", "queued", "waiting"];

    /// <summary>Of a query over batches.</summary>
    internal static readonly string Columns =
        string.Join(", ", Counted.Select(c => $"SUM(c.counts.{c}) AS {c}").Concat(["SUM(c.cost) AS cost", "SUM(c.unpriced) AS unpriced", "SUM(c.units) AS units"]));

    /// <summary>A query answers several rows when it is asked of several parts of the container; a sum of nothing is absent.</summary>
    internal static BatchSums Of(IReadOnlyCollection<Dictionary<string, JsonElement>> rows)
    {
        double Sum(string name) => rows.Sum(r => r.TryGetValue(name, out var n) && n.ValueKind == JsonValueKind.Number ? n.GetDouble() : 0);
        int Count(string name) => (int)Sum(name);
        return new(
            new(
                Count("audience"), Count("sent"), Count("delivered"), Count("failed"), Count("suppressed"), Count("skipped"), Count("pending"), Count("unknown"),
                Count("opened"), Count("clicked"), Count("autoOpened"), Count("autoClicked"), Count("unsubscribed"), Count("complained"), Count("queued"), Count("waiting")),
            (long)Sum("cost"), Count("unpriced"), Sum("units"));
    }
}
