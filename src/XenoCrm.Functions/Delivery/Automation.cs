using System.Buffers;

namespace XenoCrm.Delivery;

/// <summary>Why an event is taken for a program's: see <see cref="Automation"/>.</summary>
public enum AutomationReason
{
    /// <summary>The vendor says so.</summary>
    Vendor,

    /// <summary>By its user agent.</summary>
    Agent,
    TooSoon,
    Burst,
}

/// <summary>
/// Tells what programs did from what people did: security scanners fetch every link of a message, mail services fetch its
/// images before anybody looks. A pure function of the events, which are kept, so that a better one can judge them again.
/// </summary>
/// <remarks>
/// An event is taken for a program's when
/// the vendor says so;
/// or the user agent is missing, or names a scanner, a library or a robot, or is the bare <c>Mozilla/5.0</c> of Apple's
/// Mail Privacy Protection, which fetches images when mail arrives;
/// or it comes within <see cref="TooSoon"/> of the delivery: nobody reads that fast, and scanners look at once;
/// or it is a click among those on three or more different links within <see cref="Burst"/>.
/// Gmail's image proxy fetches when the person opens the message, and counts as that. What a vendor reports without a
/// user agent is taken as it says.
/// </remarks>
public static class Automation
{
    /// <summary>In milliseconds, as events are.</summary>
    private const long TooSoon = 2_000;
    private const long Burst = 3_000;
    private const int BurstLinks = 3;

    private static readonly SearchValues<string> Programs = SearchValues.Create(
        [
            "bot", "crawl", "spider", "scan", "preview", "monitor", "headless", "phantomjs", "curl/", "wget/", "python", "java/", "okhttp", "go-http-client", "libwww",
            "httpclient", "axios/", "node-fetch", "ruby", "perl", "postmanruntime", "barracuda", "proofpoint", "mimecast", "symantec", "messagelabs", "trendmicro",
            "forcepoint", "fortiguard", "ironport", "safelinks", "urldefense", "zscaler", "bitdefender", "kaspersky", "sophos",
        ],
        StringComparison.OrdinalIgnoreCase);

    /// <param name="events">In order of time.</param>
    /// <param name="deliveredAt">When the message was delivered, or handed over as far as is known.</param>
    /// <returns>For each event, whether it is a program's.</returns>
    public static bool[] Judge(IReadOnlyList<MessageEvent> events, long? deliveredAt) => Array.ConvertAll(Explain(events, deliveredAt), reason => reason is not null);

    /// <returns>For each event, why it is a program's; null: it is a person's.</returns>
    public static AutomationReason?[] Explain(IReadOnlyList<MessageEvent> events, long? deliveredAt)
    {
        var reasons = new AutomationReason?[events.Count];
        for (var i = 0; i < events.Count; i++)
        {
            reasons[i] = events[i].Kind is MessageEventKind.Opened or MessageEventKind.Clicked ? Explain(events, events[i], deliveredAt) : null;
        }

        return reasons;
    }

    private static AutomationReason? Explain(IReadOnlyList<MessageEvent> events, MessageEvent e, long? deliveredAt) =>
        e.Machine ? AutomationReason.Vendor
        : e.Agent is { } agent && IsProgram(agent) ? AutomationReason.Agent
        : e.Agent is not null && e.At - deliveredAt < TooSoon ? AutomationReason.TooSoon
        : e.Kind == MessageEventKind.Clicked && IsInBurst(events, e) ? AutomationReason.Burst
        : null;

    public static bool IsProgram(string agent) =>
        agent.Length == 0 || agent == "Mozilla/5.0" || (agent.AsSpan().ContainsAny(Programs) && !agent.Contains("GoogleImageProxy", StringComparison.Ordinal));

    private static bool IsInBurst(IReadOnlyList<MessageEvent> events, MessageEvent click)
    {
        if (click.Agent is null)
        {
            return false;
        }

        // Any window of that length that holds the click: it begins with one of the clicks up to that long before it.
        foreach (var first in events)
        {
            if (first.Kind == MessageEventKind.Clicked && first.At <= click.At && click.At - first.At <= Burst
                && events.Where(e => e is { Kind: MessageEventKind.Clicked, Agent: not null } && e.At >= first.At && e.At - first.At <= Burst)
                    .Select(e => e.Link).Distinct().Count() >= BurstLinks)
            {
                return true;
            }
        }

        return false;
    }
}
