using System.Net;
using System.Security.Cryptography;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>
/// Creates customers and changes what identifies them: which customer a row means, and that no two customers carry the
/// same key, under any concurrency and after a crash between any two writes.
///
/// <para>
/// Two containers and no transaction over both. An identity item <c>{ id: key, customerId, for }</c> is always written
/// BEFORE the customer that carries the key; a customer id is never reused, and nothing is ever deleted under it: a
/// deleted customer leaves a <em>void</em> item. With that, what a key means follows from what is stored:
/// </para>
/// <list type="bullet">
/// <item><b>valid</b>: the customer exists and carries the key. Nobody takes it away.</item>
/// <item><b>pending</b>: no item under the customer id. Somebody claimed the key and has not created the customer yet, or
/// crashed. Whoever needs the key creates the customer under THAT id (create fails for all but one: 409, read, merge), so
/// no key is lost for good. Who needs two pending ids adopts the smaller, or the existing customer, and creates a void
/// under the other: its owner's create then fails, and it reads again.</item>
/// <item><b>busy</b>: the customer exists, does not carry the key, and <c>for</c> is its present ETag: somebody is about to
/// replace it, or crashed. After a few waits the customer is replaced by itself: that changes the ETag, so the old writer's
/// conditional write cannot succeed any more.</item>
/// <item><b>dead</b>: the customer is void, or exists, does not carry the key and <c>for</c> is not its ETag. The write that
/// the claim was made for can no longer happen, so anyone may take the key, under the identity item's own ETag.</item>
/// </list>
/// <para>
/// Crash points. After some claims: pending or busy, see above. After all claims, before the customer: the same. Half of a
/// bulk: each customer is on its own, whatever order its operations arrive in. After the customer, before keys it no
/// longer carries are retired: these are dead.
/// Races. Two writers create the same key: one create of the identity wins, the other reads the winner, whose customer
/// is there or pending. Two writers change one customer: one replace wins (412), the other reads and merges.
/// </para>
/// <para>
/// Repeating a run of an import is exact. What is decided of its rows is stored before it is written
/// (<see cref="WriteJournal"/>), and each write leaves a mark on the customer (<see cref="ImportMark"/>), which stays on the
/// void when the customer is removed. A repeated run looks at the customers that its earlier tries named: rows whose write
/// has happened are what they were, wherever their keys lead by now; rows that were decided without a write stay decided;
/// the others are decided anew. So nothing is applied twice or over a newer value, whoever else has written meanwhile.
/// </para>
/// <para>
/// A phone number is weaker: people share them. Only its first owner has the identity; others carry the number without it.
/// </para>
/// <para>
/// Requests for 1,000 new customers with three keys each: 3 lookups, 30 + 10 bulk requests of 100: 0.043 per customer.
/// </para>
/// </summary>
public sealed class CustomerWriter(CosmosDatabase database, CustomerStore store, AttributeSchema attributes, AddressHasher hasher, ISegmentTagger tagger, Ids ids, TimeProvider clock)
{
    /// <summary>A run of so many rows keeps the bulk requests full and the memory small.</summary>
    public const int GoodRunSize = 2000;

    /// <summary>From here on operations share requests; below, waiting for a request to fill costs more than it saves.</summary>
    private const int BulkFrom = 100;

    /// <summary>Waits before a busy key's claim is broken; each is at least a few milliseconds and most writes take one.</summary>
    private const int BusyRounds = 6;

    /// <summary>A customer that 64 writers change at once is reached within 64 rounds; more means that something is wrong.</summary>
    private const int MaxRounds = 300;

    /// <summary>Over <see cref="MaxRounds"/> it is longer than <c>MergeCustomers</c> needs to notice that nobody works on a merge.</summary>
    private static readonly TimeSpan MergeWait = TimeSpan.FromMilliseconds(150);

    private readonly IdentityStore identities = new(database);
    private readonly PlannedWrites writes = new(database, store, clock);

    /// <summary>
    /// Creates or overlays a run of customers, in the order of the rows. Rows that mean the same customer are folded and
    /// written once. A bad row fails alone; an exception means that the storage did not answer, and the run can be repeated.
    /// </summary>
    /// <returns>One result per row, in order.</returns>
    public async Task<IReadOnlyList<WriteResult>> UpsertAsync(IReadOnlyList<UpsertRow> rows, UpsertOptions options, CancellationToken cancellation)
    {
        var typed = await attributes.ApplyAsync([.. rows.Select(r => r.Draft)], fromText: options.Journal is not null, imagined: null, cancellation);
        var run = new CustomerRun([.. rows.Select((r, i) => Row(typed[i].Draft, r.Row))], options);
        for (var i = 0; i < rows.Count; i++)
        {
            run.Results[i] = typed[i].Issues is [{ } issue, ..] ? WriteResult.Failed(issue.Code, $"{issue.Field.Replace('/', '.')}: {issue.Message}") : null!;
        }

        await WriteAsync(run, cancellation);
        return run.Results!;
    }

