using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Orders;
using XenoCrm.Platform;

namespace XenoCrm.Imports;

/// <summary>What is imported, and from where on.</summary>
/// <param name="Id">Marks what the rows change.</param>
/// <param name="FirstRun">The number of the run that starts at <paramref name="From"/>.</param>
public sealed record ImportWork(string Id, ImportKind Kind, ImportSettings Settings, ImportFile File, OpenCsv Open, CsvPosition From, int FirstRun)
{
    public string[]? DateFormats { get; } = Settings.DateFormat is { } format ? FieldValues.DateFormats(format) : null;
}

/// <summary>
/// Reads, checks and writes a file run by run; the next run is read while one is written. Memory holds two runs,
/// whatever the size of the file.
/// </summary>
public sealed class ImportPipeline(CustomerWriter customers, OrderWriter orders, OrderStore orderStore, AddressHasher hasher, TimeProvider clock, IOptions<ImportOptions> options, IOptions<WorkspaceOptions> workspace)
{
    private const string Source = "import";

    /// <param name="commit">
    /// Called after a run is written, in order. Returns false to stop: nothing of the next run has been written then.
    /// </param>
    /// <param name="dryRun">Nothing is written; the runs are counted as if.</param>
    public async Task RunAsync(ImportWork work, bool dryRun, Func<ImportRun, Task<bool>> commit, CancellationToken cancellation)
    {
        await using var rows = new CsvRows(work.File.Format, work.Open, work.From);
        var reader = new RunReader(work, rows, options.Value, workspace.Value.Currency);
        var preview = dryRun ? new ImportPreview(customers, orderStore, hasher, clock) : null;
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

                await WriteAsync(work, run, preview, cancellation);

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

    private async Task WriteAsync(ImportWork work, ImportRun run, ImportPreview? preview, CancellationToken cancellation)
    {
        if (work.Kind == ImportKind.Customers)
        {
            var results = preview is null
                ? await customers.UpsertAsync(run.Customers, new(Source, work.Id), cancellation)
                : await preview.CustomersAsync(run.Customers, cancellation);
            run.Count(results, i => run.Customers[i].Row);
        }
        else
        {
            var settings = new OrderOptions(Source, work.Id, work.Settings.CreateMissingCustomers);
            var results = preview is null
                ? await orders.UpsertAsync(run.Orders, settings, cancellation)
                : await preview.OrdersAsync(run.Orders, settings, cancellation);
            run.Count(results, i => run.Orders[i].Row);
        }
    }
}
