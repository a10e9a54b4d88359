namespace XenoCrm.Imports;

/// <summary>
/// Orders come with those of the same customer: each customer of a run costs a transaction, whether it writes one order or
/// all of them, and in the order of a shop's file a customer hardly comes twice in a run.
/// <para>
/// So a part of the file is held in memory, as much as <see cref="ImportCut.HeldBytes"/>, and put together by customer
/// before it is cut into runs. What is larger is read in several passes, each of which holds the customers whose hash falls
/// to it: reading a row once more is little beside a transaction. The rows of a run are in the order of the
/// file, and so are those of a customer, and those of an order number, within a pass. All of this follows from the file
/// and the cut alone: read from a checkpoint, the runs are the same.
/// </para>
/// <para>
/// Nothing but speed depends on what is together. Rows that name one customer by different keys may be in different
/// passes; only where they have the same order number too it matters which comes last, and across passes that is the one
/// of the later pass.
/// </para>
/// </summary>
internal sealed class OrderRuns(ImportWork work, CsvPosition start, string currency) : RunReader
{
    private readonly HeldRows held = new();

    /// <summary>For rows that are in a run; the one that looks ahead has the keys.</summary>
    private readonly OrderRows orders = NewRows(work, currency);

    private CsvRows file = new(work.File.Format, work.Open, work.From.Position);
    private OrderRows ahead = NewRows(work, currency);
    private Scratch scratch = new();
    private CsvPosition heldFrom = work.From.Position;
    private int pass = work.From.Pass;
    private int taken = work.From.Taken;

    /// <summary>The row that the file is at was looked at, and is the first to be held next.</summary>
    private (ulong Customer, long Repeats)? next;

    public override async Task<ImportRun> ReadAsync(int number, CancellationToken cancellation)
    {
        var run = new ImportRun(number);
        var rows = held.Take(taken, work.Cut);
        await held.ReadAsync(rows, work.File.Format, orders, run, cancellation);
        taken += rows.Length;
        if (taken < held.Count || await HoldAsync(cancellation))
        {
            run.Next = RunStart.At(heldFrom, pass, taken);
        }

        return run;
    }

    public override ValueTask DisposeAsync() => file.DisposeAsync();

    protected override async Task StartAsync(CsvPosition start, CancellationToken cancellation)
    {
        await CatchUpAsync(work, start, (row, scratch) => Look(row, scratch), cancellation);
        var skip = taken;
        await HoldAsync(cancellation);
        taken = skip;
    }

    /// <summary>Holds the next rows of the pass, or of the next pass that has any.</summary>
    /// <returns>False: there are none.</returns>
    private async Task<bool> HoldAsync(CancellationToken cancellation)
    {
        held.Clear();
        taken = 0;
        while (true)
        {
            await ReadPassAsync(cancellation);
            if (held.Count > 0)
            {
                held.Arrange();
                return true;
            }

            if (pass + 1 >= work.Cut.Passes)
            {
                return false;
            }

            await file.DisposeAsync();
            pass++;
            (file, ahead, scratch, heldFrom) = (new(work.File.Format, work.Open, start), NewRows(work, currency), new(), start);
        }
    }

    private async Task ReadPassAsync(CancellationToken cancellation)
    {
        if (next is { } first)
        {
            heldFrom = file.Position;
            held.Add(file, first.Customer, first.Repeats);
            next = null;
        }

        while (await file.ReadAsync(cancellation))
        {
            if (file.IsBlank)
            {
                continue;
            }

            var (customer, repeats, other) = Look(file, scratch.Run);
            if (PassOf(customer, file.Row) != pass)
            {
                continue;
            }

            if (held.Bytes >= work.Cut.HeldBytes)
            {
                next = (customer, repeats);
                return;
            }

            held.Add(file, customer, repeats);
            if (other != customer && PassOf(other, file.Row) == pass)
            {
                held.Join(customer, other);
            }
        }
    }

    /// <summary>A row without a customer cannot be taken: it is only reported, in any pass.</summary>
    private int PassOf(ulong customer, long row)
    {
        // FNV leaves the hashes of numbered customers in heaps; a pass that does not fit in memory parts its customers.
        var mixed = (customer == 0 ? (ulong)row : customer) * 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93;
        return (int)((mixed >> 32) % (ulong)work.Cut.Passes);
    }

    /// <returns>The customer as the row names it, 0 if it cannot be taken; what its order number repeats, and whose that was.</returns>
    private (ulong Customer, long Repeats, ulong Other) Look(CsvRows row, ImportRun scratch) =>
        ahead.Read(row, scratch) is { } draft ? ahead.Compare(row, draft) : default;

    private static OrderRows NewRows(ImportWork work, string currency) =>
        new(work.File.Columns, work.DateFormats, work.Settings.DecimalSeparator?[0], currency);
}
