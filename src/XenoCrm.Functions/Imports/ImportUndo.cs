namespace XenoCrm.Imports;

/// <summary>How far the undo of an import is. Part of the job.</summary>
public sealed record ImportUndo
{
    /// <summary>What the import was before; it is that again when the undo is given up.</summary>
    public required ImportState Was { get; init; }

    /// <summary>Runs to be undone, the last one first.</summary>
    public required int Runs { get; init; }

    /// <summary>Runs undone and counted.</summary>
    public int Done { get; init; }

    public UndoCounts Counts { get; init; } = new();

    /// <summary>As <see cref="ImportJob.Worker"/>.</summary>
    public string? Worker { get; init; }

    /// <summary>As <see cref="ImportJob.GivenUpAtRun"/>.</summary>
    public int? GivenUpAt { get; init; }
    public double WorkedSeconds { get; init; }
    public string? RequestedBy { get; init; }
    public required DateTimeOffset RequestedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>Of customers and orders.</summary>
/// <param name="Restored">Have the values from before the import again, at least where nobody has changed them since.</param>
/// <param name="Deleted">Were created by the import and are gone again.</param>
/// <param name="Left">Are as they were, because of what happened to them after the import.</param>
public sealed record UndoCounts(long Restored = 0, long Deleted = 0, long Left = 0)
{
    public static UndoCounts operator +(UndoCounts a, UndoCounts b) => new(a.Restored + b.Restored, a.Deleted + b.Deleted, a.Left + b.Left);
}

/// <param name="Progress">0 to 1.</param>
/// <param name="SecondsLeft">At the rate so far; absent when nothing can be said.</param>
public sealed record ImportUndoView(long Restored, long Deleted, long Left, double Progress, double? SecondsLeft, DateTimeOffset RequestedAt, DateTimeOffset? FinishedAt)
{
    public static ImportUndoView Of(ImportUndo undo) => new(
        undo.Counts.Restored, undo.Counts.Deleted, undo.Counts.Left, undo.Runs == 0 ? 1 : Math.Round((double)undo.Done / undo.Runs, 3),
        undo.FinishedAt is null && undo.Done > 0 ? Math.Round(undo.WorkedSeconds * (undo.Runs - undo.Done) / undo.Done, 1) : null, undo.RequestedAt, undo.FinishedAt);
}

/// <summary>Something that an undo left, or put back in part.</summary>
/// <param name="Row">The row of the import's file.</param>
/// <param name="OrderId">Null: the customer itself.</param>
/// <param name="Code">Stable: <see cref="Customers.UndoCodes"/>.</param>
public sealed record UndoIssue(long Row, string CustomerId, string? OrderId, string Code, string Message);
