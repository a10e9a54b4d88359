using System.Buffers;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>Collects the documents of one page; computed ones share one buffer.</summary>
internal sealed class Page(int maxItems)
{
    // The service's limit of a page.
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int DefaultItems = 1000;

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly List<(ReadOnlyMemory<byte> Stored, int From, int To)> _documents = [];
    private long _bytes;

    public int Limit { get; } = maxItems > 0 ? maxItems : DefaultItems;

    public int Count => _documents.Count;

    public bool IsFull => _documents.Count >= Limit || _bytes >= MaxBytes;

    public int ItemsRead { get; set; }

    public long BytesRead { get; set; }

    /// <summary>An item as it is stored.</summary>
    public void AddStored(ReadOnlyMemory<byte> json)
    {
        _documents.Add((json, 0, 0));
        _bytes += json.Length;
    }

    /// <summary>Adds what the row's output writes; nothing when that is undefined.</summary>
    public bool Add(QueryCode code, Row row)
    {
        if (code.Star)
        {
            AddStored(row.Slots[Row.Root].ToUtf8());
            return true;
        }

        var from = _buffer.WrittenCount;
        if (!code.Write(row, _buffer))
        {
            return false;
        }

        _documents.Add((default, from, _buffer.WrittenCount));
        _bytes += _buffer.WrittenCount - from;
        return true;
    }

    public IReadOnlyList<ReadOnlyMemory<byte>> Documents()
    {
        var written = _buffer.WrittenMemory;
        return [.. _documents.Select(d => d.Stored.IsEmpty ? written[d.From..d.To] : d.Stored)];
    }
}
