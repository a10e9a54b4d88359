using System.Diagnostics;
using XenoCrm.Scenarios;

namespace XenoCrm.Benchmarks;

/// <summary>From the start of the one command to the first answer of the app (a log-in), with no data and everything built, beside a bare ASP.NET Core process.</summary>
internal static class StartBenchmark
{
    public static async Task RunAsync(Report report, Size size)
    {
        using var folder = new TemporaryFolder();
        var (system, bare) = (new List<double>(), new List<double>());
        var memory = 0.0;
        for (var round = 0; round < (size != Size.Small ? 5 : 1); round++)
        {
            var since = Stopwatch.GetTimestamp();
            await using (var server = await BareServer.StartAsync(folder[$"bare-{round}"]))
            {
                await server.GetAsync(1);
                bare.Add(Stopwatch.GetElapsedTime(since).TotalSeconds);
            }

            since = Stopwatch.GetTimestamp();
            await using var crm = await CrmSystem.StartAsync();
            system.Add(Stopwatch.GetElapsedTime(since).TotalSeconds);
            memory = crm.Usage("functions").RssMb;
        }

        report.Add(new Figure("start of everything to the first answer, median", Median(system), "s", Median(bare), RssMb: memory, N: system.Count));
    }

    private static double Median(List<double> values) => Math.Round(values.Order().ElementAt(values.Count / 2), 3);
}
