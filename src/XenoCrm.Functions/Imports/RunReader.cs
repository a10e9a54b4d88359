namespace XenoCrm.Imports;

/// <summary>Cuts the rows of a file into runs.</summary>
public abstract class RunReader : IAsyncDisposable
{
    /// <param name="currency">Of orders that name none.</param>
    public static async Task<RunReader> OpenAsync(ImportWork work, string currency, CancellationToken cancellation)
    {
        var start = work.File.Start;
        if (work.FirstRun > 1)
        {
            var (_, _, first) = await ImportFile.ReadHeaderAsync(work.Settings, work.Open, cancellation);
            start = first!;
        }

        RunReader reader = work.Kind == ImportKind.Customers ? new CustomerRuns(work) : new OrderRuns(work, start, currency);
        try
        {
            await reader.StartAsync(start, cancellation);
            return reader;
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next run; where it ends is known by the row after it, which is held for the one to come.</summary>
    public abstract Task<ImportRun> ReadAsync(int number, CancellationToken cancellation);

    public abstract ValueTask DisposeAsync();

    /// <param name="start">The first data row of the file.</param>
    protected abstract Task StartAsync(CsvPosition start, CancellationToken cancellation);

    /// <summary>Reads the rows before one for what they mean to later ones (<see cref="FileKeys"/>), and nothing else.</summary>
    /// <param name="take">Gets the row, and a run that nobody uses.</param>
    protected static async Task CatchUpAsync(ImportWork work, CsvPosition start, Action<CsvRows, ImportRun> take, CancellationToken cancellation)
    {
        if (work.From.Row <= start.Row)
        {
            return;
        }

        await using var before = new CsvRows(work.File.Format, work.Open, start);
        var scratch = new Scratch();
        while (await before.ReadAsync(cancellation) && before.Row < work.From.Row)
        {
            if (before.Row >= work.From.Row - FileKeys.Window && !before.IsBlank)
            {
                take(before, scratch.Run);
            }
        }
    }

    /// <summary>For rows that are read for something else than being imported.</summary>
    protected sealed class Scratch
    {
        private const int Rows = 500;

        private ImportRun run = new(0);

        public ImportRun Run => run = run.Rows < Rows && run.Bytes < CsvRows.MaxRowBytes ? run : new(0);
    }
}
