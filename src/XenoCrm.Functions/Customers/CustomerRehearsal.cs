using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>What writing a row would do.</summary>
/// <param name="Before">Null when it would be created, or fail.</param>
/// <param name="After">The same instance as before when nothing would change; null when it would fail.</param>
/// <param name="Keys">What identifies it.</param>
public sealed record Rehearsed<T>(WriteResult Result, T? Before, T? After, IReadOnlyList<string> Keys)
    where T : class;

/// <summary>
/// Decides what rows would do, by the plans of the <see cref="CustomerWriter"/>, without writing: what they would store is
/// imagined, and the rows after them are decided as if it were there.
/// </summary>
public sealed class CustomerRehearsal(CosmosDatabase database, CustomerStore store, AddressHasher hasher, Ids ids, TimeProvider clock)
{
    /// <summary>Somebody else's half-made change is waited for so often.</summary>
    private const int MaxRounds = 20;

    private readonly IdentityStore identities = new(database);
    private readonly Dictionary<string, Versioned<Identity>> imaginedKeys = [];
    private readonly Dictionary<string, CustomerSlot> imagined = [];
    private readonly HashSet<string> minted = [];

    /// <summary>Customers that are remembered as they would be.</summary>
    public int Count => imagined.Count;

    /// <summary>From here on rows are decided by what is stored: memory must not grow with a file.</summary>
    public void Forget()
    {
        imaginedKeys.Clear();
        imagined.Clear();
        minted.Clear();
    }

    /// <param name="rows">With attributes in the form of their types.</param>
    /// <returns>One per row, in order.</returns>
    public async Task<IReadOnlyList<Rehearsed<Customer>>> RunAsync(IReadOnlyList<UpsertRow> rows, string source, DateTimeOffset? saidAt, CancellationToken cancellation)
    {
        var run = new CustomerRun([.. rows.Select(r => new RowToWrite(r.Draft, hasher.KeysOf(r.Draft), r.Row))], new(source, SaidAt: saidAt));
        var results = new Rehearsed<Customer>[rows.Count];
        var left = new List<int>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            if (run.Rows[i].Keys.All.Any())
            {
                left.Add(i);
            }
            else
            {
                results[i] = Failed(WriteResult.Failed("customer.identity_missing", "An external id, an email, or a phone number with its country is needed."));
            }
        }

        for (var round = 0; left.Count > 0; round++)
        {
            if (round == MaxRounds)
            {
                left.ForEach(i => results[i] = Failed(WriteResult.Failed(CustomerBusy.CodeName, "Others kept changing this customer: try again.")));
                break;
            }

            var before = left.Count;
            left = await RoundAsync(run, left, results, cancellation);
            if (left.Count == before)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), clock, cancellation);
            }
        }

        return results;
    }

    private async Task<List<int>> RoundAsync(CustomerRun run, List<int> rows, Rehearsed<Customer>[] results, CancellationToken cancellation)
    {
        var known = await identities.ReadAsync([.. rows.SelectMany(i => run.Rows[i].Keys.All).Where(k => !imaginedKeys.ContainsKey(k)).Distinct()], cancellation);
        foreach (var key in rows.SelectMany(i => run.Rows[i].Keys.All))
        {
            if (imaginedKeys.TryGetValue(key, out var identity))
            {
                known[key] = identity;
            }
        }

        var owners = known.Values.Where(i => i.Value.Erased is null).Select(i => i.Value.CustomerId).ToHashSet();
        var slots = new Dictionary<string, CustomerSlot>(await store.ReadSlotsAsync([.. owners.Where(id => !imagined.ContainsKey(id))], cancellation));
        foreach (var id in owners.Concat(slots.Keys).Where(imagined.ContainsKey).ToList())
        {
            slots[id] = imagined[id];
        }

        var left = new List<int>();
        foreach (var group in run.Group(rows, known, slots))
        {
            var plan = new CustomerPlan(hasher, known, slots, run.Minted, run.OwnClaims, Mint, run.Options, clock.GetUtcNow());
            var planned = 0;
            var soFar = new Dictionary<string, Customer>();
            while (planned < group.Count && plan.TryAdd(group[planned], run.Rows[group[planned]]))
            {
                var index = group[planned++];
                results[index] = Result(plan, index, run.Rows[index], soFar);
            }

            left.AddRange(group[planned..]);
            Imagine(plan);
        }

        left.Sort();
        return left;
    }

    private Rehearsed<Customer> Result(CustomerPlan plan, int index, RowToWrite row, Dictionary<string, Customer> soFar)
    {
        if (plan.Failures.Count > 0 && plan.Failures[^1].Index == index)
        {
            return Failed(plan.Failures[^1].Result);
        }

        var change = plan.Changes.Single(c => c.Rows.Count > 0 && c.Rows[^1].Index == index);
        var before = soFar.GetValueOrDefault(change.Id) ?? change.Before;
        soFar[change.Id] = change.After!;
        var id = minted.Contains(change.Id) ? null : change.Id;
        return new(new(change.Rows[^1].Result.Outcome, id, Doubts: change.Rows[^1].Result.Doubts), before, change.After, [.. row.Keys.All]);
    }

    private void Imagine(CustomerPlan plan)
    {
        foreach (var change in plan.Changes.Where(c => c.IsDirty))
        {
            var etag = $"imagined-{imagined.Count}-{change.Rows[^1].Index}";
            imagined[change.Id] = new(change.Id, change.After, etag);
            foreach (var (identity, _) in change.Claims)
            {
                imaginedKeys[identity.Id] = new(identity with { For = null }, etag);
            }
        }
    }

    private string Mint()
    {
        var id = ids.New();
        minted.Add(id);
        return id;
    }

    private static Rehearsed<Customer> Failed(WriteResult result) => new(result, null, null, []);
}
