namespace XenoCrm.Imports;

/// <summary>Cuts the rows of a file into runs.</summary>
public sealed class RunReader(ImportWork work, CsvRows rows, ImportOptions options, string currency)
{
    private readonly CustomerRows customers = new(work.File.Columns, work.DateFormats);
    private readonly OrderRows orders = new(work.File.Columns, work.DateFormats, work.Settings.DecimalSeparator?[0], currency);
    private bool held;

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

            if (work.Kind == ImportKind.Customers)
            {
                customers.Read(rows, run);
            }
            else
            {
                orders.Read(rows, run);
            }
        }

        return run;
    }
}
