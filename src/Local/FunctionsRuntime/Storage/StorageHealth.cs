using Azure;
using Microsoft.Extensions.Logging;

namespace XenoCrm.Local.FunctionsRuntime.Storage;

/// <summary>
/// What a loop over storage does when storage is away (restarting, refusing connections): says so once, comes back at
/// growing intervals, and says when it works again.
/// </summary>
internal sealed class StorageHealth(string work, ILogger logger)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(5);

    private TimeSpan _next = s_first;
    private bool _failing;

    public void Worked()
    {
        if (!_failing)
            return;
        _failing = false;
        _next = s_first;
        logger.LogInformation("{Work}: storage answers again", work);
    }

    /// <summary>Returns how long to wait before the next try.</summary>
    public TimeSpan Failed(Exception e)
    {
        if (!_failing)
        {
            _failing = true;
            // An outage is one line; anything else is worth its stack.
            if (IsOutage(e))
                logger.LogWarning("{Work}: storage does not answer ({Reason}); trying again until it does", work, Reason(e));
            else
                logger.LogWarning(e, "{Work}: storage refused; trying again until it works", work);
        }
        var wait = _next;
        _next = TimeSpan.FromTicks(Math.Min(_next.Ticks * 2, s_longest.Ticks));
        return wait;
    }

    /// <summary>Whether the service could not be reached or was not able to answer, rather than saying no.</summary>
    public static bool IsOutage(Exception e) => e switch
    {
        RequestFailedException { Status: 0 or 408 or 429 or >= 500 } => true,
        RequestFailedException => false,
        AggregateException many => many.InnerExceptions.All(IsOutage),
        HttpRequestException or IOException or TimeoutException or OperationCanceledException => true,
        _ => false,
    };

    private static string Reason(Exception e)
    {
        var first = e is AggregateException many ? many.InnerExceptions[^1] : e;
        return first.Message.Split('\n')[0];
    }
}
