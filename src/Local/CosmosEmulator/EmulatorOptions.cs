namespace XenoCrm.Local.CosmosEmulator;

/// <summary>How an emulator runs. The defaults are those of the command line.</summary>
public sealed record EmulatorOptions
{
    /// <summary>The well-known key of every Cosmos DB emulator; it protects nothing.</summary>
    public const string WellKnownKey = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==";

    /// <summary>TCP port on loopback; 0 takes a free one.</summary>
    public int Port { get; init; } = 8081;

    /// <summary>Directory of the log and the snapshots; null keeps everything in memory only.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>
    /// Wait for the disk before a write is acknowledged. Without it the page cache has the write, which survives the end of
    /// the process but not of the machine.
    /// </summary>
    public bool FlushToDisk { get; init; } = true;

    /// <summary>Check the master-key signature of requests.</summary>
    public bool Authenticate { get; init; } = true;

    /// <summary>Request units per second over the whole account; what exceeds it is answered with 429. Null is no limit.</summary>
    public double? Throughput { get; init; }

    /// <summary>Answer with an empty page before each page of a query or feed, as the service may at any time.</summary>
    public bool EmptyPages { get; init; }

    /// <summary>Size of log and snapshot below which compaction is not worth it.</summary>
    public long CompactAboveBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long to wait for a data directory that another process still holds.</summary>
    public TimeSpan LockPatience { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The clock of timestamps and time to live.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where warnings and unexpected errors are written, a line each.</summary>
    public TextWriter Messages { get; init; } = Console.Error;
}
