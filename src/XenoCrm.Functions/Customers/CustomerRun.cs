using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>What a run remembers over its rounds.</summary>
internal sealed class CustomerRun(RowToWrite[] rows, UpsertOptions options)
{
    private readonly Lock gate = new();

    public RowToWrite[] Rows { get; } = rows;

    public UpsertOptions Options { get; } = options;

    public WriteResult[] Results { get; } = new WriteResult[rows.Length];

    /// <summary>Ids that this run made up, in this try or an earlier one: it may void them without disturbing anyone.</summary>
    public HashSet<string> Minted { get; } = [];

    /// <summary>What this run has claimed for changes: if one is still there in the next round, nobody else waits for it.</summary>
    public HashSet<(string Key, string CustomerId, string? For)> OwnClaims { get; } = [];

    /// <summary>What is stored now, for runs of one.</summary>
    public Dictionary<string, Versioned<Customer>> Stored { get; } = [];

    public string Mint(string id)
    {
        Minted.Add(id);
        return id;
    }

    public void Own(Identity claim)
    {
        lock (gate)
        {
            OwnClaims.Add(claim.Claim);
        }
    }

    public void Store(Customer customer, string etag)
    {
        if (Rows.Length == 1)
        {
            Stored[customer.Id] = new(customer, etag);
        }
    }

    /// <summary>The customers that decide whether what was planned for the rows before has happened.</summary>
    public IEnumerable<string> CustomersOfEarlierTries(List<int> rows) =>
        Options.Journal is { IsRepeated: true } journal
            ? rows.SelectMany(i => journal.DecisionsOf(Options.Scope, Rows[i].Row)).SelectMany(d => d.Upon).Select(u => u.CustomerId)
            : [];

    /// <summary>Gives rows that have had their effect the result they had.</summary>
    /// <returns>The others.</returns>
    public List<int> SettleEarlierTries(List<int> rows, Dictionary<string, CustomerSlot> slots)
    {
        if (Options.Journal is not { IsRepeated: true } journal)
        {
            return rows;
        }

        var left = new List<int>(rows.Count);
        foreach (var index in rows)
        {
            var row = Rows[index].Row;
            if (journal.HappenedOf(Options.Scope, row, slots) is { } decision && !IsNeededAgain(Rows[index], decision.Result, slots))
            {
                journal.Settle(Options.Scope, row, decision);
                Results[index] = decision.Result;
            }
            else
            {
                left.Add(index);

                // Nobody else creates these: the earlier try is over, or finds out that it is when it plans again.
                Minted.UnionWith(journal.DecisionsOf(Options.Scope, row).SelectMany(d => d.Upon).Select(u => u.CustomerId).Where(id => !slots.ContainsKey(id)));
            }
        }

        return left;
    }

    /// <summary>A customer for whom an order is still to be stored, removed meanwhile: the order needs another.</summary>
    private bool IsNeededAgain(RowToWrite row, WriteResult result, Dictionary<string, CustomerSlot> slots) =>
        Options.Scope is not null && row.Intent == Intent.Upsert && result.CustomerId is { } id && CustomerSlot.Follow(slots, id) is { Customer: null, IsFrozen: false };

    /// <summary>Stores what is about to be written.</summary>
    public async Task JournalAsync(IEnumerable<CustomerPlan> plans, CancellationToken cancellation)
    {
        if (Options.Journal is not { } journal)
        {
            return;
        }

        var lines = new List<JournalLine>(Rows.Length);
        var writes = new Dictionary<PlannedChange, int>(Rows.Length);
        var decided = new List<(int Index, WriteResult Result)>();
        foreach (var plan in plans)
        {
            foreach (var change in plan.Changes)
            {
                if (change.IsDirty)
                {
                    writes[change] = lines.Count;
                    lines.Add(LineOf(change.Rows) with { CustomerId = change.Id, Items = [ItemOf(change)] });
                }
                else if (change.IsSettled)
                {
                    decided.AddRange(change.Rows);
                }
            }

            foreach (var (index, result, upon) in plan.Failures)
            {
                if (upon.Count == 0)
                {
                    decided.Add((index, result));
                }
                else if (upon.All(c => c.IsDirty))
                {
                    lines.Add(LineOf([(index, result)]) with { Upon = [.. upon.Select(c => writes[c])] });
                }
            }
        }

        // Of the customers of orders only what is written matters: the orders have lines of their own.
        if (decided.Count > 0 && Options.Scope is null)
        {
            lines.Add(LineOf(decided));
        }

        if (lines.Count > 0)
        {
            var number = await journal.StoreAsync(lines, cancellation);
            foreach (var (change, line) in writes)
            {
                change.Entry = number + line;
            }
        }
    }

