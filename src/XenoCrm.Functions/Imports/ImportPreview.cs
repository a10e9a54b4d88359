using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>
/// What writing rows would do, without writing: the dry run of one file. Exact for what is stored now; rows of the file
/// that mean the same new customer count as one created and the others updated.
/// </summary>
public sealed class ImportPreview(CustomerWriter customers, OrderStore orders, AddressHasher hasher, TimeProvider clock)
{
    private const int Parallel = 16;

    private readonly HashSet<string> newCustomers = [];
    private readonly HashSet<string> newOrders = [];

    public async Task<IReadOnlyList<WriteResult>> CustomersAsync(IReadOnlyList<UpsertRow> rows, CancellationToken cancellation)
    {
        var found = await customers.FindAsync([.. rows.SelectMany(r => Keys(r.Draft)).Distinct()], cancellation);
        var results = new List<WriteResult>(rows.Count);
        foreach (var row in rows)
        {
            var keys = Keys(row.Draft).ToList();
            if (keys.Select(k => found.GetValueOrDefault(k)).FirstOrDefault(c => c is not null) is { Value: var customer })
            {
                var same = ReferenceEquals(CustomerChange.Overlay(customer, row.Draft, "import", clock.GetUtcNow()), customer);
                results.Add(new(same ? WriteOutcome.Unchanged : WriteOutcome.Updated, customer.Id));
            }
            else
            {
                results.Add(new(newCustomers.Overlaps(keys) ? WriteOutcome.Updated : WriteOutcome.Created, null));
                newCustomers.UnionWith(keys);
            }
        }

        return results;
    }

    public async Task<IReadOnlyList<WriteResult>> OrdersAsync(IReadOnlyList<OrderRow> rows, OrderOptions options, CancellationToken cancellation)
    {
        var found = await customers.FindAsync([.. rows.SelectMany(r => Keys(r.Draft.Customer)).Distinct()], cancellation);
        var results = new WriteResult[rows.Count];
        var groups = Enumerable.Range(0, rows.Count)
            .GroupBy(i => Keys(rows[i].Draft.Customer).Select(k => found.GetValueOrDefault(k)).FirstOrDefault(c => c is not null)?.Value.Id);
        var byId = found.Values.DistinctBy(c => c.Value.Id).ToDictionary(c => c.Value.Id);
        await System.Threading.Tasks.Parallel.ForEachAsync(
            groups,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (group, token) =>
            {
                var stored = group.Key is null ? null : await orders.ReadAsync(group.Key, group.Select(i => rows[i].Draft.OrderNumber), token);
                foreach (var i in group)
                {
                    results[i] = stored is not null ? Of(byId[group.Key!], stored.Orders, rows[i], options)
                        : options.CreateMissingCustomers ? Once(Keys(rows[i].Draft.Customer).First(), rows[i])
                        : WriteResult.Failed("order.customer_unknown", "No customer is known under this reference.");
                }
            });
        return results;
    }

    private WriteResult Of(Versioned<Customer> customer, IReadOnlyDictionary<string, Versioned<Order>> stored, OrderRow row, OrderOptions options)
    {
        // Each row on its own: the totals that a plan of all of them would reach do not matter here.
        var plan = new OrderPlan(customer, stored, options, clock.GetUtcNow());
        plan.TryAdd(0, row);
        var result = plan.Results[0].Result;
        return result.Outcome == WriteOutcome.Created ? Once(customer.Value.Id, row) : result;
    }

    private WriteResult Once(string customer, OrderRow row)
    {
        lock (newOrders)
        {
            return new(newOrders.Add($"{customer}\n{row.Draft.OrderNumber}") ? WriteOutcome.Created : WriteOutcome.Updated, null);
        }
    }

    private string[] Keys(CustomerDraft? draft) => draft is null ? [] : [.. hasher.KeysOf(draft).All];
}
