using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <summary>Creates and changes drafts.</summary>
public sealed class SaveCampaign(WorkspaceStore<Campaign> campaigns, WorkspaceStore<Template> templates, SegmentDirectory segments, Ids ids, TimeProvider clock)
{
    public async Task<Versioned<Campaign>> CreateAsync(CampaignInput input, Caller caller, CancellationToken cancellation, string? requestId = null)
    {
        await CheckSegmentAsync(input, cancellation);
        var now = clock.GetUtcNow();
        var campaign = Apply(
            new()
            {
                Id = requestId ?? ids.New(), Name = "", Channel = default, SegmentId = "", Variants = [], CreatedAt = now, CreatedBy = caller.Id, UpdatedAt = now,
            },
            await FillAsync(input, cancellation));
        return await campaigns.CreateOnceAsync(campaign, cancellation);
    }

    public async Task<Versioned<Campaign>> UpdateAsync(string id, string ifMatch, CampaignInput input, Caller caller, CancellationToken cancellation)
    {
        var current = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
        var now = clock.GetUtcNow();

        // What was handed in or approved is a draft again: nobody has seen the change.
        var draft = current.Value.State == CampaignState.Draft ? current.Value : current.Value.After(CampaignAction.Reject, now) ?? throw new CampaignNotEditable(current.Value.State).ToException();
        await CheckSegmentAsync(input, cancellation);
        var changed = Apply(draft, await FillAsync(input, cancellation)) with { UpdatedAt = now, EditedBy = caller.Id };
        var etag = await campaigns.ReplaceAsync(changed, ifMatch == "*" ? current.ETag : ifMatch, cancellation);
        return new(changed, etag);
    }

    /// <summary>Deleting what does not exist is a 404; what was launched stays for its ledger.</summary>
    public async Task DeleteAsync(string id, string ifMatch, CancellationToken cancellation)
    {
        var current = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
        if (current.Value.State != CampaignState.Draft)
        {
            throw new CampaignNotEditable(current.Value.State).ToException();
        }

        // Under the ETag that was read even for "*": a launch in between must win.
        await campaigns.DeleteAsync(id, ifMatch == "*" ? current.ETag : ifMatch, cancellation);
    }

    private static Campaign Apply(Campaign campaign, CampaignInput input) => campaign with
    {
        Name = input.Name!.Trim(),
        Channel = input.Channel!.Value,
        SegmentId = input.SegmentId!,
        Variants = input.Variants is { } variants
            ? [.. variants.Select(v => new Variant(v.Name!.Trim(), v.Weight!.Value, v.Content!.Normal()))]
            : Variant.Only(input.Content!.Normal()),
        Holdout = input.Holdout > 0 ? input.Holdout : null,
        Winner = input.Winner?.Rule,
        Sending = input.Sending == new SendingOptions() ? null : input.Sending,
    };

    private async Task<CampaignInput> FillAsync(CampaignInput input, CancellationToken cancellation)
    {
        if (input.TemplateId is not { } id)
        {
            return input;
        }

        var template = (await templates.ReadAsync(id, cancellation))?.Value ?? throw RequestInvalid.At("/templateId", "There is no such template.").ToException();
        return input.Channel is { } channel && channel != template.Channel
            ? throw RequestInvalid.At("/channel", $"The template is for {template.Channel.Name()}.").ToException()
            : input with { Channel = template.Channel, Content = template.Content };
    }

    private async Task CheckSegmentAsync(CampaignInput input, CancellationToken cancellation)
    {
        if (await segments.ReadAsync(input.SegmentId!, cancellation) is null)
        {
            throw RequestInvalid.At("/segmentId", "There is no such segment.").ToException();
        }
    }
}
