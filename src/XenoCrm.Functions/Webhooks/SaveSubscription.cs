using System.ComponentModel.DataAnnotations;
using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Webhooks;

/// <param name="Url">Where events are posted to: https, at a public address.</param>
/// <param name="Events">Which ones; at least one.</param>
/// <param name="Batch">True: up to a hundred events in a request, as a JSON array; for subscribers of <c>message.*</c> with large campaigns. False or absent: one event in a request, as Standard Webhooks has it.</param>
public sealed record SubscriptionInput(string? Name, [property: Required, MaxLength(ReceiverAddress.MaxLength)] string? Url, IReadOnlyList<WebhookEventType>? Events, bool? Batch);

/// <summary>What is absent stays.</summary>
/// <param name="Enabled">True: as if nothing had failed. What was held back meanwhile comes by a replay.</param>
public sealed record SubscriptionPatch(string? Name, [property: MaxLength(ReceiverAddress.MaxLength)] string? Url, IReadOnlyList<WebhookEventType>? Events, bool? Batch, bool? Enabled);

public sealed class SubscriptionInputValidator : AbstractValidator<SubscriptionInput>
{
    public const int MaxName = 200;

    public SubscriptionInputValidator(IOptions<WebhookOptions> options)
    {
        RuleFor(s => s.Name).NotEmpty().MaximumLength(MaxName);
        RuleFor(s => s.Url).Custom((url, context) => CheckUrl(url, options.Value, context));
        RuleFor(s => s.Events).NotEmpty();
        RuleForEach(s => s.Events).NotEqual(WebhookEventType.Test).WithMessage("It is sent when it is asked for.");
    }

    public static void CheckUrl<T>(string? url, WebhookOptions options, ValidationContext<T> context)
    {
        if (ReceiverAddress.Fault(url, options) is { } fault)
        {
            context.AddFailure(fault);
        }
    }
}

public sealed class SubscriptionPatchValidator : AbstractValidator<SubscriptionPatch>
{
    public SubscriptionPatchValidator(IOptions<WebhookOptions> options)
    {
        RuleFor(s => s.Name).NotEmpty().MaximumLength(SubscriptionInputValidator.MaxName).When(s => s.Name is not null);
        RuleFor(s => s.Url).Custom((url, context) => SubscriptionInputValidator.CheckUrl(url, options.Value, context)).When(s => s.Url is not null);
        RuleFor(s => s.Events).NotEmpty().When(s => s.Events is not null);
        RuleForEach(s => s.Events).NotEqual(WebhookEventType.Test).WithMessage("It is sent when it is asked for.");
    }
}

/// <summary>Creates and changes subscriptions.</summary>
public sealed class SaveSubscription(WorkspaceStore<WebhookSubscription> subscriptions, Receivers receivers, Ids ids, TimeProvider clock)
{
    public async Task<Versioned<WebhookSubscription>> CreateAsync(SubscriptionInput input, Caller caller, CancellationToken cancellation, string? requestId = null)
    {
        if ((await subscriptions.PageAsync(null, WebhookSubscription.MaxSubscriptions, cancellation)).Count == WebhookSubscription.MaxSubscriptions)
        {
            throw new TooManySubscriptions().ToException();
        }

        var now = clock.GetUtcNow();
        var subscription = new WebhookSubscription
        {
            Id = requestId ?? ids.New(), Name = input.Name!.Trim(), Url = input.Url!, Events = [.. input.Events!.Distinct().Order()], Batch = input.Batch ?? false,
            Secrets = [WebhookSecret.Create(now)], CreatedAt = now, CreatedBy = caller.Id, UpdatedAt = now,
        };
        return await subscriptions.CreateOnceAsync(subscription, cancellation);
    }

    public Task<Versioned<WebhookSubscription>> PatchAsync(string id, string ifMatch, SubscriptionPatch patch, CancellationToken cancellation) =>
        ReplaceAsync(id, ifMatch, current =>
        {
            var now = clock.GetUtcNow();
            var changed = current with
            {
                Name = patch.Name?.Trim() ?? current.Name,
                Url = patch.Url ?? current.Url,
                Events = patch.Events is { } events ? [.. events.Distinct().Order()] : current.Events,
                Batch = patch.Batch ?? current.Batch,
                FailingSince = patch.Url is { } url && url != current.Url ? null : current.FailingSince,
                UpdatedAt = now,
            };
            return patch.Enabled switch { true => changed.Enable(), false => changed.Disable(WebhookSubscription.ByRequest, now), null => changed };
        }, cancellation);

    /// <param name="requestId">Of a request that may be carried out again after a crash: the secret that it made is the answer.</param>
    public async Task<Versioned<WebhookSubscription>> RotateAsync(string id, string ifMatch, CancellationToken cancellation, string? requestId = null) =>
        requestId is not null && await subscriptions.ReadAsync(id, cancellation) is { } done && done.Value.Secrets[0].RequestId == requestId
            ? done
            : await ReplaceAsync(id, ifMatch, current => current.Rotate(clock.GetUtcNow(), requestId), cancellation);

    public async Task DeleteAsync(string id, string ifMatch, CancellationToken cancellation)
    {
        if (!await subscriptions.DeleteAsync(id, ifMatch, cancellation))
        {
            throw new SubscriptionNotFound(id).ToException();
        }
    }

    private async Task<Versioned<WebhookSubscription>> ReplaceAsync(
        string id, string ifMatch, Func<WebhookSubscription, WebhookSubscription> change, CancellationToken cancellation)
    {
        var current = await subscriptions.ReadAsync(id, cancellation) ?? throw new SubscriptionNotFound(id).ToException();
        var changed = change(current.Value);
        var etag = await subscriptions.ReplaceAsync(changed, ifMatch == "*" ? current.ETag : ifMatch, cancellation);
        receivers.Of(id).Worked();
        return new(changed, etag);
    }
}
