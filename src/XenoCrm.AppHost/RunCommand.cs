using Spectre.Console;

namespace XenoCrm.AppHost;

/// <summary>Starts everything, says where it is, and stops it when asked to.</summary>
internal static class RunCommand
{
    public static async Task<int> RunAsync(LocalSystemOptions options, CancellationToken stop)
    {
        AnsiConsole.MarkupLine("[grey]Starting…[/]");
        await using var system = await LocalSystem.StartAsync(options, Say, stop);
        AnsiConsole.Write(Addresses(system));
        AnsiConsole.MarkupLine("Running. Ctrl+C stops everything.");
        try
        {
            await Task.Delay(Timeout.Infinite, stop);
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.MarkupLine("[grey]Stopping…[/]");
        }
        return 0;
    }

    public static void Say(string line) => AnsiConsole.Console.WriteLine(line);

    private static Table Addresses(LocalSystem system)
    {
        var ports = system.Ports;
        var table = new Table().Border(TableBorder.Rounded).AddColumns("What", "Where");
        void Row(string what, string where) => table.AddRow(new Text(what), new Text(where));
        Row("API", $"{system.Api}api");
        Row("API documentation", $"{system.Api}api-docs");
        Row("Administrator", $"{system.AdminEmail}   password: {system.AdminPassword}");
        Row("Files to import", $"container 'imports' (customers/…csv, orders/…csv) in http://127.0.0.1:{ports.Blobs}/{AzuriteProcess.AccountName}");
        Row("Queues", $"http://127.0.0.1:{ports.Queues}/{AzuriteProcess.AccountName}");
        Row("Tables", $"http://127.0.0.1:{ports.Tables}/{AzuriteProcess.AccountName}");
        Row("Cosmos DB emulator", $"http://127.0.0.1:{ports.Cosmos}/");
        Row("Delivery vendor", $"{system.Vendor}v1/audit");
        Row("Data", system.DataPath);
        Row("Logs", system.LogPath);
        return table;
    }
}
