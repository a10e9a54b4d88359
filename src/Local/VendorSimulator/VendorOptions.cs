namespace XenoCrm.Local.VendorSimulator;

/// <summary>How the vendor behaves. The defaults are an honest vendor; <see cref="Chaos"/> is a bad day.</summary>
public sealed record VendorOptions
{
    /// <summary>Loopback port; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Folder of the vendor's own record.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Callers present it as <c>Authorization: Bearer …</c>; null lets everybody in.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Standard Webhooks secret, <c>whsec_</c> and base64.</summary>
    public required string ReceiptSecret { get; init; }

    /// <summary>Decides outcome, delay and mishaps of a message together with its id, so independently of order.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>1 to 1,000. A post leaves when it is full, or 50 ms after its first receipt.</summary>
    public int ReceiptsPerPost { get; init; } = 100;

    /// <summary>Posts under way at once.</summary>
    public int ConcurrentPosts { get; init; } = 16;

    /// <summary>Time from acceptance to the receipt, drawn evenly between the two.</summary>
    public TimeSpan DelayMin { get; init; } = TimeSpan.FromMilliseconds(20);
    public TimeSpan DelayMax { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Share of messages that fail in the end, in percent.</summary>
    public double FailedPercent { get; init; } = 10;

    /// <summary>A <c>sent</c> receipt ahead of the final one.</summary>
    public bool SentReceipts { get; init; }

    /// <summary>Receipts posted a second time after they were acknowledged, in percent.</summary>
    public double DuplicatePercent { get; init; }

    /// <summary>Receipts leave in random order within this time (added to the delay).</summary>
    public TimeSpan Reorder { get; init; }

    /// <summary>Receipts that get lost and are sent again after <see cref="LossResend"/>, in percent.</summary>
    public double LossPercent { get; init; }
    public TimeSpan LossResend { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests answered 429 (with <c>Retry-After: 1</c>) or 500 without being looked at, in percent.</summary>
    public double Answer429Percent { get; init; }
    public double Answer500Percent { get; init; }

    /// <summary>Requests whose messages are accepted but whose answer never comes: the connection breaks after <see cref="Hang"/>.</summary>
    public double HangPercent { get; init; }
    public TimeSpan Hang { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>One outage, this long after the first message ever accepted; 503 to everybody and no receipts.</summary>
    public TimeSpan OutageAfter { get; init; }
    public TimeSpan OutageLength { get; init; }

    /// <summary>A vendor without idempotency keys: carries a message as often as it is asked to.</summary>
    public bool CarryRepeats { get; init; }

    /// <summary>20 % duplicated, reordered, 5 % lost then re-sent, 2 % 500s, 1 % time-outs after acceptance, an outage of 20 s after 4, unless another is set.</summary>
    public VendorOptions Chaos() => this with
    {
        SentReceipts = true,
        DuplicatePercent = 20,
        Reorder = TimeSpan.FromSeconds(2),
        LossPercent = 5,
        Answer429Percent = 1,
        Answer500Percent = 2,
        HangPercent = 1,
        OutageAfter = OutageAfter > TimeSpan.Zero ? OutageAfter : TimeSpan.FromSeconds(4),
        OutageLength = OutageLength > TimeSpan.Zero ? OutageLength : TimeSpan.FromSeconds(20),
    };

    internal void Validate()
    {
        if (ReceiptsPerPost is < 1 or > 1000)
            throw new VendorConfigurationException($"--receipts-per-post must be between 1 and 1000, not {ReceiptsPerPost}.");
        if (DelayMax < DelayMin)
            throw new VendorConfigurationException("--delay-max must not be below --delay-min.");
        foreach (var percent in new[] { FailedPercent, DuplicatePercent, LossPercent, Answer429Percent, Answer500Percent, HangPercent })
        {
            if (percent is not (>= 0 and <= 100))
                throw new VendorConfigurationException($"A percentage must be between 0 and 100, not {percent}.");
        }
    }
}

/// <summary>The vendor cannot start with these options; the message says why.</summary>
public sealed class VendorConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