    /// <summary>Takes back what journal lines of an import did to customers: see <see cref="StoredFields{T}"/>.</summary>
    /// <returns>One result per line, in order: updated (put back, or deleted by its code), or unchanged with the reason.</returns>
    internal async Task<IReadOnlyList<WriteResult>> UndoAsync(IReadOnlyList<JournalLine> lines, UpsertOptions options, CancellationToken cancellation)
    {
        var run = new CustomerRun([.. lines.Select(line => RowToWrite.Undo(line, hasher))], options);
        await WriteAsync(run, cancellation);
        return run.Results!;
    }

    /// <summary>Creates one customer; it is a problem when it exists, unless an earlier try of the same request has created it.</summary>
    public async Task<Versioned<Customer>> CreateAsync(CustomerDraft draft, string source, CancellationToken cancellation, string? requestId = null)
    {
        try
        {
            return await WriteOneAsync(Row(draft, 1, Intent.Create), source, cancellation, requestId);
        }
        catch (ProblemException exception) when (requestId is not null && exception.Problem is CustomerExists { Id: not null })
        {
            var known = await store.ReadAsync(((CustomerExists)exception.Problem).Id!, cancellation);
            if (known?.Value.RequestId == requestId)
            {
                return known!;
            }

            throw;
        }
    }

    /// <summary>Creates one customer or overlays the one it is.</summary>
    public Task<Versioned<Customer>> UpsertAsync(CustomerDraft draft, string source, CancellationToken cancellation) =>
        WriteOneAsync(Row(draft, 1), source, cancellation);

    /// <summary>Gives a customer another profile. Its keys move with it.</summary>
    /// <param name="ifMatch">Null: whatever it is now.</param>
    public Task<Versioned<Customer>> ReplaceAsync(string id, string? ifMatch, CustomerDraft draft, string source, CancellationToken cancellation) =>
        WriteOneAsync(Row(draft, 1, Intent.Replace, id, ifMatch), source, cancellation);

    /// <summary>Which customers rows mean, without writing anything: the keys' customers, where they exist.</summary>
    public async Task<IReadOnlyDictionary<string, Versioned<Customer>>> FindAsync(IReadOnlyCollection<string> keys, CancellationToken cancellation)
    {
        var found = await identities.ReadAsync(keys, cancellation);
        var slots = await ReadWholeAsync([.. found.Values.Where(i => i.Value.Erased is null).Select(i => i.Value.CustomerId).Distinct()], cancellation);
        var customers = new Dictionary<string, Versioned<Customer>>(keys.Count);
        foreach (var (key, identity) in found)
        {
            if (Follow(slots, identity.Value.CustomerId) is { Customer: { } customer } slot && (customer.Inherits(key) || slot.Keys(hasher).Contains(key)))
            {
                customers[key] = new(customer, slot.ETag);
            }
        }

        return customers;
    }

