using System.Buffers.Text;
using System.Text;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>
/// The system properties at the end of an item's JSON. They have a fixed length per container, so a request prepares the
/// bytes with blanks and the writer fills in what only it knows, without another copy.
/// </summary>
internal sealed class ItemLayout
{
    private const int EtagLength = 36, TimestampLength = 10;

    private readonly uint _database, _container;
    private readonly byte[] _suffix;
    private readonly int _rid, _self, _etag, _timestamp;

    public ItemLayout(Container container)
    {
        (_database, _container) = (container.Database, container.Number);
        var blankRid = new string('A', ResourceIds.ItemLength);
        var text = $",\"_rid\":\"{blankRid}\",\"_self\":\"{container.Self}docs/{blankRid}/\",\"_etag\":\"\\\"{new string('0', EtagLength)}\\\"\",\"_attachments\":\"attachments/\",\"_ts\":{new string('0', TimestampLength)}}}";
        _suffix = Encoding.ASCII.GetBytes(text);

        // Offsets from the end.
        _rid = text.Length - text.IndexOf(blankRid, StringComparison.Ordinal);
        _self = text.Length - text.LastIndexOf(blankRid, StringComparison.Ordinal);
        _etag = text.Length - text.IndexOf("0000", text.IndexOf("_etag", StringComparison.Ordinal), StringComparison.Ordinal);
        _timestamp = TimestampLength + 1;
    }

    /// <summary>The item's own JSON (a non-empty object, compact) with blank system properties.</summary>
    public byte[] Prepare(ReadOnlySpan<byte> body)
    {
        var json = GC.AllocateUninitializedArray<byte>(body.Length - 1 + _suffix.Length);
        body[..^1].CopyTo(json);
        _suffix.CopyTo(json, body.Length - 1);
        return json;
    }

    /// <summary>The item's own properties, as an object without its closing brace.</summary>
    public ReadOnlySpan<byte> BodyOf(ItemVersion version) => version.Json.AsSpan(0, version.Json.Length - _suffix.Length);

    public void Fill(byte[] json, long rid, long lsn, int timestamp)
    {
        var end = json.Length;
        ResourceIds.WriteItem(json.AsSpan(end - _rid), _database, _container, rid);
        json.AsSpan(end - _rid, ResourceIds.ItemLength).CopyTo(json.AsSpan(end - _self));
        WriteEtag(json.AsSpan(end - _etag), lsn, timestamp);
        Utf8Formatter.TryFormat(timestamp, json.AsSpan(end - _timestamp), out _, new('D', TimestampLength));
    }

    /// <summary>
    /// The etag with its quotes. It is computed from the LSN, the container and the time, so it needs no memory, and a
    /// container re-created under the same name does not repeat it.
    /// </summary>
    public string Etag(ItemVersion version)
    {
        Span<byte> text = stackalloc byte[EtagLength + 2];
        text[0] = text[^1] = (byte)'"';
        WriteEtag(text[1..], version.Lsn, version.Timestamp);
        return Encoding.ASCII.GetString(text);
    }

    private void WriteEtag(Span<byte> to, long lsn, int timestamp)
    {
        var low = ((ulong)(ushort)_container << 48) | (uint)timestamp;
        var value = new Guid((int)(lsn >> 32), (short)(lsn >> 16), (short)lsn,
            (byte)(low >> 56), (byte)(low >> 48), (byte)(low >> 40), (byte)(low >> 32), (byte)(low >> 24), (byte)(low >> 16), (byte)(low >> 8), (byte)low);
        Utf8Formatter.TryFormat(value, to, out _);
    }
}