    /// <summary>The journal must not keep what was planned for rows that have failed in the end.</summary>
    public Task GiveUpAsync(List<int> rows, CancellationToken cancellation) =>
        Options.Journal?.StoreAsync([LineOf([.. rows.Select(i => (i, Results[i]))])], cancellation) ?? Task.CompletedTask;

    public IReadOnlyList<ImportMark> MarksOf(PlannedChange change)
    {
        var marks = change.Before?.Imports ?? [];
        return change.Entry is { } entry ? ImportMark.Add(marks, Options.Journal!.Import, Options.Journal.Run, entry) : marks;
    }

    private JournalLine LineOf(IEnumerable<(int Index, WriteResult Result)> rows) =>
        JournalLine.Of(Options.Scope, rows.Select(r => (Rows[r.Index].Row, r.Result)));

    private static JournalItem ItemOf(PlannedChange change) => change switch
    {
        { IsRemoval: true } => new(null),
        { Before: { } before } => new(null, Fields: CustomerFields.Profile.Between(before, change.After!)),
        _ => new(null, CustomerFields.Profile.Print(change.After!)),
    };

    /// <summary>
    /// Rows that share a key, or whose keys lead to the same customer, belong together: what one does decides what the
    /// next one means.
    /// </summary>
    public IEnumerable<List<int>> Group(List<int> rows, Dictionary<string, Versioned<Identity>> known, Dictionary<string, CustomerSlot> slots)
    {
        var groups = new List<List<int>>(rows.Count);
        var byLink = new Dictionary<string, List<int>>(rows.Count * 3);
        foreach (var index in rows)
        {
            List<int>? group = null;
            foreach (var link in LinksOf(Rows[index], known, slots))
            {
                if (!byLink.TryGetValue(link, out var other) || other == group)
                {
                    continue;
                }

                if (group is null)
                {
                    group = other;
                    continue;
                }

                // The larger takes in the smaller, whose links are all found through its rows.
                var (large, small) = group.Count >= other.Count ? (group, other) : (other, group);
                foreach (var moved in small.SelectMany(row => LinksOf(Rows[row], known, slots)))
                {
                    byLink[moved] = large;
                }

                large.AddRange(small);
                small.Clear();
                group = large;
            }

            if (group is null)
            {
                groups.Add(group = []);
            }

            group.Add(index);
            foreach (var link in LinksOf(Rows[index], known, slots))
            {
                byLink[link] = group;
            }
        }

        foreach (var group in groups.Where(g => g.Count > 0))
        {
            group.Sort();
            yield return group;
        }
    }

    private IEnumerable<string> LinksOf(RowToWrite row, Dictionary<string, Versioned<Identity>> known, Dictionary<string, CustomerSlot> slots)
    {
        if (row.TargetId is not null)
        {
            yield return row.TargetId;
        }

        foreach (var key in row.Keys.All)
        {
            yield return key;
            if (known.TryGetValue(key, out var identity))
            {
                yield return identity.Value.CustomerId;
                for (var slot = slots.GetValueOrDefault(identity.Value.CustomerId); slot?.Into is { } into; slot = slots[into])
                {
                    yield return into;
                }
            }
        }
    }
}