    /// <summary>The customers that are meant by ids, which may be those of customers that were merged into them.</summary>
    public async Task<IReadOnlyDictionary<string, Versioned<Customer>>> ResolveAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var slots = await ReadWholeAsync(ids, cancellation);
        return ids.Select(id => (Id: id, Slot: Follow(slots, id))).Where(s => s.Slot?.Customer is not null).ToDictionary(s => s.Id, s => new Versioned<Customer>(s.Slot!.Customer!, s.Slot.ETag));
    }

    private static CustomerSlot? Follow(Dictionary<string, CustomerSlot> slots, string id)
    {
        var slot = slots.GetValueOrDefault(id);
        while (slot?.Into is { } into)
        {
            slot = slots[into];
        }

        return slot;
    }

    /// <summary>As they are when no merge of them is under way: in between a customer is in two places.</summary>
    private async Task<Dictionary<string, CustomerSlot>> ReadWholeAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var slots = await store.ReadSlotsAsync(ids, cancellation);
            if (!slots.Values.Any(s => s.IsFrozen))
            {
                return slots;
            }

            await Task.Delay(MergeWait, cancellation);
        }

        throw new CustomerBusy { RetryAfterSeconds = 10 }.ToException();
    }

    /// <summary>Whether one of the keys is of a person who was, or is being, erased.</summary>
    internal async Task<bool> AnyErasedAsync(IReadOnlyCollection<string> keys, CancellationToken cancellation) =>
        (await identities.ReadAsync([.. keys.Distinct()], cancellation)).Values.Any(i => i.Value.Erased is not null);

    /// <summary>Makes the keys tombstones.</summary>
    /// <param name="owners">The customers that are erased.</param>
    /// <returns>The keys that are another's, and stay so.</returns>
    internal Task<IReadOnlyList<string>> EraseKeysAsync(IReadOnlyCollection<string> keys, IReadOnlySet<string> owners, DateTimeOffset at, CancellationToken cancellation) =>
        identities.EraseAsync(
            keys, owners,
            async identity =>
            {
                // Another's when it is carried, or claimed for a customer or a change that may still come.
                var slots = await store.ReadSlotsAsync([identity.CustomerId], cancellation);
                return Follow(slots, identity.CustomerId) is { } slot && !slot.IsFrozen
                    && (slot.Customer is not { } owner || (identity.For != slot.ETag && !owner.Inherits(identity.Id) && !slot.Keys(hasher).Contains(identity.Id)));
            },
            at, cancellation);

    /// <summary>What is stored of keys, for people to see.</summary>
    internal async Task<IReadOnlyList<Identity>> IdentitiesAsync(IReadOnlyCollection<string> keys, CancellationToken cancellation) =>
        [.. (await identities.ReadAsync(keys, cancellation)).Values.Select(i => i.Value)];

    /// <summary>Frees the keys of a customer that has been voided.</summary>
    internal async Task ReleaseAsync(IReadOnlyCollection<Versioned<Identity>> keys, CancellationToken cancellation)
    {
        foreach (var key in keys)
        {
            await identities.ReleaseAsync(key, inBulk: false, cancellation);
        }
    }

    /// <summary>The identity items that are this customer's, as they are now.</summary>
    internal async Task<IReadOnlyList<Versioned<Identity>>> KeysOfAsync(Customer customer, CancellationToken cancellation)
    {
        var found = await identities.ReadAsync([.. hasher.KeysOf(customer).All], cancellation);
        return [.. found.Values.Where(i => i.Value.CustomerId == customer.Id)];
    }

    private RowToWrite Row(CustomerDraft draft, long row, Intent intent = Intent.Upsert, string? targetId = null, string? ifMatch = null) =>
        new(draft, hasher.KeysOf(draft), row, intent, targetId, ifMatch);

    private async Task<Versioned<Customer>> WriteOneAsync(RowToWrite row, string source, CancellationToken cancellation, string? requestId = null)
    {
        var run = new CustomerRun([row], new(source, RequestId: requestId));
        await WriteAsync(run, cancellation);
        var result = run.Results[0]!;
        return result.Code switch
        {
            null => run.Stored[result.CustomerId!],
            CustomerNotFound.CodeName => throw new CustomerNotFound(row.TargetId!).ToException(),
            CustomerExists.CodeName => throw new CustomerExists(result.CustomerId).ToException(),
            CustomerPlan.Stale => throw new ETagStale().ToException(),
            CustomerErased.CodeName => throw new CustomerErased().ToException(),
            CustomerMerged.CodeName => throw new CustomerMerged(row.TargetId!, result.CustomerId!) { Moved = (row.TargetId!, result.CustomerId!) }.ToException(),
            IdentityConflict.CodeName => throw new IdentityConflict(result.Message!).ToException(),
            _ => throw new CustomerBusy { RetryAfterSeconds = 1 }.ToException(),
        };
    }

    private async Task WriteAsync(CustomerRun run, CancellationToken cancellation)
    {
        var left = new List<int>(run.Rows.Length);
        for (var i = 0; i < run.Rows.Length; i++)
        {
            if (run.Results[i] is not null)
            {
                continue;
            }

            if (run.Rows[i].TargetId is not null || run.Rows[i].Keys.All.Any())
            {
                left.Add(i);
            }
            else
            {
                run.Results[i] = WriteResult.Failed("customer.identity_missing", "An external id, an email, or a phone number with its country is needed.");
            }
        }

        for (var round = 0; left.Count > 0; round++)
        {
            if (round == MaxRounds)
            {
                left.ForEach(i => run.Results[i] = WriteResult.Failed(CustomerBusy.CodeName, "Others kept changing this customer: try again."));
                await run.GiveUpAsync(left, cancellation);
                return;
            }

            if (round > 0)
            {
                // Random, so that writers that met once do not meet again; short, because most conflicts are two writers.
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(round, 5)), cancellation);
            }

            left = await RoundAsync(run, left, round, cancellation);
        }

        if (run.Options is { Journal: { } journal, Scope: null })
        {
            await journal.CompleteAsync(cancellation);
        }
    }

    /// <returns>The rows that are left to do.</returns>
    private async Task<List<int>> RoundAsync(CustomerRun run, List<int> rows, int round, CancellationToken cancellation)
    {
        var known = await identities.ReadAsync([.. rows.SelectMany(i => run.Rows[i].Keys.All).Distinct()], cancellation);
        var customerIds = known.Values.Where(i => i.Value.Erased is null).Select(i => i.Value.CustomerId)
            .Concat(rows.Select(i => run.Rows[i].TargetId).OfType<string>())
            .Concat(run.CustomersOfEarlierTries(rows)).ToHashSet();
        var slots = await store.ReadSlotsAsync(customerIds, cancellation);
        rows = run.SettleEarlierTries(rows, slots);
        var removals = rows.Where(i => run.Rows[i].Intent == Intent.Remove).Select(i => run.Rows[i].TargetId!).ToHashSet();

        // Asked after the customers were read: an order that comes later changes its customer's ETag.
        var occupied = removals.Count > 0 ? await store.OccupiedAsync(removals, cancellation) : [];
        var now = clock.GetUtcNow();
        if (round > 0 && slots.Values.Any(s => s.IsFrozen))
        {
            // A merge takes a moment, and when its process has died, until somebody else goes on with it.
            await Task.Delay(MergeWait, cancellation);
        }

        var plans = new List<(List<int> Group, CustomerPlan Plan, int Planned)>(rows.Count);
        foreach (var group in run.Group(rows, known, slots))
        {
            var plan = new CustomerPlan(hasher, known, slots, run.Minted, run.OwnClaims, () => run.Mint(ids.New()), run.Options, now) { Occupied = occupied };
            var planned = 0;
            while (planned < group.Count && plan.TryAdd(group[planned], run.Rows[group[planned]]))
            {
                planned++;
            }

            plans.Add((group, plan, planned));
        }

        if (round >= BusyRounds)
        {
            await tagger.RefreshAsync(cancellation);
            foreach (var blocker in plans.SelectMany(p => p.Plan.Blockers))
            {
                await store.TryReplaceDerivedAsync(store.Derive(blocker.Value), blocker.ETag, cancellation);
            }
        }

        await run.JournalAsync(plans.Select(p => p.Plan), cancellation);

        // All claims, then all customers: so that the requests they share are full.
        var changes = plans.SelectMany(p => p.Plan.Changes).ToList();
        var isBulk = changes.Sum(c => c.Claims.Count + (c.IsDirty ? 1 : 0)) >= BulkFrom;
        var claimed = await PlannedWrites.ForAllAsync(changes, c => writes.ClaimAsync(run, c, isBulk, cancellation), cancellation);
        changes = [.. changes.Where((_, i) => claimed[i])];

        // Read before the customers are written: if another claims one of these afterwards, its ETag is another.
        var dropped = changes.SelectMany(c => c.Dropped.Select(key => (key, c))).DistinctBy(d => d.key).ToDictionary(d => d.key, d => d.c);
        var released = dropped.Count > 0 ? await identities.ReadAsync(dropped.Keys, cancellation) : [];
        await tagger.RefreshAsync(cancellation);
        var stored = await PlannedWrites.ForAllAsync(changes, c => writes.StoreAsync(run, c, isBulk, cancellation), cancellation);
        var done = changes.Where((_, i) => stored[i]).ToHashSet();
        await Task.WhenAll(released.Values.Where(i => dropped[i.Value.Id] is var c && i.Value.CustomerId == c.Id && done.Contains(c))
            .Select(key => identities.ReleaseAsync(key, isBulk, cancellation)));
        return [.. plans.SelectMany(p => Settle(run, p.Group[p.Planned..], p.Plan, done)).Order()];
    }

    /// <returns>The rows of the group that are left to do.</returns>
    private static List<int> Settle(CustomerRun run, List<int> left, CustomerPlan plan, HashSet<PlannedChange> done)
    {
        foreach (var change in plan.Changes)
        {
            foreach (var (index, result) in change.Rows)
            {
                if (done.Contains(change))
                {
                    run.Results[index] = result;
                }
                else
                {
                    left.Add(index);
                }
            }
        }

        // A failure because of something that did not happen is decided again.
        foreach (var (index, result, upon) in plan.Failures)
        {
            if (upon.All(done.Contains))
            {
                run.Results[index] = result;
            }
            else
            {
                left.Add(index);
            }
        }

        return left;
    }
}
