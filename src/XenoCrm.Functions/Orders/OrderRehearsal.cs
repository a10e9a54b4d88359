using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>
/// Decides what rows would do, by the plans of the <see cref="OrderWriter"/>, without writing. What they would store is
/// imagined, and the rows after them are decided as if it were there. Customers that would be created are rehearsed too:
/// a reference to somebody who was erased, or to two customers, fails here as it will at the commit.
/// </summary>
/// <param name="missing">Used for nothing else.</param>
public sealed class OrderRehearsal(CustomerRehearsal missing, CustomerWriter customers, OrderStore orders, AddressHasher hasher, TimeProvider clock)
{
    private const int Parallel = 16;

    /// <summary>By the customer's id.</summary>
    private readonly Dictionary<string, Scene> scenes = [];

    /// <summary>Customers that would have been created, by their keys.</summary>
    private readonly Dictionary<string, Versioned<Customer>> created = [];

    /// <summary>Orders, or customers, that are remembered as they would be: whichever are more.</summary>
    public int Count => Math.Max(orderCount, missing.Count);

    private int orderCount;

    /// <summary>From here on rows are decided by what is stored: memory must not grow with a file.</summary>
    public void Forget()
    {
        scenes.Clear();
        created.Clear();
        missing.Forget();
        orderCount = 0;
    }

    /// <returns>One per row, in order.</returns>
    public async Task<IReadOnlyList<Rehearsed<Order>>> RunAsync(IReadOnlyList<OrderRow> rows, OrderOptions options, CancellationToken cancellation)
    {
        var keys = rows.Select(r => r.Draft.Customer is { } reference ? hasher.KeysOf(reference).All.ToList() : []).ToList();
        var found = await customers.FindAsync([.. keys.SelectMany(k => k).Distinct()], cancellation);
        var results = new Rehearsed<Order>[rows.Count];
        var owners = keys.Select(all => all.Select(k => found.GetValueOrDefault(k) ?? created.GetValueOrDefault(k)).FirstOrDefault(c => c is not null)).ToArray();
        if (options.CreateMissingCustomers)
        {
            await CreateMissingAsync(rows, owners, results, cancellation);
        }

        var groups = new Dictionary<string, (Versioned<Customer> Customer, List<int> Rows)>();
        for (var i = 0; i < rows.Count; i++)
        {
            if (owners[i] is not { } customer)
            {
                results[i] ??= new(WriteResult.Failed(OrderCodes.CustomerUnknown, "No customer is known under this reference."), null, null, []);
                continue;
            }

            if (!groups.TryGetValue(customer.Value.Id, out var group))
            {
                groups[customer.Value.Id] = group = (customer, []);
            }

            group.Rows.Add(i);
        }

        await System.Threading.Tasks.Parallel.ForEachAsync(
            groups.Where(g => !IsImagined(g.Value.Customer)),
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (group, token) =>
            {
                var (customer, indexes) = group.Value;
                var stored = await orders.ReadAsync(customer.Value.Id, indexes.Select(i => rows[i].Draft.OrderNumber), token);
                var scene = SceneOf(group.Key, stored?.Customer ?? customer);
                foreach (var (number, order) in stored?.Orders ?? [])
                {
                    scene.Orders.TryAdd(number, order);
                }
            });

        foreach (var (id, (customer, indexes)) in groups)
        {
            var scene = SceneOf(id, customer);
            var isNew = IsImagined(customer);
            foreach (var i in indexes)
            {
                // An imagined id is another one the next time: the reference says which order this is.
                results[i] = Play(scene, rows[i], options, isNew, isNew ? keys[i] : [id]);
            }
        }

        return results;
    }

    private static bool IsImagined(Versioned<Customer> customer) => customer.ETag.Length == 0;

    /// <summary>As the writer does: all of the run that have no customer yet at once, in their order, before any order.</summary>
    private async Task CreateMissingAsync(IReadOnlyList<OrderRow> rows, Versioned<Customer>?[] owners, Rehearsed<Order>[] results, CancellationToken cancellation)
    {
        var creatable = Enumerable.Range(0, rows.Count).Where(i => owners[i] is null && rows[i].Draft.Customer is not null).ToList();
        var outcomes = await missing.RunAsync([.. creatable.Select(i => new UpsertRow(rows[i].Draft.Customer!, rows[i].Row))], OrderWriter.CustomerSource, saidAt: null, cancellation);
        foreach (var (i, outcome) in creatable.Zip(outcomes))
        {
            if (outcome.After is not { } customer)
            {
                results[i] = new(outcome.Result, null, null, []);
                continue;
            }

            // One that others have created meanwhile has an id that is told, and is read like any other.
            owners[i] = new(customer, outcome.Result.CustomerId is null ? "" : "?");
            if (outcome.Result.CustomerId is null)
            {
                foreach (var key in hasher.KeysOf(customer).All)
                {
                    created.TryAdd(key, owners[i]!);
                }
            }
        }
    }

    private Rehearsed<Order> Play(Scene scene, OrderRow row, OrderOptions options, bool isNew, IReadOnlyList<string> customer)
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
            orderCount += scene.Orders.ContainsKey(number) ? 0 : 1;
            scene.Orders[number] = new(after, "");
            scene.Customer = plan.After is { } totals ? new(totals, scene.Customer.ETag) : scene.Customer;
        }

        return result.Outcome == WriteOutcome.Failed ? new(result, null, null, []) : new(result, before, after, [.. customer.Select(c => $"{c}\n{number}")]);
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
