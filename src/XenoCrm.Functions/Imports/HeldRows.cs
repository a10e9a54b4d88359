using System.Runtime.InteropServices;

namespace XenoCrm.Imports;

/// <summary>
/// Rows of a file as bytes, in an order in which those of one customer are together. Rows and not orders, which
/// take many times the memory as objects.
/// </summary>
public sealed class HeldRows
{
    private const int ChunkBytes = 128 * 1024;
    private const int BytesOfRow = 40;

    private readonly List<byte[]> chunks = [];
    private readonly List<Held> rows = [];

    /// <summary>Customers who are to stay together: each leads to another, the last to none.</summary>
    private readonly Dictionary<ulong, ulong> joined = [];
    private int[] order = [];
    private int chunk;
    private int used;

    /// <param name="Customer">0: the row names none; it is by itself.</param>
    /// <param name="Repeats">See <see cref="OrderRows.Compare"/>.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Held(long Row, ulong Customer, long Repeats, int Chunk, int Start, int Length, RowFault Fault);

    public int Count => rows.Count;

    /// <summary>That are held.</summary>
    public long Bytes { get; private set; }

    public void Clear()
    {
        rows.Clear();
        joined.Clear();
        (order, chunk, used, Bytes) = ([], 0, 0, 0);
    }

    public void Add(CsvRows row, ulong customer, long repeats)
    {
        var raw = row.Raw;
        while (chunk < chunks.Count && chunks[chunk].Length - used < raw.Length)
        {
            (chunk, used) = (chunk + 1, 0);
        }

        if (chunk == chunks.Count)
        {
            chunks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(ChunkBytes, raw.Length)));
        }

        raw.CopyTo(chunks[chunk].AsSpan(used));
        rows.Add(new(row.Row, customer, repeats, chunk, used, raw.Length, row.Fault));
        used += raw.Length;
        Bytes += raw.Length + BytesOfRow;
    }

    /// <summary>Rows of both keep the order they have in the file.</summary>
    public void Join(ulong customer, ulong other)
    {
        if (Root(customer) is var a && Root(other) is var b && a != b)
        {
            joined[a] = b;
        }
    }

    /// <summary>After the last row: customers by their first row, each with all of its rows.</summary>
    public void Arrange()
    {
        var first = new Dictionary<ulong, int>(rows.Count / 2);
        var keys = new long[rows.Count];
        order = new int[rows.Count];
        for (var i = 0; i < order.Length; i++)
        {
            var at = i;
            if (rows[i].Customer != 0)
            {
                ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(first, Root(rows[i].Customer), out var exists);
                at = known = exists ? known : i;
            }

            (keys[i], order[i]) = (((long)at << 32) | (uint)i, i);
        }

        Array.Sort(keys, order);
    }

    /// <summary>The next rows in the order in which customers are together; among themselves as in the file.</summary>
    /// <returns>Indices of rows.</returns>
    public int[] Take(int from, ImportCut cut)
    {
        var (end, bytes) = (from, 0);
        while (end < order.Length && end - from < cut.RunRows && bytes < cut.RunBytes)
        {
            bytes += rows[order[end++]].Length;
        }

        var taken = order[from..end];
        Array.Sort(taken);
        return taken;
    }

    /// <summary>Reads held rows again, into a run.</summary>
    public async Task ReadAsync(IReadOnlyList<int> taken, CsvFormat format, OrderRows orders, ImportRun run, CancellationToken cancellation)
    {
        // A line break before, so that what looks like a byte order mark is none.
        var good = taken.Where(i => rows[i].Fault == RowFault.None).ToList();
        var bytes = new byte[1 + good.Sum(i => rows[i].Length + 1)];
        var end = 0;
        bytes[end++] = (byte)'\n';
        foreach (var i in good)
        {
            RawOf(rows[i]).CopyTo(bytes.AsSpan(end));
            end += rows[i].Length;
            bytes[end++] = (byte)'\n';
        }

        await using var again = new CsvRows(format with { Encoding = CsvFormat.Utf8 }, ImportFile.InMemory(bytes), new(0, 1, 0));
        await again.ReadAsync(cancellation);
        foreach (var i in taken)
        {
            var held = rows[i];
            if (held.Fault != RowFault.None)
            {
                RowText.Refuse(held.Row, held.Fault, RawOf(held), run);
                continue;
            }

            if (!await again.ReadAsync(cancellation) || again.Raw.Length != held.Length)
            {
                throw new InvalidOperationException($"Row {held.Row} reads otherwise than in its file.");
            }

            again.Renumber(held.Row);
            orders.Read(again, run);
            orders.Warn(held.Row, held.Repeats, run);
        }
    }

    private ReadOnlySpan<byte> RawOf(in Held held) => chunks[held.Chunk].AsSpan(held.Start, held.Length);

    private ulong Root(ulong customer)
    {
        while (joined.TryGetValue(customer, out var next))
        {
            customer = next;
        }

        return customer;
    }
}
