using XenoCrm.Platform;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>Customers that go while their orders come, and deletions that die half way.</summary>
public sealed class DeletionTests : IAsyncLifetime
{
    private CrmHarness crm = null!;
    private OrderApi api = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        api = new(crm);
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Orders(string customer, int count, string prefix = "") =>
        string.Join(",", Enumerable.Range(0, count).Select(i => $$"""{"customer":{"externalId":"{{customer}}"},"orderNumber":"{{prefix}}{{i}}","amount":{{i}},"placedAt":"2026-01-{{(i % 28) + 1:D2}}T00:00:00Z"}"""));

    private Task<ApiAnswer> BulkAsync(string orders, bool create = false) => api.BulkAsync($$"""{ "createMissingCustomers": {{(create ? "true" : "false")}}, "items": [ {{orders}} ] }""");

    private DeleteCustomer DeletionAt(TimeSpan later)
    {
        var clock = new Shifted(later);
        return new(crm.OrderStore, crm.Customers, crm.Writer, crm.Get<MergeCustomers>(), new(), clock);
    }

    [Fact]
    public async Task A_deletion_that_dies_at_any_write_is_finished_later()
    {
        var points = 0;
        foreach (var after in new[] { false, true })
        {
            for (var write = 1; ; write++, points++)
            {
                var id = await api.CustomerAsync("A");
                (await BulkAsync(Orders("A", 250))).ShouldBe(200);
                crm.Log.Reset();
                crm.Log.CrashBeforeWrite = after ? null : write;
                crm.Log.CrashAfterWrite = after ? write : null;
                var isDone = true;
                try
                {
                    await api.DeleteCustomerAsync(id);
                }
                catch (Exception exception) when (exception is CrashException || exception.InnerException is CrashException)
                {
                    isDone = false;
                }

                // Who is there has all of its orders; who is not is gone for everybody, and its orders follow.
                crm.Log.Reset();
                var left = await crm.Customers.ReadAsync(id, Cancellation);
                (left?.Value.OrderCount ?? 250).ShouldBe(250, $"crash {(after ? "after" : "before")} write {write}");
                var orders = await crm.OrderStore.CountAsync(id, Cancellation);

                // Not at once: the process that deletes may only be slow.
                await DeletionAt(TimeSpan.Zero).FinishAsync(Cancellation);
                (await crm.OrderStore.CountAsync(id, Cancellation)).ShouldBe(orders);
                await DeletionAt(TimeSpan.FromMinutes(5)).FinishAsync(Cancellation);
                (await crm.OrderStore.CountAsync(id, Cancellation)).ShouldBe(left is null ? 0 : 250, $"crash {(after ? "after" : "before")} write {write}");
                (await crm.Customers.VoidsWithOrdersAsync(DateTimeOffset.MaxValue, Cancellation)).ShouldBeEmpty();

                (await api.DeleteCustomerAsync(id)).Status.ShouldBe(left is null ? 404 : 204);
                (await api.CheckedAsync()).ShouldBeEmpty();
                if (isDone)
                {
                    break;
                }
            }
        }

        points.ShouldBeGreaterThan(6);
    }

    [Fact]
    public async Task If_Match_is_of_the_customer_before_the_deletion()
    {
        var id = await api.CustomerAsync("A");
        (await BulkAsync(Orders("A", 250))).ShouldBe(200);
        (await api.DeleteCustomerAsync(id, "\"old\"")).ShouldBeProblem(412, "request.etag_stale");
        (await api.CheckedAsync()).Single().OrderCount.ShouldBe(250);
        var etag = (await crm.Customers.ReadAsync(id, Cancellation))!.ETag;
        (await api.DeleteCustomerAsync(id, etag)).ShouldBe(204);
        (await api.CheckedAsync()).ShouldBeEmpty();
    }

    /// <summary>Three processes: one deletes again and again, the others write orders, with and without creating the customer.</summary>
    [Fact]
    public async Task No_order_survives_its_customer_and_every_item_has_its_result()
    {
        await using var other = await crm.AnotherAsync();
        await using var third = await crm.AnotherAsync();
        OrderApi[] writers = [new(other), new(third), api];
        await api.CustomerAsync("A");
        using var stop = new CancellationTokenSource();
        var deletions = 0;
        var deleting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var key = crm.Hasher.External("A");
                if ((await crm.Writer.FindAsync([key], CancellationToken.None)).TryGetValue(key, out var found) && (await api.DeleteCustomerAsync(found.Value.Id)).Status == 204)
                {
                    Interlocked.Increment(ref deletions);
                }

                await Task.Delay(5, CancellationToken.None);
            }
        }, CancellationToken.None);

        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(w => Task.Run(async () =>
        {
            var answers = new List<ApiAnswer>();
            for (var step = 0; step < 6 || Volatile.Read(ref deletions) < 3; step++)
            {
                var create = (w + step) % 2 == 0;
                answers.Add(await writers[w % 3].BulkAsync($$"""{ "createMissingCustomers": {{(create ? "true" : "false")}}, "items": [ {{Orders("A", 40, $"{w}-{step}-")}} ] }"""));
            }

            return answers;
        })));
        await stop.CancelAsync();
        await deleting;

        foreach (var answer in results.SelectMany(r => r))
        {
            answer.Status.ShouldBeOneOf(200, 207);
            foreach (var item in answer["items"].EnumerateArray())
            {
                var outcome = item.GetProperty("outcome").GetString();
                (outcome == "created" || item.GetProperty("code").GetString() == "order.customer_unknown").ShouldBeTrue(item.GetRawText());
            }
        }

        deletions.ShouldBeGreaterThan(2);
        await api.CheckedAsync();
    }

    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
