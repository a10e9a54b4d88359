using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Queues;

namespace XenoCrm.Analytics;

/// <summary>
/// Keeps roll-ups from growing old: each night all there are, one message each, so that no turn is longer than one computation;
/// and those that were found old when somebody asked. A message that comes again finds its work done.
/// </summary>
public sealed class RefreshFigures(IEnumerable<IRollUps> kinds, JobQueue queue, PoisonMessages poison, TimeProvider clock)
{
    /// <summary>Daily, after the scoring of customers, at night in Europe and America.</summary>
    public const string Cron = "0 45 4 * * *";

    [Function("RefreshFiguresDaily")]
    public async Task Daily([TimerTrigger(Cron)] TimerInfo timer, CancellationToken cancellation)
    {
        foreach (var kind in kinds)
        {
            await queue.SendAsync(RefreshRollUp.Queue, new RefreshRollUp(kind.Kind, null, clock.GetUtcNow()), delay: null, cancellation);
        }
    }

    [Function("RefreshFigures")]
    public async Task Refresh([QueueTrigger(RefreshRollUp.Queue)] RefreshRollUp message, CancellationToken cancellation)
    {
        // A kind of a later version, when an earlier one was put back.
        if (kinds.FirstOrDefault(k => k.Kind == message.Kind) is not { } kind)
        {
            return;
        }

        if (message.Key is { } key)
        {
            await kind.RefreshAsync(key, message.AskedAt, cancellation);
            return;
        }

        foreach (var one in await kind.KeysAsync(cancellation))
        {
            await queue.SendAsync(RefreshRollUp.Queue, message with { Key = one }, delay: null, cancellation);
        }
    }

    /// <summary>The figures stay as old as they are, which they say; what the message failed of is to be seen.</summary>
    [Function("GiveUpRefreshFigures")]
    public Task GiveUp([QueueTrigger(RefreshRollUp.Queue + "-poison")] string message, CancellationToken cancellation) => poison.BuryAsync(RefreshRollUp.Queue, message, cancellation);
}
