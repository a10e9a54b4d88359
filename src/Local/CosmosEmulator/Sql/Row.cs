using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Cosmos's three truth values; WHERE keeps an item only for <see cref="True"/>.</summary>
internal enum Truth : byte
{
    False,
    True,
    Undefined,
}

internal delegate JsonValue Eval(Row row);

internal delegate Truth Test(Row row);

/// <summary>
/// What compiled code runs on: slots for the item, the paths taken from it, the FROM variables, group keys and aggregates.
/// One per thread; loaded anew for each item.
/// </summary>
internal sealed class Row
{
    public Row(int slots, int memos, JsonValue[] parameters, DateTime now)
        : this(slots, new object?[memos], parameters, now)
    {
    }

    private Row(int slots, object?[] memo, JsonValue[] parameters, DateTime now) =>
        (Slots, Memo, Parameters, Now) = (new JsonValue[slots], memo, parameters, now);

    /// <summary>The slot of the item itself.</summary>
    public const int Root = 0;

    public readonly JsonValue[] Slots;

    public readonly JsonValue[] Parameters;

    public readonly DateTime Now;

    /// <summary>What was computed once for the execution. Threads may compute the same twice; either result serves.</summary>
    public readonly object?[] Memo;

    public Row Fresh() => new(Slots.Length, Memo, Parameters, Now);

    public long Rid { get; private set; }

    /// <summary>Takes the paths of the predicate from an item; false when they show already that it does not match.</summary>
    public bool Load(StoredItem item, PathTree paths)
    {
        Rid = item.Rid;
        Slots[Root] = item.Json.Span[0] == (byte)'{' ? JsonValue.OfObject(item.Json) : JsonValue.Parse(item.Json);
        return paths.Extract(item.Json, this);
    }
}
