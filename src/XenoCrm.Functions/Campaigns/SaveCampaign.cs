using FluentValidation;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

/// <param name="TemplateId">Instead of channel and content: they are copied from the template.</param>
public sealed record CampaignInput(string? Name, Channel? Channel, string? SegmentId, CampaignContent? Content, string? TemplateId = null);

public sealed class CampaignInputValidator : AbstractValidator<CampaignInput>
{
    public CampaignInputValidator()
    {
        RuleFor(c => c.Name).NotEmpty().MaximumLength(200);
        RuleFor(c => c.Channel).NotNull().When(c => c.TemplateId is null);
        RuleFor(c => c.SegmentId).NotEmpty().MaximumLength(100);
        RuleFor(c => c.Content).NotNull().When(c => c.TemplateId is null).WithMessage("A content or a template's id is expected.");
        RuleFor(c => c.TemplateId).Empty().When(c => c.Content is not null).WithMessage("Either a template or a content, not both.");
        RuleFor(c => c).Custom((c, context) =>
        {
            if (c.Content is not null)
            {
                ContentRules.Check(c.Channel, c.Content, nameof(CampaignInput.Content), context);
            }
        });
    }
}

/// <summary>Creates and changes drafts.</summary>
public sealed class SaveCampaign(WorkspaceStore<Campaign> campaigns, WorkspaceStore<Template> templates, SegmentDirectory segments, Ids ids, TimeProvider clock)
{
    public async Task<Versioned<Campaign>> CreateAsync(CampaignInput input, Caller caller, CancellationToken cancellation)
    {
        await CheckSegmentAsync(input, cancellation);
        var now = clock.GetUtcNow();
        var campaign = Apply(
            new()
            {
                Id = ids.New(), Name = "", Channel = default, SegmentId = "", Content = new(null, null, null, null), CreatedAt = now, CreatedBy = caller.Id, UpdatedAt = now,
            },
            await FillAsync(input, cancellation));
        var etag = await campaigns.TryCreateAsync(campaign, cancellation) ?? throw new InvalidOperationException("A new id exists already.");
        return new(campaign, etag);
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
        Content = input.Content!.Normal(),
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
