using System.Collections.Concurrent;
using XenoCrm.Platform;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>Many writers on few customers, by all routes at once: what is stored in the end adds up.</summary>
public sealed class OrderConcurrencyTests
{
    private const int Customers = 3;
    private const int Writers = 64;
    private const int Steps = 12;

    /// <summary>In one process writers take turns; with two, the storage alone keeps them apart.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    public async Task Totals_are_exact_with_64_writers_by_every_route(int processes, int seed)
    {
        await using var first = await CrmHarness.StartAsync();
        var apis = new List<OrderApi> { new(first) };
        for (var i = 1; i < processes; i++)
        {
            apis.Add(new(await first.AnotherAsync()));
        }

        for (var i = 0; i < Customers; i++)
        {
            await apis[0].CustomerAsync($"C{i}");
        }

        var known = new ConcurrentQueue<string>();
        var statuses = new ConcurrentDictionary<int, int>();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random((seed * 1000) + writer);
            var api = apis[writer % apis.Count];
            for (var step = 0; step < Steps; step++)
            {
                var answer = await StepAsync(api, random, writer, step, known);
                statuses.AddOrUpdate(answer.Status, 1, (_, n) => n + 1);
            }
        })));

        // Nothing but what the routes say: made, done, gone, and refused because another was faster.
        statuses.Keys.ShouldBeSubsetOf([200, 201, 204, 207, 404, 409]);
        statuses[201].ShouldBeGreaterThan(50);
        statuses[204].ShouldBeGreaterThan(20);
        statuses[200].ShouldBeGreaterThan(100);
        var customers = await apis[0].CheckedAsync();
        customers.Count.ShouldBe(Customers);
        customers.Sum(c => c.OrderCount).ShouldBeGreaterThan(50);
    }

    private static async Task<ApiAnswer> StepAsync(OrderApi api, Random random, int writer, int step, ConcurrentQueue<string> known)
    {
        string Body(string number) => FormattableString.Invariant($$"""
            { "customer": { "externalId": "C{{random.Next(Customers)}}" }, "orderNumber": "{{number}}", "amount": {{random.Next(10_000) / 100m}}, "placedAt": "2026-01-{{random.Next(1, 29):D2}}T00:00:00Z",
              "status": "{{(random.Next(2) == 0 ? "paid" : "placed")}}", "items": [ { "product": "x", "category": "c{{random.Next(3)}}", "quantity": {{random.Next(1, 4)}}, "unitPrice": {{random.Next(500) / 100m}} } ] }
            """);
        var id = known.TryDequeue(out var some) ? some : null;
        if (id is not null)
        {
            known.Enqueue(id);
        }

        switch (id is null ? 0 : random.Next(8))
        {
            case 0 or 1:
                var created = await api.CreateAsync(Body($"{writer}-{step}"));
                if (created.Status == 201)
                {
                    known.Enqueue(created["id"].GetString()!);
                }

                return created;
            case 2:
                return await api.BulkAsync($$"""{ "items": [ {{string.Join(", ", Enumerable.Range(0, 6).Select(i => Body($"shared{random.Next(10)}-{i}")))}} ] }""");
            case 3:
                return await api.PatchAsync(id!, $$"""{ "status": "{{new[] { "paid", "shipped", "delivered", "cancelled", "refunded" }[random.Next(5)]}}" }""");
            case 4:
                return await api.PatchAsync(id!, $$"""{ "refundedAmount": {{random.Next(50)}} }""");
            case 5:
                return await api.PatchAsync(id!, $$"""{ "amount": {{random.Next(50, 100)}}, "placedAt": "2026-02-{{random.Next(1, 28):D2}}T00:00:00Z" }""");
            case 6:
                return await api.DeleteAsync(id!);
            default:
                return await api.CreateAsync(Body(id![33..]));
        }
    }
}
