using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

// What the indexes can tell about WHERE without an item being read: conditions that hang on one path each are tested on the
// values in its index, every distinct value once, and the sets of items are joined. So also conditions that are no range,
// such as CONTAINS or !=, need no items.

internal abstract record IndexTest;

/// <param name="Ranges">Where in the index the values are that can pass; empty: anywhere.</param>
/// <param name="Test">Decides on a value in <paramref name="Slot"/>; null: every value in the ranges passes.</param>
internal sealed record IndexLeaf(string Path, IReadOnlyList<PathCondition> Ranges, Test? Test, int Slot) : IndexTest;

/// <param name="Any">One of the parts, else all of them.</param>
/// <param name="IsWhole">No part of the condition is missing here.</param>
internal sealed record IndexGroup(bool Any, IReadOnlyList<IndexTest> Parts, bool IsWhole) : IndexTest;

/// <summary>Runs an <see cref="IndexTest"/>.</summary>
internal sealed class IndexSearch(IQuerySource source, Planner planner, Row row)
{
    /// <summary>
    /// Entries of an index that can be gone through in the time it takes to read an item: 10 to 20 ns against 0.5 to 1 µs.
    /// </summary>
    private const int EntriesPerItem = 50;

    /// <summary>From here on, one index a thread.</summary>
    private const int ManyEntries = 20_000;

    /// <param name="IsExact">All that it says pass do pass WHERE; else others are among them.</param>
    /// <param name="AreOthers">The set has the items that do not pass: so a condition that nearly all fulfil costs little.</param>
    public sealed record Found(RidSet Set, bool IsExact, bool AreOthers)
    {
        public Found And(Found next)
        {
            var isExact = IsExact && next.IsExact;
            switch (AreOthers, next.AreOthers)
            {
                case (false, false):
                    Set.IntersectWith(next.Set);
                    return this with { IsExact = isExact };
                case (false, true):
                    Set.ExceptWith(next.Set);
                    return this with { IsExact = isExact };
                case (true, false):
                    next.Set.ExceptWith(Set);
                    return next with { IsExact = isExact };
                default:
                    Set.UnionWith(next.Set);
                    return this with { IsExact = isExact };
            }
        }

        /// <summary>Either passes unless both do not.</summary>
        public Found Or(Found next) => Not().And(next.Not()).Not();

        private Found Not() => this with { AreOthers = !AreOthers };
    }

    /// <param name="reading">How many items would be read without this.</param>
    /// <returns>Null when an index is missing, or reading is cheaper.</returns>
    public Found? Find(IndexTest? test, long reading)
    {
        if (test is null || source.NewRidSet() is null)
        {
            return null;
        }

        return Plan(test) is { } plan && plan.Entries <= reading * EntriesPerItem ? plan.Run() : null;
    }

    private sealed record Step(long Entries, Func<Found> Run);

    private Step? Plan(IndexTest test) => test switch
    {
        IndexLeaf leaf => Plan(leaf),
        IndexGroup group => Plan(group),
        _ => null,
    };

    private Step? Plan(IndexGroup group)
    {
        var steps = new List<Step>();
        foreach (var part in group.Parts)
        {
            if (Plan(part) is { } step)
            {
                steps.Add(step);
            }
            else if (group.Any)
            {
                return null;
            }
        }

        var isWhole = group.IsWhole && steps.Count == group.Parts.Count;
        return steps.Count == 0 ? null : new(steps.Sum(s => s.Entries), () =>
        {
            var found = RunAll(steps).Aggregate((all, next) => group.Any ? all.Or(next) : all.And(next));
            return found with { IsExact = found.IsExact && isWhole };
        });
    }

    private static List<Found> RunAll(List<Step> steps)
    {
        if (steps.Sum(s => s.Entries) < ManyEntries)
        {
            return steps.ConvertAll(s => s.Run());
        }

        try
        {
            return [.. steps.AsParallel().AsOrdered().Select(s => s.Run())];
        }
        catch (AggregateException e) when (e.InnerException is SqlException error)
        {
            throw new SqlException(error.Message, error.Position, error.End, error.Code);
        }
    }

    private Step? Plan(IndexLeaf leaf)
    {
        if (source.FindIndex(leaf.Path) is not { } index)
        {
            return null;
        }

        var intervals = planner.Intervals(leaf.Ranges);
        var entries = intervals.Sum(i => (long)index.EstimateCount(i.Lower, i.LowerInclusive, i.Upper, i.UpperInclusive));
        return new(entries, () =>
        {
            var set = source.NewRidSet()!;
            var scratch = row.Fresh();
            bool Passes(JsonValue value)
            {
                scratch.Slots[leaf.Slot] = value;
                return leaf.Test(scratch) == Truth.True;
            }

            var collected = index.Collect(intervals, leaf.Test is null ? null : Passes, set);
            return new(set, collected.IsExact, collected.AreOthers);
        });
    }
}

internal sealed partial class Compiler
{
    public IndexTest? FindIndexTest(Expr? where, Scope scope)
    {
        List<string>? path = null;
        switch (where)
        {
            case null:
                return null;
            case not null when HasOnePath(where, scope, ref path) && path is not null:
                return Leaf(where, path, scope);
            case BinaryExpr { Op: BinaryOp.And or BinaryOp.Or } both:
                var parts = new List<Expr>();
                Flatten(both, both.Op, parts);
                var found = parts.Select(p => FindIndexTest(p, scope)).OfType<IndexTest>().ToList();
                var any = both.Op == BinaryOp.Or;
                return found.Count == 0 || (any && found.Count < parts.Count) ? null
                    : new IndexGroup(any, found, found.Count == parts.Count);
            default:
                return null;
        }
    }

    private IndexLeaf? Leaf(Expr where, List<string> path, Scope scope)
    {
        var access = FindAccess(where, scope);
        if (access is PathCondition { Kind: RangeKind.Equal } element && element.Path.EndsWith("/[]/?", StringComparison.Ordinal))
        {
            return new IndexLeaf(element.Path, [element], null, -1); // ARRAY_CONTAINS(c.path, value)
        }

        var indexPath = PathTree.PolicyPath(path) + "/?";
        var test = CompileExpr(where, scope).Test;
        if (indexPath == PathCondition.Id || !Filter.TryFind(path, out var slot))
        {
            return null; // ids have no index of this kind
        }

        IReadOnlyList<Access> parts = access switch { null => [], AllOf all => all.Parts, _ => [access] };
        var ranges = parts.OfType<PathCondition>().Where(p => p.Path == indexPath).ToList();
        return new IndexLeaf(indexPath, ranges, IsRange(where, scope) ? null : test, slot);
    }
}
