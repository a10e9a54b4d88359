using FluentValidation;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Campaigns;

public sealed record CampaignInput(string? Name, Channel? Channel, string? SegmentId, CampaignContent? Content);

public sealed class CampaignInputValidator : AbstractValidator<CampaignInput>
{
    public CampaignInputValidator()
    {
        RuleFor(c => c.Name).NotEmpty().MaximumLength(200);
        RuleFor(c => c.Channel).NotNull();
        RuleFor(c => c.SegmentId).NotEmpty().MaximumLength(100);
        RuleFor(c => c.Content).NotNull();
        When(c => c.Content is not null, () =>
        {
            RuleFor(c => c.Content!.From).MaximumLength(320);
            RuleFor(c => c.Content!.Subject).MaximumLength(500).Custom((text, context) => Check(text, false, context));
            RuleFor(c => c.Content!.Html).MaximumLength(256 * 1024).Custom((text, context) => Check(text, true, context));
            RuleFor(c => c.Content!.Text).MaximumLength(64 * 1024).Custom((text, context) => Check(text, false, context));
            RuleFor(c => c.Content!.Subject).NotEmpty().When(c => c.Channel is Campaigns.Channel.Email);
            RuleFor(c => c.Content!.Subject).Empty().When(c => c.Channel is Campaigns.Channel.Sms or Campaigns.Channel.WhatsApp)
                .WithMessage("Messages of this channel have no subject.");
            RuleFor(c => c.Content!.Html).Empty().When(c => c.Channel is not null and not Campaigns.Channel.Email).WithMessage("Only email has HTML.");
            RuleFor(c => c.Content!.Text).NotEmpty().When(c => c.Channel is not null and not Campaigns.Channel.Email || string.IsNullOrEmpty(c.Content!.Html));
        });
    }

    private static void Check(string? template, bool html, ValidationContext<CampaignInput> context)
    {
        if (template is { Length: > 0 } && MessageTemplate.TryCompile(template, html, out var errors) is null)
        {
            foreach (var error in errors)
            {
                context.AddFailure(error);
            }
        }
    }
}

/// <summary>Creates and changes drafts.</summary>
public sealed class SaveCampaign(WorkspaceStore<Campaign> campaigns, SegmentDirectory segments, Ids ids, TimeProvider clock)
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
            input);
        var etag = await campaigns.TryCreateAsync(campaign, cancellation) ?? throw new InvalidOperationException("A new id exists already.");
        return new(campaign, etag);
    }

    public async Task<Versioned<Campaign>> UpdateAsync(string id, string ifMatch, CampaignInput input, CancellationToken cancellation)
    {
        var current = await campaigns.ReadAsync(id, cancellation) ?? throw new CampaignNotFound(id).ToException();
        if (current.Value.State != CampaignState.Draft)
        {
            throw new CampaignNotEditable(current.Value.State).ToException();
        }

        await CheckSegmentAsync(input, cancellation);
        var changed = Apply(current.Value, input) with { UpdatedAt = clock.GetUtcNow() };
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
        Content = new(NullIfEmpty(input.Content!.Subject), NullIfEmpty(input.Content.Html), NullIfEmpty(input.Content.Text), NullIfEmpty(input.Content.From?.Trim())),
    };

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private async Task CheckSegmentAsync(CampaignInput input, CancellationToken cancellation)
    {
        if (await segments.ReadAsync(input.SegmentId!, cancellation) is null)
        {
            throw RequestInvalid.At("/segmentId", "There is no such segment.").ToException();
        }
    }
}
