using FluentValidation;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Campaigns;

/// <param name="TemplateId">A stored template; else <paramref name="Channel"/> and <paramref name="Content"/>.</param>
/// <param name="CustomerId">For whom; without one a made-up customer stands in.</param>
public sealed record RenderInput(string? TemplateId, Channel? Channel, CampaignContent? Content, string? CustomerId);

public sealed class RenderInputValidator : AbstractValidator<RenderInput>
{
    public RenderInputValidator()
    {
        RuleFor(r => r.TemplateId).Empty().When(r => r.Content is not null).WithMessage("Either a template or a content, not both.");
        RuleFor(r => r.Content).NotNull().When(r => r.TemplateId is null).WithMessage("A template's id or a content is expected.");
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
public sealed record RenderView(Channel Channel, string? Subject, string? Html, string? Text, IReadOnlyList<string> Empty, SmsSize? Sms);

/// <summary>Renders a content for one customer, as it would be sent; the link to unsubscribe leads nowhere.</summary>
public sealed class RenderContent(WorkspaceStore<Template> templates, CustomerStore customers, CampaignTemplates compiled, MergeFields merge, TimeProvider clock)
{
    internal static readonly MessageLinks Untracked = new("https://example.com/unsubscribe", url => url, PixelUrl: null);

    public async Task<RenderView> HandleAsync(RenderInput input, CancellationToken cancellation)
    {
        var (channel, content) = input.TemplateId is { } id
            ? await templates.ReadAsync(id, cancellation) is { Value: var template } ? (template.Channel, template.Content) : throw new TemplateNotFound(id).ToException()
            : (input.Channel!.Value, input.Content!.Normal());
        var customer = input.CustomerId is { } customerId
            ? (await customers.ReadAsync(customerId, cancellation))?.Value ?? throw new CustomerNotFound(customerId).ToException()
            : SampleCustomer.At(clock.GetUtcNow());
        var ready = compiled.Get(content);
        var rendered = ready.Render(customer, Untracked);
        return new(
            channel, rendered.Subject, rendered.Html, rendered.Text, merge.EmptyOf(customer, ready.Fields),
            channel == Channel.Sms && rendered.Text is { } text ? SmsText.Measure(text) : null);
    }
}
