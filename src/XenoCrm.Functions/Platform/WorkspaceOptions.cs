namespace XenoCrm.Platform;

/// <summary>What holds for the whole workspace.</summary>
public sealed class WorkspaceOptions
{
    public const string Section = "Workspace";

    /// <summary>ISO 4217. The one currency that amounts and totals are in.</summary>
    public string Currency { get; set; } = "USD";

    /// <summary>
    /// Base64, at least 32 bytes: the key of the hashes that stand for addresses wherever the address itself is not to be
    /// kept. Never change it: whoever was known, or was not to be written to, would be forgotten.
    /// </summary>
    public string AddressKey { get; set; } = "";

    /// <summary>BCP 47. How numbers and dates in messages are written for customers whose language is not known.</summary>
    public string Language { get; set; } = "en-US";

    /// <summary>Added to the time that the app goes by: for tests of clocks that are wrong.</summary>
    public TimeSpan ClockSkew { get; set; }
}
