using XenoCrm.Campaigns;

namespace XenoCrm.Delivery;

/// <summary>Carries messages. One file per vendor; what it must keep is written here, and the sender relies on nothing else.</summary>
public interface IVendor
{
    /// <summary>In settings, batches, figures and logs. Lower case, and never changed: batches remember who has their messages.</summary>
    string Name { get; }

    /// <summary>
    /// Whether a message that is handed over again under its id is answered from the vendor's record and not carried
    /// again. If not, a message whose answer was lost is never handed over a second time.
    /// </summary>
    bool Idempotent { get; }

    /// <summary>Messages per request.</summary>
    int MaxMessages { get; }

    /// <summary>Requests that this process may have under way at once.</summary>
    int MaxRequests { get; }

    /// <summary>What the vendor, or the contract with it, allows; null: as many as it takes.</summary>
    double? MessagesPerSecond => null;

    /// <summary>Whether <see cref="FindAsync"/> can be asked.</summary>
    bool KeepsStatus => false;

    /// <summary>What stands against its carrying messages of a channel (another channel's vendor, a missing setting), for who sets it up; null: nothing.</summary>
    string? FaultFor(Channel channel);

    /// <returns>One result per message, in order.</returns>
    /// <exception cref="VendorException">No results; it says whether the vendor may have the messages.</exception>
    Task<IReadOnlyList<VendorResult>> SendAsync(IReadOnlyList<VendorMessage> messages, CancellationToken cancellation);

    /// <summary>What has become of a message, by the vendor's own record.</summary>
    /// <exception cref="VendorException">It cannot be told now.</exception>
    Task<VendorFinding> FindAsync(string messageId, CancellationToken cancellation) => throw new NotSupportedException($"{Name} cannot be asked about a message.");
}

/// <summary>One message. Its content is made when it is written to the vendor, so that a thousand of them do not lie in memory.</summary>
/// <param name="Id">The idempotency key: <c>{campaignId}.{batch}.{index}</c>.</param>
public sealed record VendorMessage(string Id, Channel Channel, string To, string? From, Func<RenderedContent> Render);

public enum VendorAnswer
{
    Accepted,

    /// <summary>It will never be carried.</summary>
    Rejected,

    /// <summary>Not now: hand it over again later.</summary>
    Deferred,
}

public readonly record struct VendorResult(VendorAnswer Answer, string? Reason)
{
    public static VendorResult Accepted => new(VendorAnswer.Accepted, null);
}

public enum VendorFate
{
    /// <summary>The vendor never had it.</summary>
    NotThere,

    /// <summary>The vendor has it, and it is under way.</summary>
    Accepted,
    Delivered,

    /// <summary>It was taken and could not be delivered.</summary>
    Failed,

    /// <summary>It was not taken, and will not be.</summary>
    Rejected,
}

/// <param name="Reason">Why it failed.</param>
public readonly record struct VendorFinding(VendorFate Fate, string? Reason = null);

public enum VendorFailure
{
    /// <summary>The vendor certainly took none of the messages.</summary>
    NotTaken,

    /// <summary>The vendor may have taken the messages: a time-out, a broken connection, a 500.</summary>
    Ambiguous,
}

public sealed class VendorException(VendorFailure failure, string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    public VendorFailure Failure { get; } = failure;

    /// <summary>What the vendor asks for.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
