namespace XenoCrm.Local.CosmosEmulator.Json;

/// <summary>The kinds of a value, in Cosmos's cross-type order.</summary>
public enum JsonKind : byte
{
    Undefined,
    Null,
    False,
    True,
    Number,
    String,
    Array,
    Object,
}
