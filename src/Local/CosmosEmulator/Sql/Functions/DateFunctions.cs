using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal static class DateFunctions
{
    public static readonly Dictionary<string, Function> All = [];

    public static bool TryParse(in JsonValue value, out long ticks)
    {
        ticks = 0;
        return false;
    }
}
