using FluentValidation;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Delivery;

/// <param name="Reason">A short code; <c>manual</c> when absent.</param>
public sealed record SuppressionInput(Channel? Channel, string? Address, string? Reason);

public sealed class SuppressionInputValidator : AbstractValidator<SuppressionInput>
{
    public SuppressionInputValidator()
    {
        RuleFor(s => s.Channel).NotNull();
        RuleFor(s => s.Address).NotEmpty().MaximumLength(500);
        RuleFor(s => s.Reason).Matches("^[a-z0-9_]{1,50}$");
    }
}

public sealed class SuppressionFunctions(SuppressionStore suppressions, AddressHasher hasher, Cursors cursors, TimeProvider clock)
{
    [Function("ListSuppressions")]
    [RequireRole(Role.Viewer)]
    [Describe("List suppressed addresses", "As keyed hashes: the addresses themselves are not kept."), Paged, Answers(200, typeof(Page<Suppression>))]
    public async Task<IResult> List(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/suppressions")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, "suppressions");
        var found = await suppressions.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, "suppressions", s => s, s => s.Id));
    }

    [Function("AddSuppression")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Never write to an address again", "200 when it was suppressed already; the first reason stays.")]
    [Body(typeof(SuppressionInput)), Answers(201, typeof(Suppression)), Answers(200, typeof(Suppression)), Problems(413, 415)]
    public async Task<IResult> Add(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/suppressions")] HttpRequest request, CancellationToken cancellation)
    {
        var input = await request.ReadAsync<SuppressionInput>(cancellation);
        var suppression = new Suppression(
            hasher.Hash(input.Channel!.Value, input.Address!), input.Channel.Value, input.Reason ?? "manual", clock.GetUtcNow(), request.Caller().Id);
        return await suppressions.AddAsync(suppression, cancellation)
            ? Reply.Created("/api/suppressions", suppression)
            : Reply.Ok(await suppressions.ReadAsync(suppression.Id, cancellation) ?? suppression);
    }

    [Function("RemoveSuppression")]
    [RequireRole(Role.Manager)]
    [Describe("Allow writing to an address again", "The address is in the body and not in the URL, which is logged on its way.")]
    [Body(typeof(SuppressionInput)), Answers(204), Problems(404, 409, 413, 415)]
    public async Task<IResult> Remove(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/suppressions")] HttpRequest request, CancellationToken cancellation)
    {
        var input = await request.ReadAsync<SuppressionInput>(cancellation);
        return await suppressions.RemoveAsync(hasher.Hash(input.Channel!.Value, input.Address!), cancellation)
            ? Reply.NoContent()
            : throw new SuppressionNotFound().ToException();
    }
}
