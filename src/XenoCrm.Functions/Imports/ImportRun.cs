using System.Buffers;
using XenoCrm.Customers;
using XenoCrm.Orders;

namespace XenoCrm.Imports;

/// <summary>Something about one value of a row.</summary>
/// <param name="Row">1-based as in a spreadsheet; the header is row 1.</param>
/// <param name="Column">The header of the column; null: the whole row.</param>
/// <param name="Code">Stable, such as <c>import.date_ambiguous</c> or <c>customer.email_invalid</c>.</param>
/// <param name="Value">As in the file, cut after 200 characters.</param>
/// <param name="Warning">The row was taken all the same.</param>
public sealed record RowIssue(long Row, string? Column, string Code, string Message, string? Value, bool Warning = false)
{
    public const int MaxValue = 200;

    public static string? Clip(string? value) => value is { Length: > MaxValue } ? value[..MaxValue] + "…" : value;
}

/// <summary>What became of rows: <c>rows = created + updated + unchanged + failed</c>, always.</summary>
/// <param name="Warnings">Rows that were taken with a doubt.</param>
public sealed record ImportCounts(long Rows = 0, long Created = 0, long Updated = 0, long Unchanged = 0, long Failed = 0, long Warnings = 0)
{
    public static ImportCounts operator +(ImportCounts a, ImportCounts b) => new(
        a.Rows + b.Rows, a.Created + b.Created, a.Updated + b.Updated, a.Unchanged + b.Unchanged, a.Failed + b.Failed, a.Warnings + b.Warnings);
}

/// <summary>
/// Rows that are read, written and checkpointed together, in the order of the file. Which they are depends on the file and
/// the job's <see cref="ImportCut"/> alone, so that a run that is repeated after a crash is the same run.
/// </summary>
/// <param name="number">From 1.</param>
public sealed class ImportRun(int number)
{
    private readonly ArrayBufferWriter<byte> raw = new(64 * 1024);
    private readonly OrderedDictionary<long, (int Start, int Length)> rawRows = [];
    private readonly Dictionary<long, WriteOutcome> outcomes = [];
    private readonly HashSet<long> failedRows = [];
    private readonly HashSet<long> doubtfulRows = [];

    public int Number { get; } = number;

    /// <summary>Data rows that are not blank.</summary>
    public int Rows { get; private set; }

    public int Bytes => raw.WrittenCount;

    public List<UpsertRow> Customers { get; } = [];

    public List<OrderRow> Orders { get; } = [];

    public List<RowIssue> Issues { get; } = [];

    /// <summary>Of a dry run: one per data row, in their order.</summary>
    public List<RowChange> Changes { get; private set; } = [];

    /// <summary>Of a dry run: hashes of what identifies the things that would be created.</summary>
    public List<ulong> CreatedKeys { get; } = [];

    /// <summary>Of a dry run: the attributes that the rows up to here would have registered.</summary>
    public IReadOnlyDictionary<string, AttributeDefinition>? Attributes { get; set; }

    /// <summary>Where the next run starts; null: this was the last.</summary>
    public RunStart? Next { get; set; }

    /// <summary>Set once the run is written.</summary>
    public ImportCounts Counts { get; private set; } = new();

    /// <summary>Rows that were not taken, ascending.</summary>
    public IEnumerable<long> FailedRows => failedRows.Order();

    public void Begin(long row, ReadOnlySpan<byte> bytes)
    {
        Rows++;
        rawRows.Add(row, (raw.WrittenCount, bytes.Length));
        raw.Write(bytes);
    }

    /// <summary>The bytes of a row as they are in the file; empty when it was too long to be held.</summary>
    public ReadOnlyMemory<byte> Raw(long row)
    {
        var (start, length) = rawRows[row];
        return raw.WrittenMemory.Slice(start, length);
    }

    public void Add(RowIssue issue)
    {
        Issues.Add(issue);
        (issue.Warning ? doubtfulRows : failedRows).Add(issue.Row);
    }

    /// <summary>Counts the rows by what the writer made of them; <paramref name="row"/> gives the row of each result.</summary>
    /// <param name="columns">Of the file: what is doubtful is said of its column.</param>
    public void Count(IReadOnlyList<WriteResult> results, Func<int, long> row, IReadOnlyList<ImportColumn> columns)
    {
        long created = 0, updated = 0, unchanged = 0;
        for (var i = 0; i < results.Count; i++)
        {
            outcomes[row(i)] = results[i].Outcome;
            foreach (var doubt in results[i].Doubts ?? [])
            {
                var field = doubt.Field.Replace('/', '.');
                Add(new(row(i), columns.FirstOrDefault(c => c.Field == field)?.Header, doubt.Code, doubt.Message, null, Warning: true));
            }

            switch (results[i].Outcome)
            {
                case WriteOutcome.Created:
                    created++;
                    break;
                case WriteOutcome.Updated:
                    updated++;
                    break;
                case WriteOutcome.Unchanged:
                    unchanged++;
                    break;
                default:
                    Add(new(row(i), null, results[i].Code!, results[i].Message!, null));
                    break;
            }
        }

        doubtfulRows.ExceptWith(failedRows);
        Counts = new(Rows, created, updated, unchanged, failedRows.Count, doubtfulRows.Count);
    }

    /// <summary>Warns of the rows of a committed file that are not what the dry run said. What it says of each data row comes in their order.</summary>
    public async Task CompareAsync(IAsyncEnumerator<WriteOutcome> expected)
    {
        foreach (var row in rawRows.Keys)
        {
            var now = outcomes.GetValueOrDefault(row, WriteOutcome.Failed);
            if (await expected.MoveNextAsync() && expected.Current != now)
            {
                Add(new(row, null, RowCodes.ChangedSinceDryRun, $"The dry run said {Name(expected.Current)}; the data have changed since, and it is {Name(now)}.", null, Warning: true));
            }
        }

        doubtfulRows.ExceptWith(failedRows);
        Counts = Counts with { Warnings = doubtfulRows.Count };
    }

    /// <summary>Rows that did not get as far as being decided have their changes too: they fail.</summary>
    internal void CompleteChanges()
    {
        var decided = Changes.ToDictionary(c => c.Row);
        var issues = Issues.ToLookup(i => i.Row);
        Changes = [.. rawRows.Keys.Select(row =>
            decided.GetValueOrDefault(row, new RowChange(row, WriteOutcome.Failed, null, null, null)) with { Issues = issues.Contains(row) ? [.. issues[row]] : null })];
    }

    private static string Name(WriteOutcome outcome) => outcome.ToString().ToLowerInvariant();
}
