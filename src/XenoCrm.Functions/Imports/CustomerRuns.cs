namespace XenoCrm.Imports;

/// <summary>Customers come in the order of the file.</summary>
internal sealed class CustomerRuns(ImportWork work) : RunReader
{
    private readonly CsvRows rows = new(work.File.Format, work.Open, work.From.Position);
    private readonly CustomerRows customers = new(work.File.Columns, work.DateFormats);
    private bool held;

    public override async Task<ImportRun> ReadAsync(int number, CancellationToken cancellation)
    {
        var run = new ImportRun(number);
        while (held || await rows.ReadAsync(cancellation))
        {
            held = false;
            if (rows.IsBlank)
            {
                continue;
            }

            if (run.Rows >= work.Cut.RunRows || run.Bytes >= work.Cut.RunBytes)
            {
                held = true;
                run.Next = RunStart.At(rows.Position);
                break;
            }

            customers.Read(rows, run);
        }

        return run;
    }

    public override ValueTask DisposeAsync() => rows.DisposeAsync();

    protected override Task StartAsync(CsvPosition start, CancellationToken cancellation) =>
        CatchUpAsync(work, start, customers.Read, cancellation);
}
