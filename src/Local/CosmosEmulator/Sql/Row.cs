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
internal sealed class Row(int slots, JsonValue[] parameters, DateTime now)
{
    /// <summary>The slot of the item itself.</summary>
    public const int Root = 0;

    public readonly JsonValue[] Slots = new JsonValue[slots];

    public readonly JsonValue[] Parameters = parameters;

    public readonly DateTime Now = now;

    public Row Fresh() => new(Slots.Length, Parameters, Now);

    public long Rid { get; private set; }

    /// <summary>Takes the paths of the predicate from an item; false when they show already that it does not match.</summary>
    public bool Load(StoredItem item, PathTree paths)
    {
        Rid = item.Rid;
        Slots[Root] = JsonValue.OfObject(item.Json);
        return paths.Extract(item.Json, this);
    }
}
