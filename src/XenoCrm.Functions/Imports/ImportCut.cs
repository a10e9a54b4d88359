namespace XenoCrm.Imports;

/// <summary>
/// How a file is cut into runs. Kept with the job: an import that goes on after new settings, and the commit of a dry
/// run, cut as it was begun.
/// </summary>
/// <param name="Passes">Of a file of orders: how many times it is read, see <see cref="OrderRuns"/>.</param>
/// <param name="HeldBytes">Of a file of orders: what is held in memory of a pass.</param>
public sealed record ImportCut(int Passes, int HeldBytes, int RunRows, int RunBytes)
{
    /// <summary>What does not fit into them is held part by part: its customers may come once in each.</summary>
    private const int MaxPasses = 16;

    /// <summary>By the file's size alone: a row takes about as much again as it has bytes (<see cref="HeldRows"/>).</summary>
    public static ImportCut Of(long size, ImportOptions options) =>
        new((int)Math.Min(2 * size / options.HeldBytes, MaxPasses - 1) + 1, options.HeldBytes, options.RunRows, options.RunBytes);

    /// <summary>Of a job that was begun before the cut was kept.</summary>
    public static ImportCut Single(ImportOptions options) => Of(0, options);
}

/// <summary>Where a run starts.</summary>
/// <param name="Offset">See <see cref="CsvPosition"/>. Of orders: where what is held in memory starts, of which the run is a part.</param>
/// <param name="Pass">From 0.</param>
/// <param name="Taken">Rows of what is held that earlier runs have taken.</param>
public sealed record RunStart(long Offset, long Row, long LinesUntil, int Pass = 0, int Taken = 0)
{
    [System.Text.Json.Serialization.JsonIgnore]
    public CsvPosition Position => new(Offset, Row, LinesUntil);

    public static RunStart At(CsvPosition position, int pass = 0, int taken = 0) => new(position.Offset, position.Row, position.LinesUntil, pass, taken);
}
