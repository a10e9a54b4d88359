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

    /// <summary>Of a query over recipients <c>r</c>, as <see cref="Ledger.Sum"/> and <see cref="Batch.PriceOf"/> have it. What the recipients' batches were charged is not in it.</summary>
    internal static readonly string RecipientColumns = string.Join(", ", new[]
    {
        "COUNT(1) AS audience",
        One("IS_DEFINED(r.a)", "sent"), One("r.s = 'delivered'", "delivered"), One("r.s IN ('failed', 'bounced')", "failed"), One("r.s = 'suppressed'", "suppressed"),
        One("r.s = 'skipped'", "skipped"), One("r.s = 'unknown'", "unknown"), One("r.s IN ('pending', 'sending')", "queued"), One("r.s = 'pending' AND IS_DEFINED(r.b)", "waiting"),
        One("IS_DEFINED(r.o)", "opened"), One("IS_DEFINED(r.k)", "clicked"),
        One("NOT IS_DEFINED(r.o) AND IS_DEFINED(r.ao)", "autoOpened"), One("NOT IS_DEFINED(r.k) AND IS_DEFINED(r.ak)", "autoClicked"),
        One($"ARRAY_CONTAINS(r.e, {{'k': {(int)MessageEventKind.Unsubscribed}}}, true)", "unsubscribed"), One($"ARRAY_CONTAINS(r.e, {{'k': {(int)MessageEventKind.Complained}}}, true)", "complained"),
        "SUM(IS_DEFINED(r.a) AND ARRAY_SLICE(c.prices, r.q ?? 0, 1)[0] > 0 ? ARRAY_SLICE(c.prices, r.q ?? 0, 1)[0] : 0) AS cost",
    });

    private static string One(string condition, string name) => $"SUM({condition} ? 1 : 0) AS {name}";

    internal static BatchSums OfRecipients(Dictionary<string, JsonElement> row)
    {
        var sums = Of([row]);
        var c = sums.Counts;
        return sums with { Counts = c with { Pending = c.Audience - c.Delivered - c.Failed - c.Suppressed - c.Skipped } };
    }

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
