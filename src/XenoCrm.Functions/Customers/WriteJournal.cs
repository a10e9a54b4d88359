using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>One line of a journal: rows, what was decided of them, and what is to be written for that.</summary>
public sealed record JournalLine
{
    /// <summary>The customers that the rows of an orders file needed; null: what the file is about.</summary>
    public string? Scope { get; init; }

    /// <summary>Null: nothing is to be written, the rows are decided.</summary>
    public string? CustomerId { get; init; }
    public IReadOnlyList<long>? Created { get; init; }
    public IReadOnlyList<long>? Updated { get; init; }
    public IReadOnlyList<long>? Unchanged { get; init; }
    public IReadOnlyList<long>? Failed { get; init; }

    /// <summary>Code and message of the rows that have them.</summary>
    public IReadOnlyList<JournalNote>? Notes { get; init; }

    /// <summary>What was not taken of rows that were.</summary>
    public IReadOnlyList<JournalDoubts>? Doubts { get; init; }

    /// <summary>The decision stands if these lines of the attempt, counted from 0, have been carried out; else it is taken again.</summary>
    public IReadOnlyList<int>? Upon { get; init; }

    /// <summary>What the write does to items in the customer's partition.</summary>
    public IReadOnlyList<JournalItem>? Items { get; init; }

    /// <summary>The rows were decided by this earlier entry after all: its write arrived late.</summary>
    public long? Confirms { get; init; }

    internal IEnumerable<(long Row, WriteOutcome Outcome)> Rows =>
        Of(Created, WriteOutcome.Created).Concat(Of(Updated, WriteOutcome.Updated)).Concat(Of(Unchanged, WriteOutcome.Unchanged)).Concat(Of(Failed, WriteOutcome.Failed));

    /// <summary>A line about rows and what was decided of each.</summary>
    internal static JournalLine Of(string? scope, IEnumerable<(long Row, WriteResult Result)> rows)
    {
        List<long>? created = null, updated = null, unchanged = null, failed = null;
        List<JournalNote>? notes = null;
        List<JournalDoubts>? doubts = null;
        foreach (var (row, result) in rows)
        {
            switch (result.Outcome)
            {
                case WriteOutcome.Created:
                    (created ??= new(1)).Add(row);
                    break;
                case WriteOutcome.Updated:
                    (updated ??= new(1)).Add(row);
                    break;
                case WriteOutcome.Unchanged:
                    (unchanged ??= new(1)).Add(row);
                    break;
                default:
                    (failed ??= new(1)).Add(row);
                    break;
            }

            if (result.Code is { } code)
            {
                (notes ??= []).Add(new(row, code, result.Message ?? ""));
            }

            if (result.Doubts is { } some)
            {
                (doubts ??= []).Add(new(row, some));
            }
        }

        return new() { Scope = scope, Created = created, Updated = updated, Unchanged = unchanged, Failed = failed, Notes = notes, Doubts = doubts };
    }

    public long FirstRow => Rows.Min(r => r.Row);

    private static IEnumerable<(long, WriteOutcome)> Of(IReadOnlyList<long>? rows, WriteOutcome outcome) => (rows ?? []).Select(r => (r, outcome));
}

public sealed record JournalNote(long Row, string Code, string Message);

public sealed record JournalDoubts(long Row, IReadOnlyList<FieldIssue> Issues);

/// <param name="Id">Of the item; null: the customer itself.</param>
/// <param name="Print">Of an item that is created: a hash of its content, to tell later whether anybody touched it.</param>
/// <param name="Fields">Of an item that is changed: what it changes from and to.</param>
/// <param name="Row">The row that it is written for, where a line has several items.</param>
public sealed record JournalItem(string? Id, string? Print = null, IReadOnlyDictionary<string, ValueChange>? Fields = null, long? Row = null);

/// <summary>One value before and after; null: none.</summary>
public sealed record ValueChange(JsonElement? Before, JsonElement? After);

/// <summary>
/// What one run of an import has decided, stored before any of it is written. With the <see cref="ImportMark"/> that each
/// write leaves on what it changes, a repeated run knows of every row what became of it the first time, whatever
/// others have done since; and an undo knows what to put back.
/// <para>
/// A run stores one attempt, and another for each round in which it had to decide some rows anew because others were
/// faster. An attempt's number belongs to whoever stores it first: a worker that has been replaced finds its next number
/// taken and can plan nothing any more. The last line about a row is the one that holds.
/// </para>
/// </summary>
/// <param name="store">Stores an attempt under a number from 1; throws when the number is taken.</param>
public sealed class WriteJournal(string import, int run, Func<int, ReadOnlyMemory<byte>, CancellationToken, Task> store) : IDisposable
{
    /// <summary>Entries have one number over all attempts of a run; a run has far fewer rows.</summary>
    private const long PerAttempt = 1_000_000;

    private readonly SemaphoreSlim turn = new(1);

    /// <summary>Decisions, the oldest first. More than one: each but the last had not happened yet when the next was taken.</summary>
    private readonly Dictionary<(string?, long), List<Decision>> rows = [];
    private readonly Dictionary<long, string> customers = [];
    private readonly List<JournalLine> confirmations = [];

    /// <summary>Not in <see cref="rows"/> yet: most runs never ask.</summary>
    private readonly Queue<(int Attempt, IReadOnlyList<JournalLine> Lines)> unread = [];
    private int attempts;

    public string Import { get; } = import;

    public int Run { get; } = run;

    /// <summary>A decision about a row, and the writes it stands on.</summary>
    internal sealed record Decision(WriteResult Result, IReadOnlyList<(string CustomerId, long Entry)> Upon);

