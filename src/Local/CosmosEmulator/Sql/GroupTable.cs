using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>The groups of an aggregate query and their running aggregates. Without GROUP BY there is one group, even of nothing.</summary>
internal sealed class GroupTable
{
    private readonly GroupCode _code;
    private readonly Dictionary<Key, Group> _groups = [];
    private readonly Group? _single;

    public GroupTable(GroupCode code)
    {
        _code = code;
        _single = code.Keys.Count == 0 ? NewGroup([], 0) : null;
    }

    internal sealed record Group(JsonValue[] Keys, Aggregator[] Aggregates, long Order);

    private readonly struct Key(JsonValue[] values) : IEquatable<Key>
    {
        private readonly JsonValue[] _values = values;

        public bool Equals(Key other) => _values.AsSpan().SequenceEqual(other._values);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var value in _values)
            {
                hash.Add(value.GetHashCode());
            }

            return hash.ToHashCode();
        }
    }

    private Group NewGroup(JsonValue[] keys, long order) => new(keys, [.. _code.Aggregates.Select(a => new Aggregator(a.Kind))], order);

    /// <param name="order">The rid: groups come in the order their first item was stored.</param>
    public void Add(Row row, long order)
    {
        var group = _single;
        if (group is null)
        {
            var keys = new JsonValue[_code.Keys.Count];
            for (var i = 0; i < keys.Length; i++)
            {
                keys[i] = _code.Keys[i].Value(row);
            }

            if (!_groups.TryGetValue(new Key(keys), out group))
            {
                keys = [.. keys.Select(k => k.Detached())];
                _groups[new Key(keys)] = group = NewGroup(keys, order);
            }
        }

        for (var i = 0; i < group.Aggregates.Length; i++)
        {
            group.Aggregates[i].Add(_code.Aggregates[i].Argument(row));
        }
    }

    /// <summary>For a code that counts items.</summary>
    public void AddItems(long count)
    {
        foreach (var aggregate in _single!.Aggregates)
        {
            aggregate.AddRows(count);
        }
    }

    public void Merge(GroupTable other)
    {
        if (_single is not null)
        {
            MergeInto(_single, other._single!);
            return;
        }

        foreach (var (key, theirs) in other._groups)
        {
            if (!_groups.TryGetValue(key, out var ours))
            {
                _groups[key] = theirs;
                continue;
            }

            MergeInto(ours, theirs);
            if (theirs.Order < ours.Order)
            {
                _groups[key] = ours with { Order = theirs.Order };
            }
        }
    }

    private static void MergeInto(Group ours, Group theirs)
    {
        for (var i = 0; i < ours.Aggregates.Length; i++)
        {
            ours.Aggregates[i].Merge(theirs.Aggregates[i]);
        }
    }

    public IReadOnlyList<Group> Finish() => _single is not null ? [_single] : [.. _groups.Values.OrderBy(g => g.Order)];

    /// <summary>Puts a group's keys and results where the output expects them.</summary>
    public void Put(Group group, Row row)
    {
        for (var i = 0; i < group.Keys.Length; i++)
        {
            row.Slots[_code.Keys[i].Slot] = group.Keys[i];
        }

        for (var i = 0; i < group.Aggregates.Length; i++)
        {
            row.Slots[_code.Aggregates[i].Slot] = group.Aggregates[i].Result;
        }
    }
}
