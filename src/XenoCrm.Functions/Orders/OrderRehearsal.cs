using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>
/// Decides what rows would do, by the plans of the <see cref="OrderWriter"/>, without writing. What they would store is
/// imagined, and the rows after them are decided as if it were there.
/// </summary>
public sealed class OrderRehearsal(CustomerWriter customers, OrderStore orders, AddressHasher hasher, TimeProvider clock)
{
    private const int Parallel = 16;

    /// <summary>By customer: its id, or for one that would be created the first key of its reference.</summary>
    private readonly Dictionary<string, Scene> scenes = [];

    /// <summary>Orders that are remembered as they would be.</summary>
    public int Count { get; private set; }

    /// <summary>From here on rows are decided by what is stored: memory must not grow with a file.</summary>
    public void Forget()
    {
        scenes.Clear();
        Count = 0;
    }

    /// <returns>One per row, in order.</returns>
    public async Task<IReadOnlyList<Rehearsed<Order>>> RunAsync(IReadOnlyList<OrderRow> rows, OrderOptions options, CancellationToken cancellation)
    {
        var keys = rows.Select(r => r.Draft.Customer is { } reference ? hasher.KeysOf(reference).All.ToList() : []).ToList();
        var found = await customers.FindAsync([.. keys.SelectMany(k => k).Distinct()], cancellation);
        var results = new Rehearsed<Order>[rows.Count];
        var groups = new Dictionary<string, (Versioned<Customer>? Customer, List<int> Rows)>();
        for (var i = 0; i < rows.Count; i++)
        {
            var customer = keys[i].Select(k => found.GetValueOrDefault(k)).FirstOrDefault(c => c is not null);
            if (customer is null && !options.CreateMissingCustomers)
            {
                results[i] = new(WriteResult.Failed(OrderCodes.CustomerUnknown, "No customer is known under this reference."), null, null, []);
                continue;
            }

            var scene = customer?.Value.Id ?? keys[i][0];
            if (!groups.TryGetValue(scene, out var group))
            {
                groups[scene] = group = (customer, []);
            }

            group.Rows.Add(i);
        }

        await System.Threading.Tasks.Parallel.ForEachAsync(
            groups.Where(g => g.Value.Customer is not null),
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (group, token) =>
            {
                var (customer, indexes) = group.Value;
                var stored = await orders.ReadAsync(customer!.Value.Id, indexes.Select(i => rows[i].Draft.OrderNumber), token);
                var scene = SceneOf(group.Key, stored?.Customer ?? customer);
                foreach (var (number, order) in stored?.Orders ?? [])
                {
                    scene.Orders.TryAdd(number, order);
                }
            });

        foreach (var (key, (customer, indexes)) in groups)
        {
            var scene = SceneOf(key, customer ?? new(new() { Id = key, CreatedAt = clock.GetUtcNow(), UpdatedAt = clock.GetUtcNow() }, ""));
            foreach (var i in indexes)
            {
                results[i] = Play(scene, rows[i], options, isNew: customer is null, key);
            }
        }

        return results;
    }

    private Rehearsed<Order> Play(Scene scene, OrderRow row, OrderOptions options, bool isNew, string customer)
    {
        var number = row.Draft.OrderNumber;
        var before = scene.Orders.GetValueOrDefault(number)?.Value;
        var plan = new OrderPlan(scene.Customer, scene.Orders, options, clock.GetUtcNow());
        plan.TryAdd(0, row);
        var result = plan.Results[0].Result with { CustomerId = isNew ? null : plan.Results[0].Result.CustomerId };
        var after = before;
        if (plan.HasWrites)
        {
            after = plan.Writes.Single().Order;
            Count += scene.Orders.ContainsKey(number) ? 0 : 1;
            scene.Orders[number] = new(after, "");
            scene.Customer = plan.After is { } totals ? new(totals, scene.Customer.ETag) : scene.Customer;
        }

        return result.Outcome == WriteOutcome.Failed ? new(result, null, null, []) : new(result, before, after, [$"{customer}\n{number}"]);
    }

    private Scene SceneOf(string key, Versioned<Customer> customer)
    {
        lock (scenes)
        {
            return scenes.TryGetValue(key, out var scene) ? scene : scenes[key] = new(customer);
        }
    }

    private sealed class Scene(Versioned<Customer> customer)
    {
        public Versioned<Customer> Customer { get; set; } = customer;

        public Dictionary<string, Versioned<Order>> Orders { get; } = [];
    }
}
