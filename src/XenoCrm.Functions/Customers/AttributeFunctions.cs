using FluentValidation;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Customers;

/// <summary>An attribute that customers can carry.</summary>
/// <param name="Declared">False: it has the type of its first value.</param>
/// <param name="Change">It is about to have another type, or to be removed (without "to"): in a minute, if no customer carries it then.</param>
public sealed record AttributeView(string Key, AttributeType Type, string Label, bool Declared, DateTimeOffset Since, AttributeChange? Change);

/// <param name="Label">What people call it; the key when absent.</param>
public sealed record AttributeInput(AttributeType? Type, string? Label);

public sealed class AttributeInputValidator : AbstractValidator<AttributeInput>
{
    public AttributeInputValidator()
    {
        RuleFor(a => a.Type).NotNull().WithMessage("string, number, boolean, date or dateTime is expected.");
        RuleFor(a => a.Label).MaximumLength(AttributeSchema.MaxLabel);
    }
}

/// <summary>The types of custom attributes.</summary>
public sealed class AttributeFunctions(AttributeSchema schema, ChangeAttribute change)
{
    [Function("ListCustomerAttributes")]
    [RequireRole(Role.Viewer)]
    [Describe("List the custom attributes and their types", "An attribute gets the type of its first value, or is declared with PUT. A value of another type is an error: customer.attribute_type.")]
    [Answers(200, typeof(Page<AttributeView>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/attributes")] HttpRequest request, CancellationToken cancellation)
    {
        var types = await schema.ReadNowAsync(cancellation);
        return Reply.Ok(new Page<AttributeView>([.. types.Keys.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => View(k.Key, k.Value))], null));
    }

    [Function("DeclareCustomerAttribute")]
    [RequireRole(Role.Manager)]
    [Describe("Declare a custom attribute", "Sets type and label. The type of an attribute that customers carry cannot change (409); that of another changes within a minute (202), in which no values are taken: customer.attribute_changing.")]
    [Body(typeof(AttributeInput)), Answers(200, typeof(AttributeView)), Answers(202, typeof(AttributeView)), Problems(409, 413, 415)]
    public async Task<IResult> Declare(
        [HttpTrigger(AuthorizationLevel.Anonymous, "put", Route = "api/customers/attributes/{key}")] HttpRequest request, string key, CancellationToken cancellation)
    {
        if (!AttributeSchema.IsKey(key))
        {
            throw RequestInvalid.At("/key", CustomerNormalizer.AttributeNameRule).ToException();
        }

        var input = await request.ReadAsync<AttributeInput>(cancellation);
        var declared = await change.DeclareAsync(key, input.Type!.Value, string.IsNullOrWhiteSpace(input.Label) ? null : input.Label.Trim(), cancellation);
        return declared.Change is null ? Reply.Ok(View(key, declared)) : Reply.Accepted(View(key, declared));
    }

    [Function("DeleteCustomerAttribute")]
    [RequireRole(Role.Manager)]
    [Describe("Remove a custom attribute", "Only one that no customer carries (409). It goes within a minute, in which no values are taken."), Answers(202, typeof(AttributeView)), Problems(404, 409)]
    public async Task<IResult> Delete(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/customers/attributes/{key}")] HttpRequest request, string key, CancellationToken cancellation) =>
        Reply.Accepted(View(key, await change.RemoveAsync(key, cancellation)));

    [Function("FinishAttributeChanges")]
    public Task Finish([TimerTrigger("*/15 * * * * *")] TimerInfo timer, CancellationToken cancellation) => change.FinishAsync(cancellation);

    private static AttributeView View(string key, AttributeDefinition definition) =>
        new(key, definition.Type, definition.Label ?? key, definition.Declared, definition.Since, definition.Change);
}
