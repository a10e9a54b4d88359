using FluentValidation;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Campaigns;

/// <param name="TemplateId">A stored template; or <paramref name="CampaignId"/>, or <paramref name="Channel"/> and <paramref name="Content"/>.</param>
/// <param name="CustomerId">For whom; without one a made-up customer stands in.</param>
/// <param name="CampaignId">A campaign as it is stored.</param>
/// <param name="Variant">Its variant; absent: the first.</param>
public sealed record RenderInput(string? TemplateId, Channel? Channel, CampaignContent? Content, string? CustomerId, string? CampaignId = null, string? Variant = null);

public sealed class RenderInputValidator : AbstractValidator<RenderInput>
{
    public RenderInputValidator()
    {
        RuleFor(r => r.TemplateId).Empty().When(r => r.Content is not null).WithMessage("Either a template or a content, not both.");
        RuleFor(r => r.Content).NotNull().When(r => r.TemplateId is null && r.CampaignId is null).WithMessage("The id of a template or campaign, or a content, is expected.");
        RuleFor(r => r.CampaignId).Empty().When(r => r.Content is not null || r.TemplateId is not null).WithMessage("Either a campaign or something else, not both.");
        RuleFor(r => r.Variant).Empty().When(r => r.CampaignId is null).WithMessage("Only campaigns have variants.");
        RuleFor(r => r.Channel).NotNull().When(r => r.Content is not null);
        RuleFor(r => r).Custom((r, context) =>
        {
            if (r.Content is not null)
            {
                ContentRules.Check(r.Channel, r.Content, nameof(RenderInput.Content), context);
            }
        });
    }
}

/// <summary>What a customer would get.</summary>
/// <param name="Empty">Fields that the content names and this customer does not have: their places are empty, or hold the default.</param>
/// <param name="Sms">Only for SMS.</param>
/// <param name="ContentVariables">What stands in the places of a WhatsApp template.</param>
public sealed record RenderView(
    Channel Channel, string? Subject, string? Html, string? Text, IReadOnlyList<string> Empty, SmsSize? Sms, IReadOnlyDictionary<string, string>? ContentVariables = null);

/// <summary>Renders a content for one customer, as it would be sent; the link to unsubscribe leads nowhere.</summary>
public sealed class RenderContent(WorkspaceStore<Template> templates, WorkspaceStore<Campaign> campaigns, CustomerStore customers, CampaignTemplates compiled, MergeFields merge, TimeProvider clock)
{
    internal static readonly MessageLinks Untracked = new("https://example.com/unsubscribe", url => url, PixelUrl: null);

    public async Task<RenderView> HandleAsync(RenderInput input, CancellationToken cancellation)
    {
        var (channel, content) = await FindAsync(input, cancellation);
        var customer = input.CustomerId is { } customerId
            ? (await customers.ReadAsync(customerId, cancellation))?.Value ?? throw new CustomerNotFound(customerId).ToException()
            : SampleCustomer.At(clock.GetUtcNow());
        var ready = compiled.Get(content);
        var rendered = ready.Render(customer, Untracked);
        return new(
            channel, rendered.Subject, rendered.Html, rendered.Text, merge.EmptyOf(customer, ready.Fields),
            channel == Channel.Sms && rendered.Text is { } text ? SmsText.Measure(text) : null, rendered.ContentVariables);
    }

    private async Task<(Channel Channel, CampaignContent Content)> FindAsync(RenderInput input, CancellationToken cancellation)
    {
        if (input.TemplateId is { } templateId)
        {
            var template = (await templates.ReadAsync(templateId, cancellation))?.Value ?? throw new TemplateNotFound(templateId).ToException();
            return (template.Channel, template.Content);
        }

        if (input.CampaignId is { } campaignId)
        {
            var campaign = (await campaigns.ReadAsync(campaignId, cancellation))?.Value ?? throw new CampaignNotFound(campaignId).ToException();
            return (campaign.Channel, campaign.RequireVariant(input.Variant).Content);
        }

        return (input.Channel!.Value, input.Content!.Normal());
    }
}
