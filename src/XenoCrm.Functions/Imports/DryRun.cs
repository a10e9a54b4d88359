using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Customers;
using XenoCrm.Orders;

namespace XenoCrm.Imports;

/// <summary>Begins dry runs, and goes on with them.</summary>
public sealed class DryRuns(IServiceProvider services, DryRunResults results)
{
    public DryRun Begin() => new(
        ActivatorUtilities.CreateInstance<CustomerRehearsal>(services),
        ActivatorUtilities.CreateInstance<OrderRehearsal>(services, ActivatorUtilities.CreateInstance<CustomerRehearsal>(services)));

    public async Task<DryRun> ResumeAsync(ImportJob job, CancellationToken cancellation)
    {
        var dryRun = Begin();
        await foreach (var keys in results.ReadKeysAsync(job.Id, job.Runs, cancellation))
        {
            dryRun.Remember(keys);
        }

        foreach (var (key, definition) in job.Attributes ?? new Dictionary<string, AttributeDefinition>())
        {
            dryRun.Attributes[key] = definition;
        }

        return dryRun;
    }
}

/// <summary>
/// One dry run: what the rows of a file would do, run by run, without writing. Rows are decided as if the rows before
/// them were written. Of a large file only the last customers or orders are remembered as they would be; of those
/// before, that they would have been created.
/// </summary>
public sealed class DryRun(CustomerRehearsal customers, OrderRehearsal orders)
{
    /// <summary>More are forgotten. A file that fits in a request fits.</summary>
    private const int MaxImagined = 50_000;

    /// <summary>16 bytes each, in a set of 20 to 40. Beyond that a distant repetition counts as created once more.</summary>
    private const int MaxCreated = 2_000_000;

    /// <summary>Keys of what would have been created by rows that are forgotten otherwise.</summary>
    private readonly HashSet<ulong> created = [];
    private readonly List<ulong> recent = [];

    /// <summary>Those that the rows so far would have registered, with their types: the first rows with a value decide for the later ones.</summary>
    public Dictionary<string, AttributeDefinition> Attributes { get; } = [];

    public async Task DecideAsync(ImportRun run, ImportWork work, OrderOptions options, CancellationToken cancellation)
    {
        if (work.Kind == ImportKind.Customers)
        {
            var rehearsed = await customers.RunAsync(run.Customers, options.Source, work.SaidAt, cancellation);
            Take(run, work, rehearsed, i => run.Customers[i].Row, RowChange.Between);
            if (customers.Count > MaxImagined)
            {
                customers.Forget();
                Forget();
            }
        }
        else
        {
            var rehearsed = await orders.RunAsync(run.Orders, options, cancellation);
            Take(run, work, rehearsed, i => run.Orders[i].Row, RowChange.Between);
            if (orders.Count > MaxImagined)
            {
                orders.Forget();
                Forget();
            }
        }
    }

    /// <summary>What an earlier invocation noted in <see cref="ImportRun.CreatedKeys"/>.</summary>
    public void Remember(IEnumerable<ulong> keys)
    {
        foreach (var key in keys.Take(MaxCreated - created.Count))
        {
            created.Add(key);
        }
    }

    private void Forget()
    {
        Remember(recent);
        recent.Clear();
    }

    private void Take<T>(ImportRun run, ImportWork work, IReadOnlyList<Rehearsed<T>> rehearsed, Func<int, long> row, Func<T?, T?, IReadOnlyList<FieldChange>> between)
        where T : class
    {
        var results = rehearsed.Select(r => r.Result).ToList();
        for (var i = 0; i < rehearsed.Count; i++)
        {
            IReadOnlyList<FieldChange>? fields = null;
            if (results[i].Outcome == WriteOutcome.Created)
            {
                var keys = rehearsed[i].Keys.Select(k => FileKeys.Hash(k)).ToList();
                if (keys.Exists(created.Contains))
                {
                    results[i] = results[i] with { Outcome = WriteOutcome.Updated };
                }
                else
                {
                    run.CreatedKeys.AddRange(keys);
                    recent.AddRange(keys);
                    fields = between(null, rehearsed[i].After);
                }
            }
            else if (results[i].Outcome == WriteOutcome.Updated)
            {
                fields = between(rehearsed[i].Before, rehearsed[i].After);
            }

            run.Changes.Add(new(row(i), results[i].Outcome, results[i].CustomerId, fields, null));
        }

        run.Count(results, row, work.File.Columns);
        run.CompleteChanges();
        run.Attributes = Attributes.Count > 0 ? new Dictionary<string, AttributeDefinition>(Attributes) : null;
    }
}
