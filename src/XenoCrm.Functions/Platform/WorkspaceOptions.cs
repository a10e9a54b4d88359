namespace XenoCrm.Platform;

/// <summary>What holds for the whole workspace.</summary>
public sealed class WorkspaceOptions
{
    public const string Section = "Workspace";

    /// <summary>ISO 4217. The one currency that amounts and totals are in.</summary>
    public string Currency { get; set; } = "USD";
}
