using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Orders;

public sealed class MergeFunctions(MergeCustomers merge)
{
    [Function("MergeCustomers")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe(
        "Make two customers one",
        "Where both have a value that of 'into' stays; tags and orders come together, the stricter consent holds, the totals are those of all orders. "
        + "Two orders with the same number, amount and time are one; with the same number only, the other's is renamed. "
        + "What is asked of the merged customer's id afterwards answers 308 and the new address; rows that carry its external id, email or phone mean the customer that stays. "
        + "The same again changes nothing. With very many orders it is 409 customer.merging after a while, and goes on by itself: asking again answers how it ended.")]
    [Body(typeof(MergeRequest)), Answers(200, typeof(MergeResult)), Problems(404, 409, 413, 415)]
    public async Task<IResult> Merge(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/customers/merge")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await merge.HandleAsync(await request.ReadAsync<MergeRequest>(cancellation), cancellation));

    /// <summary>Goes on with merges whose process has died; asking for one again does so sooner.</summary>
    [Function("FinishMerges")]
    public Task Finish([TimerTrigger("0 * * * * *")] TimerInfo timer, CancellationToken cancellation) => merge.FinishAbandonedAsync(cancellation);
}
