using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>
/// Where a page ended. Nothing is kept on the server, so it survives restarts; it is checked to belong to the query.
/// </summary>
/// <param name="Rid">The last item dealt with.</param>
/// <param name="Rows">How many rows of that item (it has several with JOIN) are done; -1: all.</param>
/// <param name="Keys">For ORDER BY the sort values of the last row; undefined is an empty array.</param>
/// <param name="OffsetLeft">Rows still to be skipped.</param>
/// <param name="Returned">Rows returned so far, for TOP and LIMIT.</param>
internal sealed record Continuation(long Rid, int Rows, IReadOnlyList<JsonValue> Keys, int OffsetLeft, int Returned)
{
    public string Encode(int query)
    {
        var fields = JsonValue.ArrayOf(
        [
            JsonValue.Of((long)query), JsonValue.Of(Rid), JsonValue.Of((long)Rows), JsonValue.Of((long)OffsetLeft), JsonValue.Of((long)Returned),
            .. Keys.Select(k => k.IsUndefined ? JsonValue.ArrayOf([]) : JsonValue.ArrayOf([k])),
        ]);
        return Base64Url.EncodeToString(fields.ToUtf8().Span);
    }

    public static Continuation Decode(string text, int query)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(text);
            using (JsonDocument.Parse(bytes))
            {
            }

            var fields = JsonValue.Parse(bytes).EnumerateArray().ToList();
            var numbers = fields.Take(5).Select(f => f.TryGetInteger(out var n) ? n : throw new FormatException()).ToList();
            if (numbers.Count == 5 && numbers[0] == query)
            {
                var keys = fields.Skip(5).Select(k => k[0].Decoded()).ToList();
                return new(numbers[1], checked((int)numbers[2]), keys, checked((int)numbers[3]), checked((int)numbers[4]));
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or OverflowException)
        {
        }

        throw new SqlException("The continuation token is malformed or belongs to another query.");
    }

    /// <summary>A hash of the query's text that is the same in every process.</summary>
    public static int Fingerprint(string sql)
    {
        var hash = 2166136261;
        foreach (var b in Encoding.UTF8.GetBytes(sql))
        {
            hash = (hash ^ b) * 16777619;
        }

        return (int)(hash & int.MaxValue);
    }
}
