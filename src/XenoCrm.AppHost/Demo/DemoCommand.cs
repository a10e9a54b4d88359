using System.Diagnostics;
using Spectre.Console;

namespace XenoCrm.AppHost.Demo;

/// <summary>Starts the system on data of its own, runs the main job, prints the ledger, and stops the system.</summary>
internal sealed class DemoCommand(LocalSystemOptions systemOptions, DemoOptions options)
{
    /// <returns>0 when the ledger balances and agrees with the vendor's record, otherwise 1.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        CheckFiles();
        RunCommand.Say("Starting the system…");
        await using var system = await LocalSystem.StartAsync(systemOptions, RunCommand.Say, cancellation);
        var (report, differences) = await DemoView.RunAsync(view => new DemoRun(system, options, view).RunAsync(cancellation));
        Print(report, differences, system);
        if (options.Json)
            Console.Out.WriteLine(report.ToJson());
        return report.Balanced ? 0 : 1;
    }

    private void CheckFiles()
    {
        if (options.Customers is null != options.Orders is null)
            throw new LocalException("--customers and --orders belong together: give both files or neither.");
        foreach (var file in new[] { options.Customers, options.Orders })
        {
            if (file is { Exists: false })
                throw new LocalException($"The file {file.FullName} does not exist.");
        }
    }

    private static void Print(DemoReport report, IReadOnlyList<string> differences, LocalSystem system)
    {
        var (campaign, seconds) = (report.Campaign, report.Seconds);
        var ledger = new Table().Border(TableBorder.Rounded).Title("Ledger").AddColumn("").AddColumn(new TableColumn("messages").RightAligned());
        void Row(string what, long count) => ledger.AddRow(new Text(what), new Text($"{count:N0}"));
        Row("audience", campaign.Audience);
        Row("delivered", campaign.Delivered);
        Row("failed", campaign.Failed);
        Row("suppressed", campaign.Suppressed);
        Row("skipped", campaign.Skipped);
        Row("pending", campaign.Pending);
        ledger.AddEmptyRow();
        Row("asked of the vendor", report.Vendor.Distinct);
        Row("carried more than once", report.Vendor.Repeated);
        AnsiConsole.Write(ledger);
        RunCommand.Say($"Import {report.PerSecond.ImportRows:N0} rows/s ({seconds.Import:0.0} s), campaign {report.PerSecond.Messages:N0} messages/s from launch to the last receipt (planned in {seconds.Plan:0.0} s, sent in {seconds.Send:0.0} s, receipts {seconds.Receipts:0.0} s later); {seconds.Total:0.0} s in all.");
        if (PeakMegabytes(system.AppProcessId) is { } peak)
            RunCommand.Say($"The function app took up to {peak:N0} MB of memory. Logs: {system.LogPath}");
        foreach (var difference in differences)
            AnsiConsole.MarkupLineInterpolated($"[red]{difference}[/]");
        RunCommand.Say(report.Balanced ? "The ledger balances and agrees with the vendor's record." : "The ledger does not balance.");
    }

    private static long? PeakMegabytes(int? processId)
    {
        if (processId is null)
            return null;
        try
        {
            using var process = Process.GetProcessById(processId.Value);
            return process.PeakWorkingSet64 / (1024 * 1024);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
