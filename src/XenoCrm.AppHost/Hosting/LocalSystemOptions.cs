namespace XenoCrm.AppHost;

/// <summary>What to start and where.</summary>
public sealed record LocalSystemOptions
{
    public const int DefaultPortBase = 7071;

    /// <summary>State of everything that runs; survives a restart.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The first of the ports in <see cref="LocalPorts"/>.</summary>
    public int PortBase { get; init; } = DefaultPortBase;

    /// <summary>Wipe the data first.</summary>
    public bool Fresh { get; init; }

    /// <summary>The data is a demo's: wiped first, provided that a demo has made it or <see cref="Fresh"/> is said.</summary>
    public bool Demo { get; init; }

    /// <summary>Show every line that the processes write.</summary>
    public bool Verbose { get; init; }

    /// <summary>Further options for the vendor simulator, such as <c>--chaos</c>.</summary>
    public IReadOnlyList<string> VendorArguments { get; init; } = [];
}

/// <summary>Ports of the system, in a row.</summary>
public readonly record struct LocalPorts(int Base)
{
    public const int Count = 6;

    public int Api => Base;
    public int Cosmos => Base + 1;
    public int Blobs => Base + 2;
    public int Queues => Base + 3;
    public int Tables => Base + 4;
    public int Vendor => Base + 5;

    public IEnumerable<(string What, int Port)> All =>
        [("API", Api), ("Cosmos DB", Cosmos), ("blobs", Blobs), ("queues", Queues), ("tables", Tables), ("vendor", Vendor)];
}
