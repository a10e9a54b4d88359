using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Insights;

/// <summary>What the model was asked on one day (UTC), and what that cost.</summary>
/// <param name="Reserved">Held back for answers under way, in millionths like <paramref name="Cost"/>. A process that dies leaves it: the budget is kept, not the account.</param>
/// <param name="Cost">Millionths of the budget's currency.</param>
public sealed record AiUsage(
    string Id, long Requests = 0, long Failures = 0, long Cached = 0, long InputTokens = 0, long OutputTokens = 0, long Cost = 0, long Reserved = 0) : IWorkspaceItem
{
    public const string KindName = "aiUsage";

    public string Kind => KindName;

    /// <summary>Kept for a year and a month, to compare.</summary>
    [JsonPropertyName("ttl")]
    public int Ttl => 400 * 24 * 3600;
}

/// <param name="Cost">In the currency that prices and budget are in.</param>
/// <param name="Cached">Answers that were known already.</param>
public sealed record AiUsageView(string Day, long Requests, long Failures, long Cached, long InputTokens, long OutputTokens, decimal Cost, decimal? Budget);

/// <summary>The account of the model. Every change is a compare-and-swap of the day's item, so that instances share one budget.</summary>
public sealed class AiAccount(WorkspaceStore<AiUsage> store, IOptions<AiOptions> options, TimeProvider clock)
{
    private const decimal Unit = 1_000_000m;

    public long Price(long inputTokens, long outputTokens) =>
        (long)Math.Ceiling((inputTokens * options.Value.InputPrice) + (outputTokens * options.Value.OutputPrice));

    /// <summary>Holds back what an answer may cost at most.</summary>
    /// <returns>The day it goes to; null when the budget does not allow it.</returns>
    public async Task<string?> ReserveAsync(long most, CancellationToken cancellation)
    {
        var refused = false;
        var day = Today;
        await ChangeAsync(day, usage =>
        {
            refused = options.Value.DailyBudget is { } budget && usage.Cost + usage.Reserved + most > budget * Unit;
            return refused ? null : usage with { Reserved = usage.Reserved + most };
        }, cancellation);
        return refused ? null : day;
    }

    /// <summary>What the answer did cost, in place of what was held back.</summary>
    public Task SettleAsync(string day, long reserved, long inputTokens, long outputTokens, bool failed, CancellationToken cancellation) => ChangeAsync(day, usage => usage with
    {
        Requests = usage.Requests + 1, Failures = usage.Failures + (failed ? 1 : 0), Reserved = Math.Max(0, usage.Reserved - reserved),
        InputTokens = usage.InputTokens + inputTokens, OutputTokens = usage.OutputTokens + outputTokens, Cost = usage.Cost + Price(inputTokens, outputTokens),
    }, cancellation);

    public Task CountCachedAsync(CancellationToken cancellation) => ChangeAsync(Today, usage => usage with { Cached = usage.Cached + 1 }, cancellation);

    public async Task<AiUsageView> ReadAsync(string? day, CancellationToken cancellation)
    {
        var usage = (await store.ReadAsync(day ?? Today, cancellation))?.Value ?? new AiUsage(day ?? Today);
        return new(usage.Id, usage.Requests, usage.Failures, usage.Cached, usage.InputTokens, usage.OutputTokens, usage.Cost / Unit, options.Value.DailyBudget);
    }

    private string Today => clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private async Task ChangeAsync(string day, Func<AiUsage, AiUsage?> change, CancellationToken cancellation)
    {
        if (await store.UpdateAsync(day, change, cancellation) is null && change(new AiUsage(day)) is { } first && await store.TryCreateAsync(first, cancellation) is null)
        {
            await store.UpdateAsync(day, change, cancellation);
        }
    }
}
