using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

/// <summary>What is imported, and from where on.</summary>
/// <param name="Id">Marks what the rows change.</param>
/// <param name="FirstRun">The number of the run that starts at <paramref name="From"/>.</param>
/// <param name="IsResumed">The first run may have been tried before.</param>
public sealed record ImportWork(string Id, ImportKind Kind, ImportSettings Settings, ImportFile File, OpenCsv Open, RunStart From, int FirstRun, bool IsResumed = false)
{
    public string[]? DateFormats { get; } = Settings.DateFormat is { } format ? FieldValues.DateFormats(format) : null;

    public required ImportCut Cut { get; init; }

    /// <summary>When the file came: what its rows say of consent was said by then, and not after what has been said since.</summary>
    public DateTimeOffset? SaidAt { get; init; }

    /// <summary>Whether the job is still the caller's; null: nobody else can have it.</summary>
    public Func<CancellationToken, Task<bool>>? IsMine { get; init; }
}

/// <summary>
/// Reads, checks and writes a file run by run; the next run is read while one is written. Memory holds two runs, and of
/// orders a part of the file (<see cref="OrderRuns"/>), whatever its size.
/// </summary>
public sealed class ImportPipeline(
    CustomerWriter customers, OrderWriter orders, ImportJournal journals, AttributeSchema attributes, IOptions<WorkspaceOptions> workspace)
{
    private const string Source = "import";

    /// <param name="commit">
    /// Called after a run is written, in order. Returns false to stop: nothing of the next run has been written then.
    /// </param>
    /// <param name="dryRun">Nothing is written; the runs are decided as if.</param>
    /// <param name="expected">What a dry run said of each data row, from the first that is read here.</param>
    public async Task RunAsync(
        ImportWork work, DryRun? dryRun, IAsyncEnumerator<WriteOutcome>? expected, Func<ImportRun, Task<bool>> commit, CancellationToken cancellation)
    {
        await using var reader = await RunReader.OpenAsync(work, workspace.Value.Currency, cancellation);
        var next = Task.Run(() => reader.ReadAsync(work.FirstRun, cancellation), cancellation);
        try
        {
            while (true)
            {
                var run = await next;
                if (run.Next is not null)
                {
                    next = Task.Run(() => reader.ReadAsync(run.Number + 1, cancellation), cancellation);
                }

                await WriteAsync(work, run, dryRun, cancellation);
                if (expected is not null)
                {
                    await run.CompareAsync(expected);
                }

                if (!await commit(run) || run.Next is null)
                {
                    return;
                }
            }
        }
        finally
        {
            // The rows are in use until the run that is being read is read. Its failure matters to no one any more.
            await Task.WhenAny(next);
        }
    }

    private async Task WriteAsync(ImportWork work, ImportRun run, DryRun? dryRun, CancellationToken cancellation)
    {
        if (work.Kind == ImportKind.Customers)
        {
            await TypeAsync(work, run, dryRun?.Attributes, cancellation);
        }

        if (dryRun is not null)
        {
            await dryRun.DecideAsync(run, work, new(Source, null, work.Settings.CreateMissingCustomers, MayRepeatHistory: true), cancellation);
            return;
        }

        for (var isRepeated = work.IsResumed && run.Number == work.FirstRun; ; isRepeated = true)
        {
            try
            {
                await WriteAsync(work, run, isRepeated, cancellation);
                return;
            }
            catch (ImportTakenOverException)
            {
                // By a worker that is gone by now, in its last moment: what it planned is known when the run is repeated.
                if (work.IsMine is not null && !await work.IsMine(cancellation))
                {
                    throw;
                }
            }
        }
    }

    private async Task WriteAsync(ImportWork work, ImportRun run, bool isRepeated, CancellationToken cancellation)
    {
        using var journal = await journals.OpenAsync(work.Id, JournalKind.Import, run.Number, isRepeated, cancellation);
        if (work.Kind == ImportKind.Customers)
        {
            run.Count(await customers.UpsertAsync(run.Customers, new(Source, journal, SaidAt: work.SaidAt), cancellation), i => run.Customers[i].Row, work.File.Columns);
        }
        else
        {
            OrderOptions settings = new(Source, journal, work.Settings.CreateMissingCustomers, MayRepeatHistory: true);
            run.Count(await orders.UpsertAsync(run.Orders, settings, cancellation), i => run.Orders[i].Row, work.File.Columns);
        }
    }

    /// <summary>
    /// Brings attributes into the form of their types. New ones get the type that their values in the first run suggest;
    /// what does not fit is an error of its row and column.
    /// </summary>
    private async Task TypeAsync(ImportWork work, ImportRun run, IDictionary<string, AttributeDefinition>? imagined, CancellationToken cancellation)
    {
        var typed = await attributes.ApplyAsync([.. run.Customers.Select(c => c.Draft)], fromText: true, imagined, cancellation);
        var rows = run.Customers.ToList();
        run.Customers.Clear();
        for (var i = 0; i < rows.Count; i++)
        {
            foreach (var issue in typed[i].Issues)
            {
                var field = issue.Field.Replace('/', '.');
                var header = work.File.Columns.FirstOrDefault(c => c.Field == field)?.Header;
                var value = rows[i].Draft.Attributes!.GetValueOrDefault(field[ColumnMap.AttributePrefix.Length..]).ToString();
                run.Add(new(rows[i].Row, header, issue.Code, issue.Message, RowIssue.Clip(value), issue.IsWarning));
            }

            if (typed[i].Issues.All(issue => issue.IsWarning))
            {
                run.Customers.Add(rows[i] with { Draft = typed[i].Draft });
            }
        }
    }
}
