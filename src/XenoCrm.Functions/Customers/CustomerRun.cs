using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>What a run remembers over its rounds.</summary>
internal sealed class CustomerRun(RowToWrite[] rows, UpsertOptions options)
{
    private readonly Lock gate = new();

    public RowToWrite[] Rows { get; } = rows;

    public UpsertOptions Options { get; } = options;

    public WriteResult[] Results { get; } = new WriteResult[rows.Length];

    /// <summary>Ids that this run made up: it may void them without disturbing anyone.</summary>
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
        foreach (var key in row.Keys.All)
        {
            yield return key;
            if (known.TryGetValue(key, out var identity))
            {
                foreach (var id in identity.Value.Owners(Options.ImportId))
                {
                    yield return id;
                    for (var slot = slots.GetValueOrDefault(id); slot?.Into is { } into; slot = slots[into])
                    {
                        yield return into;
                    }
                }
            }
        }
    }
}
