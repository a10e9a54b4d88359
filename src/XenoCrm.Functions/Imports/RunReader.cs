namespace XenoCrm.Imports;

/// <summary>Cuts the rows of a file into runs.</summary>
public sealed class RunReader(ImportWork work, CsvRows rows, ImportOptions options, string currency)
{
    private readonly CustomerRows customers = new(work.File.Columns, work.DateFormats);
    private readonly OrderRows orders = new(work.File.Columns, work.DateFormats, work.Settings.DecimalSeparator?[0], currency);
    private bool held;

    /// <summary>Reads the rows before those of this reader for what they mean to later ones, and nothing else.</summary>
    /// <param name="start">The first data row of the file.</param>
    public async Task CatchUpAsync(CsvPosition start, CancellationToken cancellation)
    {
        await using var before = new CsvRows(work.File.Format, work.Open, start);
        var scratch = new ImportRun(0);
        while (await before.ReadAsync(cancellation) && before.Row < work.From.Row)
        {
            if (before.Row < work.From.Row - FileKeys.Window || before.IsBlank)
            {
                continue;
            }

            if (scratch.Rows >= options.RunRows || scratch.Bytes >= options.RunBytes)
            {
                scratch = new ImportRun(0);
            }

            Take(before, scratch);
        }
    }

    /// <summary>The next run; its end is known by the row after it, which is held for the one to come.</summary>
    public async Task<ImportRun> ReadAsync(int number, CancellationToken cancellation)
    {
        var run = new ImportRun(number);
        while (held || await rows.ReadAsync(cancellation))
        {
            held = false;
            if (rows.IsBlank)
            {
                continue;
            }

            if (run.Rows >= options.RunRows || run.Bytes >= options.RunBytes)
            {
                held = true;
                run.Next = rows.Position;
                break;
            }

            Take(rows, run);
        }

        return run;
    }

    private void Take(CsvRows row, ImportRun run)
    {
        if (work.Kind == ImportKind.Customers)
        {
            customers.Read(row, run);
        }
        else
        {
            orders.Read(row, run);
        }
    }
}
