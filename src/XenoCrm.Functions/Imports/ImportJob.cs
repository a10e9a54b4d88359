using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Imports;

public enum ImportState
{
    /// <summary>The file has not been uploaded yet.</summary>
    AwaitingUpload,
    Queued,
    Running,

    /// <summary>Cancelled while rows were being written: these are written to their end and counted.</summary>
    Cancelling,
    Completed,
    Failed,
    Cancelled,

    /// <summary>Its changes are being taken back.</summary>
    Undoing,
    Undone,
}

/// <summary>One file's import, as stored. Where it goes on after a crash is <see cref="Next"/>, moved only after the rows before it are written.</summary>
public sealed record ImportJob : IWorkspaceItem
{
    public const string KindName = "import";

    /// <summary>Follows from the blob and its ETag, so that the same file announced twice is one job. Sorts by time.</summary>
    public required string Id { get; init; }

    public string Kind => KindName;

    /// <summary>Null: the blob's folder names no kind, and the job has failed.</summary>
    public ImportKind? Target { get; init; }

    public required ImportState State { get; init; }

    /// <summary>In the container <c>imports</c>; null: the file came in a request.</summary>
    public string? Blob { get; init; }

    /// <summary>The version of the blob that this job is about. Another version is another job.</summary>
    public string? BlobETag { get; init; }

    /// <summary>Bytes of the file.</summary>
    public long Size { get; init; }

    public ImportSettings Settings { get; init; } = new();

    /// <summary>Known once the file has been looked at.</summary>
    public CsvFormat? Format { get; init; }

    public IReadOnlyList<ImportColumn>? Columns { get; init; }

    /// <summary>Where the next run starts.</summary>
    public RunStart? Next { get; init; }

    /// <summary>Settled when the import begins.</summary>
    public ImportCut? Cut { get; init; }

    /// <summary>Bytes of the rows that are written and counted, as UTF-8.</summary>
    public long Read { get; init; }

    /// <summary>Runs that are written and counted.</summary>
    public int Runs { get; init; }

    public ImportCounts Counts { get; init; } = new();

    /// <summary>Nothing is written: <see cref="DryRunResults"/> says what would be.</summary>
    public bool DryRun { get; init; }

    /// <summary>Of a dry run that is not at its end: see <see cref="Imports.DryRun.Attributes"/>.</summary>
    public IReadOnlyDictionary<string, AttributeDefinition>? Attributes { get; init; }

    /// <summary>SHA-256 of the file, of a dry run in a request: the commit must bring the same bytes.</summary>
    public string? FileHash { get; init; }

    /// <summary>The dry run that this import carries out.</summary>
    public string? DryRunId { get; init; }

    /// <summary>The import that carries this dry run out.</summary>
    public string? CommitId { get; init; }

    /// <summary>Which invocation works on it; null between two of them. The last one to begin owns the job: the others' next write fails and they stop.</summary>
    public string? Worker { get; init; }

    /// <summary>Time spent working, without the time it lay still.</summary>
    public double WorkedSeconds { get; init; }

    /// <summary>How many runs had been written when its message was last given up; giving up twice at the same place ends the import.</summary>
    public int? GivenUpAtRun { get; init; }

    public ImportFailure? Failure { get; init; }

    /// <summary>Null: nobody has asked for it.</summary>
    public ImportUndo? Undo { get; init; }

    /// <summary>Who asked for it; null: a file dropped into the container.</summary>
    public string? CreatedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The file and what else was kept of it in blobs are gone.</summary>
    public DateTimeOffset? FilesDeletedAt { get; init; }

    /// <summary>Seconds from the last change until the item goes; only for files that are never uploaded.</summary>
    public int? Ttl { get; init; }

    public bool IsOver => State is not (ImportState.AwaitingUpload or ImportState.Queued or ImportState.Running or ImportState.Cancelling);

    public ImportFile? File => Format is not null && Columns is not null && Next is not null ? new(Format, Columns, Next.Position) : null;

    public ImportJob Fail(Problem problem, DateTimeOffset now) =>
        this with { State = ImportState.Failed, Failure = new(problem.Code, problem.Detail), FinishedAt = now, Ttl = null };
}

/// <param name="Code">As in problem documents.</param>
public sealed record ImportFailure(string Code, string Detail);

/// <summary>An import as the API shows it.</summary>
/// <param name="Blob">In the container <c>imports</c>; absent when the file came in a request.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="BytesDone">How far it has been read and written.</param>
/// <param name="DryRun">Nothing is written; the counts say what would be.</param>
/// <param name="DryRunId">The dry run that this import carries out.</param>
/// <param name="CommitId">The import that carries this dry run out.</param>
/// <param name="RowsPerSecond">Over the time spent working.</param>
/// <param name="SecondsLeft">By the bytes that are left, at this rate; absent when nothing can be said.</param>
/// <param name="Undo">Absent: nobody has asked for it.</param>
/// <param name="Columns">Which column was taken for which field; without a field it was ignored. Not in lists.</param>
public sealed record ImportView(
    string Id, ImportKind? Kind, ImportState State, bool DryRun, string? DryRunId, string? CommitId, string? Blob, long Bytes, long BytesDone,
    long Rows, long Created, long Updated, long Unchanged, long Failed, long Warnings,
    double? RowsPerSecond, double? BytesPerSecond, double? SecondsLeft, IReadOnlyList<ImportColumn>? Columns, ImportFailure? Failure, ImportUndoView? Undo,
    DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static ImportView Of(ImportJob job)
    {
        // Counted in the UTF-8 form, where UTF-16 text has about half its bytes.
        var read = job.Read * (job.Format?.Encoding is CsvFormat.Utf16LittleEndian or CsvFormat.Utf16BigEndian ? 2 : 1);
        var done = (job.Undo?.Was ?? job.State) == ImportState.Completed ? job.Size : Math.Min(read, job.Size);
        double? speed = job.WorkedSeconds > 0 ? Math.Round(done / job.WorkedSeconds) : null;
        double? rate = job.WorkedSeconds > 0 ? Math.Round(job.Counts.Rows / job.WorkedSeconds, 1) : null;
        double? left = job.State == ImportState.Running && job.Counts.Rows > 0 && done > 0 ? Math.Round(job.WorkedSeconds * (job.Size - done) / done, 1) : null;
        var counts = job.Counts;
        return new(
            job.Id, job.Target, job.State, job.DryRun, job.DryRunId, job.CommitId, job.Blob, job.Size, done,
            counts.Rows, counts.Created, counts.Updated, counts.Unchanged, counts.Failed, counts.Warnings,
            rate, speed, left, job.Columns, job.Failure, job.Undo is { } undo ? ImportUndoView.Of(undo) : null, job.CreatedAt, job.StartedAt, job.FinishedAt);
    }
}
