using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Campaigns;

/// <summary>A content that campaigns begin with. They copy it: a later change of the template changes no campaign.</summary>
public sealed record Template : IWorkspaceItem
{
    public const string KindName = "template";

    public required string Id { get; init; }
    public string Kind => KindName;
    public required string Name { get; init; }
    public required Channel Channel { get; init; }
    public required CampaignContent Content { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

public sealed record TemplateView(
    string Id, string Name, Channel Channel, CampaignContent Content, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset UpdatedAt)
{
    public static TemplateView Of(Template t) => new(t.Id, t.Name, t.Channel, t.Content, t.CreatedAt, t.CreatedBy, t.UpdatedAt);
}
