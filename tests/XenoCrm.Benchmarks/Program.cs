using System.CommandLine;
using System.Diagnostics;
using XenoCrm.AppHost;
using XenoCrm.Benchmarks;
using XenoCrm.Benchmarks.Faults;
using XenoCrm.Benchmarks.Growth;

// One line for each command; `all` runs them in this order.
(string Name, string What, Func<Report, Size, Task> Run)[] benchmarks =
[
    ("emulator", "The Cosmos emulator through the .NET SDK: reads, writes, queries, memory, start", EmulatorBenchmark.RunAsync),
    ("imports", "Imports of customers and orders beside the SDK writing the same items: rows/s, requests, RU, memory", ImportsBenchmark.RunAsync),
    ("start", "From the one command to the first answer, beside a bare process", StartBenchmark.RunAsync),
    ("reads", "A customer and a page of customers over HTTP beside the SDK's calls", ReadsBenchmark.RunAsync),
    ("overview", "The 360° view of a customer beside a bare query of the same partition", OverviewBenchmark.RunAsync),
    ("segments", "Segments: preview, evaluation on a write, rebuild by difference, RFM", SegmentsBenchmark.RunAsync),
    ("campaigns", "Campaigns from launch to last receipt beside a bare loop at the same vendor: messages/s, requests, RU, growth", CampaignBenchmark.RunAsync),
    ("receipts", "Receipts by webhook beside a bare endpoint with the same signature check", ReceiptsBenchmark.RunAsync),
    ("analytics", "Dashboard, revenue, cohorts and best times: from roll-ups beside a point read, fresh, and with nothing kept", AnalyticsBenchmark.RunAsync),
    ("insights", "Text to rules without a model beside the bar of 5 ms", InsightsBenchmark.RunAsync),
    ("runtime", "The Functions runtime beside a bare ASP.NET Core endpoint and a bare receive loop", RuntimeBenchmark.RunAsync),
];

var size = new Option<string>("--size") { Description = "full: the sizes that the project's figures are stated for. small: the same in a few minutes. million: campaigns to a million, else as full", DefaultValueFactory = _ => "small", Recursive = true };
size.AcceptOnlyFromAmong("small", "full", "million");
var json = new Option<bool>("--json") { Description = "One JSON object per line instead of a table", Recursive = true };
var picture = new Option<string?>("--svg") { Description = "Where to write the ratios as a picture; `all` at full size and above writes docs/figures/benchmarks.svg without being told", Recursive = true };

var root = new RootCommand("Measures Xeno CRM and what it runs on, each figure beside a ceiling measured in the same run: compare ratios, absolute figures are the machine's. Build and run it with -c Release.") { size, json, picture };
root.Add(Command("all", "Every one of them in turn; at full size it writes docs/figures/benchmarks.svg as well", benchmarks));
foreach (var benchmark in benchmarks)
    root.Add(Command(benchmark.Name, benchmark.What, benchmark));
var filter = new Argument<string?>("filter") { Description = "Which, with * for anything; all if it is missing", DefaultValueFactory = _ => null };
var micro = new Command("micro", "What happens once for each customer, message, row or receipt, by BenchmarkDotNet") { filter };
micro.SetAction(parsed => MicroBenchmarks.Run(parsed.GetValue(filter)));
root.Add(micro);
root.Add(FaultsCommand.Create());
root.Add(GrowthCommand.Create());
if (args is [BareServer.Command, var file])
    return await BareServer.ServeAsync(file);
return await root.Parse(args).InvokeAsync();

Command Command(string name, string what, params (string Name, string What, Func<Report, Size, Task> Run)[] parts)
{
    var command = new Command(name, what);
    command.SetAction(async (parsed, _) =>
    {
        var report = new Report(parsed.GetValue(json));
        try
        {
            foreach (var part in parts)
            {
                var since = Stopwatch.GetTimestamp();
                await part.Run(report, Enum.Parse<Size>(parsed.GetRequiredValue(size), ignoreCase: true));
                await Console.Error.WriteLineAsync($"{part.Name}: took {Stopwatch.GetElapsedTime(since).TotalSeconds:0} s");
            }

            return 0;
        }
        catch (LocalException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
        finally
        {
            report.Print();

            // Also of what was measured before a part failed.
            var path = parsed.GetValue(picture) ?? (parts.Length > 1 && parsed.GetValue(size) != "small" ? Path.Combine(Repository.Root, "docs", "figures", "benchmarks.svg") : null);
            if (path is not null)
                await File.WriteAllTextAsync(path, RatioFigure.Write(report.Figures), CancellationToken.None);
        }
    });
    return command;
}
