using XenoCrm.Customers;

namespace XenoCrm.Imports;

public sealed class ImportOptions
{
    public const string Section = "Imports";

    /// <summary>
    /// Rows between two checkpoints, 1 to 10,000. A run waits for its slowest write and for the checkpoint, so short runs
    /// are slow; long ones repeat more after a crash, show progress and notice a cancellation later.
    /// </summary>
    public int RunRows { get; set; } = CustomerWriter.GoodRunSize;

    /// <summary>A run also ends after so many bytes: rows can be wide.</summary>
    public int RunBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Of a file of orders so much is held in memory to put the orders of a customer together, at most 256 MB; half of it
    /// are the rows. A larger file is read several times.
    /// </summary>
    public int HeldBytes { get; set; } = 24 * 1024 * 1024;

    /// <summary>Imports that one process works on at the same time, 1 to 32; others wait. Each holds two runs in memory, and of orders <see cref="HeldBytes"/>.</summary>
    public int AtOnce { get; set; } = 3;

    /// <summary>An import works so long before it hands over to a new message: within the host's limit for a function (5 minutes on the Consumption plan).</summary>
    public TimeSpan TimeSlice { get; set; } = TimeSpan.FromMinutes(4);

    /// <summary>When others wait for their turn, an import hands over after so long: they all advance, and each waits at most for a few of these.</summary>
    public TimeSpan FairSlice { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The largest file taken within a request; larger ones go through an upload.</summary>
    public int MaxUploadBytes { get; set; } = 5 * 1024 * 1024;

    /// <summary>How long an upload address can be used.</summary>
    public TimeSpan UploadTime { get; set; } = TimeSpan.FromHours(4);

    /// <summary>How long the files of imports that are over are kept, with their row errors, dry runs and journals: they hold people's data.</summary>
    public TimeSpan FileRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Row issues in the answer to an import within a request; all of them are at <c>/api/imports/{id}/errors</c>.</summary>
    public int MaxAnsweredIssues { get; set; } = 1000;
}
