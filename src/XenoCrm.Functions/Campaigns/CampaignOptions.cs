namespace XenoCrm.Campaigns;

public sealed class CampaignOptions
{
    public const string Section = "Campaigns";

    /// <summary>
    /// Campaigns to more customers than this need the approval of someone else than their author, and marketers cannot
    /// launch them. Null: none needs it, and launching is for managers alone.
    /// </summary>
    public long? ApprovalAbove { get; set; }

    /// <summary>By what share the audience may differ from the approved one: customers come and go while an approval waits.</summary>
    public double ApprovalTolerance { get; set; } = 0.1;

    /// <summary>
    /// A schedule that could not be kept (everything was down) is caught up on within this time. After it the campaign is
    /// not sent: this morning's offer in the middle of the night does more harm than none.
    /// </summary>
    public TimeSpan LateLaunch { get; set; } = TimeSpan.FromHours(2);

    /// <summary>A flight check reads the customers of an audience up to this size, and an unbiased sample of as many of a larger one.</summary>
    public int CheckLimit { get; set; } = 50_000;
}
