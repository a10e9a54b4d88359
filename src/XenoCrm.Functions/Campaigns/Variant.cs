namespace XenoCrm.Campaigns;

/// <summary>One of the contents that a campaign is sent with.</summary>
/// <param name="Name">Distinct within the campaign. It, and not the place, decides who gets the variant.</param>
/// <param name="Weight">Its share of the recipients is this over the sum of all weights.</param>
public sealed record Variant(string Name, int Weight, CampaignContent Content)
{
    public const string OnlyName = "A";
    public const int Max = 5;
    public const int MaxWeight = 1000;

    public static IReadOnlyList<Variant> Only(CampaignContent content) => [new(OnlyName, 1, content)];
}
