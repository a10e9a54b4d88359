using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>Whose orders rows are.</summary>
internal sealed class OrderCustomers(CustomerStore customers, CustomerWriter writer, AddressHasher hasher)
{
    /// <summary>Of the journal lines about customers that are created for their orders.</summary>
    public const string JournalScope = "customer";

    /// <summary>The customer of each row; rows that have none get their failure. Rows that get neither must be asked for again: their customer was just removed.</summary>
    public async Task<Dictionary<int, Versioned<Customer>>> FindAsync(
        IReadOnlyList<OrderRow> rows, List<int> pending, OrderOptions options, WriteResult[] results, CancellationToken cancellation)
    {
        var found = new Dictionary<int, Versioned<Customer>>(pending.Count);
        if (options.Journal is { IsRepeated: true } journal)
        {
            await FindCreatedAsync(rows, pending, journal, found, cancellation);
            pending = [.. pending.Where(i => !found.ContainsKey(i))];
        }

        var missing = await ResolveAsync(rows, pending, found, cancellation);
        var vanished = new HashSet<int>();
        if (options.CreateMissingCustomers)
        {
            var creatable = missing.Where(i => rows[i].Draft.Customer is not null).ToList();
            if (creatable.Count > 0)
            {
                var created = await writer.UpsertAsync([.. creatable.Select(i => new UpsertRow(rows[i].Draft.Customer!, rows[i].Row))], new(OrderWriter.CustomerSource, options.Journal, JournalScope), cancellation);
                foreach (var (index, result) in creatable.Zip(created).Where(c => c.Second.Outcome == WriteOutcome.Failed))
                {
                    results[index] = result;
                }

                var ids = creatable.Zip(created).Where(c => c.Second.CustomerId is not null).ToDictionary(c => c.First, c => c.Second.CustomerId!);
                var byId = (await customers.ReadManyAsync([.. ids.Values.Distinct()], cancellation)).ToDictionary(c => c.Value.Id);
                foreach (var (index, id) in ids)
                {
                    if (byId.TryGetValue(id, out var customer))
                    {
                        found[index] = customer;
                    }
                    else
                    {
                        vanished.Add(index);
                    }
                }
            }
        }

        foreach (var index in missing.Where(i => !found.ContainsKey(i) && !vanished.Contains(i) && results[i] is null))
        {
            results[index] = WriteResult.Failed(OrderCodes.CustomerUnknown, "No customer is known under this reference.");
        }

        return found;
    }

    /// <summary>Rows for which an earlier try created or changed a customer mean that one, wherever their keys lead by now.</summary>
    private async Task FindCreatedAsync(
        IReadOnlyList<OrderRow> rows, List<int> pending, WriteJournal journal, Dictionary<int, Versioned<Customer>> found, CancellationToken cancellation)
    {
        var ids = pending.SelectMany(i => journal.DecisionsOf(JournalScope, rows[i].Row)).SelectMany(d => d.Upon).Select(u => u.CustomerId).ToHashSet();
        var slots = await customers.ReadSlotsAsync(ids, cancellation);
        foreach (var index in pending)
        {
            if (journal.HappenedOf(JournalScope, rows[index].Row, slots)?.Result.CustomerId is { } id
                && CustomerSlot.Follow(slots, id) is { Customer: { } customer } slot)
            {
                found[index] = new(customer, slot.ETag);
            }
        }
    }

    /// <returns>The rows whose customer is not known.</returns>
    private async Task<List<int>> ResolveAsync(
        IReadOnlyList<OrderRow> rows, List<int> pending, Dictionary<int, Versioned<Customer>> found, CancellationToken cancellation)
    {
        var keysOf = pending.Where(i => rows[i].Draft.Customer is not null).ToDictionary(i => i, i => hasher.KeysOf(rows[i].Draft.Customer!).All.ToArray());
        var keys = keysOf.SelectMany(k => k.Value).ToHashSet();
        var byKey = keys.Count > 0 ? await writer.FindAsync(keys, cancellation) : new Dictionary<string, Versioned<Customer>>();
        var ids = pending.Select(i => rows[i].Draft.CustomerId).OfType<string>().ToHashSet();
        var byId = ids.Count > 0 ? await writer.ResolveAsync(ids, cancellation) : new Dictionary<string, Versioned<Customer>>();
        var missing = new List<int>();
        foreach (var index in pending)
        {
            var draft = rows[index].Draft;
            var customer = draft.CustomerId is { } id
                ? byId.GetValueOrDefault(id)
                : keysOf.GetValueOrDefault(index)?.Select(k => byKey.GetValueOrDefault(k)).FirstOrDefault(c => c is not null);
            if (customer is null)
            {
                missing.Add(index);
            }
            else
            {
                found[index] = customer;
            }
        }

        return missing;
    }
}
