using FluentValidation;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Campaigns;

public sealed record TemplateInput(string? Name, Channel? Channel, CampaignContent? Content);

public sealed class TemplateInputValidator : AbstractValidator<TemplateInput>
{
    public TemplateInputValidator()
    {
        RuleFor(t => t.Name).NotEmpty().MaximumLength(200);
        RuleFor(t => t.Channel).NotNull();
        RuleFor(t => t.Content).NotNull();
        RuleFor(t => t).Custom((t, context) =>
        {
            if (t.Content is not null)
            {
                ContentRules.Check(t.Channel, t.Content, nameof(TemplateInput.Content), context);
            }
        });
    }
}

/// <summary>Creates and changes templates.</summary>
public sealed class SaveTemplate(WorkspaceStore<Template> templates, Ids ids, TimeProvider clock)
{
    public async Task<Versioned<Template>> CreateAsync(TemplateInput input, Caller caller, CancellationToken cancellation, string? requestId = null)
    {
        var now = clock.GetUtcNow();
        var template = new Template
        {
            Id = requestId ?? ids.New(), Name = input.Name!.Trim(), Channel = input.Channel!.Value, Content = input.Content!.Normal(), CreatedAt = now, CreatedBy = caller.Id, UpdatedAt = now,
        };
        return await templates.CreateOnceAsync(template, cancellation);
    }

    public async Task<Versioned<Template>> ReplaceAsync(string id, string ifMatch, TemplateInput input, CancellationToken cancellation)
    {
        var current = await templates.ReadAsync(id, cancellation) ?? throw new TemplateNotFound(id).ToException();
        var changed = current.Value with
        {
            Name = input.Name!.Trim(), Channel = input.Channel!.Value, Content = input.Content!.Normal(), UpdatedAt = clock.GetUtcNow(),
        };
        var etag = await templates.ReplaceAsync(changed, ifMatch == "*" ? current.ETag : ifMatch, cancellation);
        return new(changed, etag);
    }

    public async Task DeleteAsync(string id, string ifMatch, CancellationToken cancellation)
    {
        if (!await templates.DeleteAsync(id, ifMatch, cancellation))
        {
            throw new TemplateNotFound(id).ToException();
        }
    }
}