    /// <summary>Takes in what an earlier try of the run has stored, oldest first.</summary>
    public void Load(int attempt, IReadOnlyList<JournalLine> lines)
    {
        attempts = Math.Max(attempts, attempt);
        unread.Enqueue((attempt, lines));
    }

    /// <summary>Something has been planned before.</summary>
    internal bool IsRepeated => attempts > 0;

    /// <summary>What was decided of the row before, the latest first.</summary>
    internal IReadOnlyList<Decision> DecisionsOf(string? scope, long row)
    {
        lock (rows)
        {
            while (unread.TryDequeue(out var next))
            {
                Remember(next.Attempt, next.Lines);
            }

            return rows.TryGetValue((scope, row), out var known) ? [.. Enumerable.Reverse(known)] : [];
        }
    }

    /// <summary>The decision about the row that has come true, or null.</summary>
    /// <param name="slots">The customers that its decisions stand on.</param>
    internal Decision? HappenedOf(string? scope, long row, IReadOnlyDictionary<string, CustomerSlot> slots) =>
        DecisionsOf(scope, row).FirstOrDefault(d => d.Upon.All(u => slots.TryGetValue(u.CustomerId, out var slot) && ImportMark.Has(slot.Marks, Import, Run, u.Entry)));

    /// <summary>The decision has turned out to be the one that holds.</summary>
    internal void Settle(string? scope, long row, Decision decision)
    {
        lock (rows)
        {
            if (!ReferenceEquals(rows[(scope, row)][^1], decision) && decision.Upon is [var (_, entry)])
            {
                confirmations.Add(new() { Scope = scope, Unchanged = [row], Confirms = entry });
            }
        }
    }

    /// <summary>Stores lines, in one request. Those that have items get numbers in their order.</summary>
    /// <returns>The number of the first line; the next follow.</returns>
    internal async Task<long> StoreAsync(IReadOnlyList<JournalLine> lines, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            var attempt = attempts + 1;
            var buffer = new ArrayBufferWriter<byte>(Math.Max(256, lines.Count * 160));
            using (var writer = new Utf8JsonWriter(buffer, new() { SkipValidation = true, Encoder = Json.Options.Encoder }))
            {
                foreach (var line in lines.Concat(confirmations))
                {
                    JsonSerializer.Serialize(writer, line, Json.Options);
                    writer.Flush();
                    writer.Reset();
                    buffer.Write("\n"u8);
                }
            }

            confirmations.Clear();
            await store(attempt, buffer.WrittenMemory, cancellation);
            Load(attempt, lines);
            return attempt * PerAttempt;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>After the last write of the run.</summary>
    public Task CompleteAsync(CancellationToken cancellation) => confirmations.Count > 0 ? StoreAsync([], cancellation) : Task.CompletedTask;

    /// <summary>
    /// Of the lines of all attempts of a run those that hold, the latest first: each with its number, and whether the
    /// journal alone tells that it was carried out.
    /// </summary>
    public static IReadOnlyList<(JournalLine Line, long Entry)> Standing(IEnumerable<(int Attempt, IReadOnlyList<JournalLine> Lines)> attempts)
    {
        var last = new Dictionary<(string?, long), long>();
        var written = new List<(JournalLine Line, long Entry)>();
        foreach (var (attempt, lines) in attempts)
        {
            for (var i = 0; i < lines.Count; i++)
            {
                var number = lines[i].Confirms ?? (attempt * PerAttempt) + i;
                foreach (var (row, _) in lines[i].Rows)
                {
                    last[(lines[i].Scope, row)] = number;
                }

                if (lines[i].Items is not null)
                {
                    written.Add((lines[i], number));
                }
            }
        }

        written.RemoveAll(w => last[(w.Line.Scope, w.Line.FirstRow)] != w.Entry);
        written.Reverse();
        return written;
    }

    public static async Task<IReadOnlyList<JournalLine>> ReadAsync(Stream attempt, CancellationToken cancellation)
    {
        var lines = new List<JournalLine>();
        using var reader = new StreamReader(attempt, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            lines.Add(JsonSerializer.Deserialize<JournalLine>(line, Json.Options)!);
        }

        return lines;
    }

    /// <summary>A hash that tells whether something is as it was; not a secret, and nothing can be read from it that the item does not say.</summary>
    internal static string Print(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return System.Buffers.Text.Base64Url.EncodeToString(hash[..12]);
    }

    public void Dispose() => turn.Dispose();

    private void Remember(int attempt, IEnumerable<JournalLine> lines)
    {
        var number = attempt * PerAttempt;
        foreach (var line in lines)
        {
            if (line.Items is not null)
            {
                customers[number] = line.CustomerId!;
            }

            number++;
        }

        number = attempt * PerAttempt;
        foreach (var line in lines)
        {
            IReadOnlyList<(string, long)> upon = line.Items is not null ? [(line.CustomerId!, number)]
                : line.Upon is { } others ? [.. others.Select(o => (customers[(attempt * PerAttempt) + o], (attempt * PerAttempt) + o))]
                : [];
            if (line.Confirms is null)
            {
                var notes = line.Notes?.ToDictionary(n => n.Row);
                var doubts = line.Doubts?.ToDictionary(d => d.Row, d => d.Issues);
                foreach (var (row, outcome) in line.Rows)
                {
                    var note = notes?.GetValueOrDefault(row);
                    var decision = new Decision(new(outcome, outcome == WriteOutcome.Failed ? null : line.CustomerId, note?.Code, note?.Message, doubts?.GetValueOrDefault(row)), upon);
                    if (!rows.TryGetValue((line.Scope, row), out var known))
                    {
                        rows[(line.Scope, row)] = known = [];
                    }

                    known.Add(decision);
                }
            }

            number++;
        }
    }
}
