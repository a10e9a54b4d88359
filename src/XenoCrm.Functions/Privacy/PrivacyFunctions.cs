using FluentValidation;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Privacy;

/// <summary>Somebody who is no customer and is never to become one.</summary>
public sealed record EraseAddressRequest(string? ExternalId, string? Email, string? Phone, string? Country);

public sealed class EraseAddressValidator : AbstractValidator<EraseAddressRequest>
{
    public EraseAddressValidator() =>
        RuleFor(r => r).Must(r => (r.ExternalId ?? r.Email ?? r.Phone) is not null).WithMessage("An external id, an email or a phone is needed.");
}

public sealed class PrivacyFunctions(EraseCustomer erase, ExportPersonalData export, WorkspaceStore<Erasure> erasures)
{
    [Function("EraseCustomer")]
    [RequireRole(Role.Manager, Scope = "customers:erase"), Idempotent]
    [Describe(
        "Erase a person (GDPR)",
        "The customer, its orders and everything that says who it was go; nothing is ever written to its addresses again, and neither an import nor a request brings them back: "
        + "that fails with customer.erased. There is no way to undo this. Answers a certificate; the same one when asked again. 202: there was too much for one request, and it goes on by itself.")]
    [Answers(200, typeof(Erasure)), Answers(202, typeof(Erasure)), Problems(404, 409)]
    public async Task<IResult> Erase(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/{id}/erase")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var erasure = await erase.HandleAsync(id, request.Caller().Id, cancellation);
        return erasure.State == ErasureState.Done ? Reply.Ok(erasure) : Reply.Accepted(erasure);
    }

    [Function("EraseAddress")]
    [RequireRole(Role.Manager, Scope = "customers:erase"), Idempotent]
    [Describe("Block somebody who is no customer", "Nobody is ever created by these keys, and nothing is written to these addresses. There is no way to undo this.")]
    [Body(typeof(EraseAddressRequest)), Answers(200, typeof(Erasure)), Problems(409, 413, 415)]
    public async Task<IResult> EraseAddress(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/erasures")] HttpRequest request, CancellationToken cancellation)
    {
        var input = await request.ReadAsync<EraseAddressRequest>(cancellation);
        var issues = new List<FieldIssue>();
        var person = CustomerNormalizer.Normalize(new() { ExternalId = input.ExternalId, Email = input.Email, Phone = input.Phone, Country = input.Country }, issues);

        // A warning is an error here: what is blocked must be exactly what was meant.
        return issues.Count == 0
            ? Reply.Ok(await erase.HandleAsync(person, request.Caller().Id, cancellation))
            : throw new RequestInvalid(issues.GroupBy(i => "/" + i.Field, i => i.Message).ToDictionary(g => g.Key, g => g.ToArray())).ToException();
    }

    [Function("GetErasure")]
    [RequireRole(Role.Manager)]
    [Describe("Read the certificate of an erasure", "Under the id of the customer who was erased."), Answers(200, typeof(Erasure)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/erasures/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var erasure = await erasures.ReadAsync(id, cancellation) ?? throw new ErasureNotFound(id).ToException();
        return Reply.Ok(erasure.Value, erasure.ETag);
    }

    [Function("ExportPersonalData")]
    [RequireRole(Role.Manager, Audited = true)]
    [Describe("Export everything that is held about a customer (GDPR)", "Profile, consent and its history, orders, messages of all campaigns, segments, suppressions, where it was imported from.")]
    [Answers(200, typeof(object)), Problems(404)]
    public Task<IResult> Export(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/customers/{id}/data")] HttpRequest request, string id, CancellationToken cancellation) =>
        export.HandleAsync(id, cancellation);

    [Function("FinishErasures")]
    public Task Finish([TimerTrigger("0 * * * * *")] TimerInfo timer, CancellationToken cancellation) => erase.FinishAsync(cancellation);
}
