using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>
/// Runs the main job again and again while something breaks at seeded moments, and checks after each run that nothing
/// acknowledged is missing, nothing is doubled, and every figure agrees with a recomputation.
/// </summary>
internal static class FaultsCommand
{
    public static Command Create()
    {
        var runs = new Option<int>("--runs") { Description = "How many", DefaultValueFactory = _ => 200 };
        var seed = new Option<int>("--seed") { Description = "Of the first run; the next ones count up from it", DefaultValueFactory = _ => 1 };
        var together = new Option<int>("--parallel") { Description = "Systems that run beside each other", DefaultValueFactory = _ => 1 };
        var sabotage = new Option<bool>("--sabotage") { Description = "No faults: after one run the data is damaged by hand, and each damage must be noticed" };
        var command = new Command("faults", "Breaks things while the system works (kills, freezes, cut lines, full disks, wrong clocks, refusals) and checks that nothing is lost or doubled") { runs, seed, together, sabotage };
        command.SetAction((parsed, cancellation) => parsed.GetValue(sabotage) ? SabotageAsync() : RunAsync(parsed.GetValue(runs), parsed.GetValue(seed), parsed.GetValue(together), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(int runs, int firstSeed, int together, CancellationToken cancellation)
    {
        Signals.SurviveFullDisks();
        var since = Stopwatch.StartNew();
        var (kinds, violated, done) = (new SortedDictionary<string, int>(StringComparer.Ordinal), new SortedDictionary<int, IReadOnlyList<string>>(), 0);
        await Parallel.ForAsync(firstSeed, firstSeed + runs, new ParallelOptions { MaxDegreeOfParallelism = together, CancellationToken = cancellation }, async (seed, _) =>
        {
            var run = Stopwatch.StartNew();
            var (faults, violations, kept) = await RunOneAsync(seed);
            lock (kinds)
            {
                foreach (var (kind, count) in faults.Kinds)
                    kinds[kind] = kinds.GetValueOrDefault(kind) + count;
                if (violations.Count > 0)
                    violated[seed] = violations;
                Console.Error.WriteLine($"{++done}/{runs}  seed {seed}  {run.Elapsed.TotalSeconds:0} s  {string.Join(", ", faults.Done)}{(violations.Count == 0 ? "" : $"\n  VIOLATED: {string.Join("\n  ", violations)}\n  data: {kept}")}");
            }
        });

        var table = new Table().Border(TableBorder.Rounded).Title($"{runs} runs in {since.Elapsed.TotalMinutes:0} minutes").AddColumn("fault").AddColumn(new TableColumn("times").RightAligned());
        foreach (var (kind, count) in kinds)
            table.AddRow(kind, count.ToString("N0", System.Globalization.CultureInfo.InvariantCulture));
        table.AddRow("runs with a violation", violated.Count.ToString("N0", System.Globalization.CultureInfo.InvariantCulture));
        AnsiConsole.Write(table);
        foreach (var (seed, violations) in violated)
            Console.Out.WriteLine($"{string.Join("; ", violations)}\n  again: dotnet run -c Release --project tests/XenoCrm.Benchmarks -- faults --runs 1 --seed {seed}");
        return violated.Count == 0 ? 0 : 1;
    }

    /// <summary>That the checks can fail: before the damage they find nothing, after it each kind.</summary>
    private static async Task<int> SabotageAsync()
    {
        await using var system = await StartAsync();
        var patience = TimeSpan.FromSeconds(30);
        using var api = new PatientClient(system.Api, patience);
        var job = new FaultJob(system, api, seed: 1);
        await job.RunAsync();
        var before = await new FaultChecks(system, api, job, TimeSpan.FromMinutes(2)).RunAsync();
        var damages = await new Sabotage(system, job).RunAsync();
        var found = await new FaultChecks(system, api, job, patience).RunAsync();
        var unnoticed = damages.Where(d => !found.Any(f => f.Contains(d.Noticed, StringComparison.Ordinal))).ToList();
        foreach (var damage in damages)
            Console.Out.WriteLine($"{(unnoticed.Contains(damage) ? "NOT NOTICED" : "noticed    ")}  {damage.What}");
        if (unnoticed.Count > 0)
            Console.Out.WriteLine($"Found were only:\n  {string.Join("\n  ", found)}");
        foreach (var violation in before)
            Console.Out.WriteLine($"VIOLATED before any damage: {violation}");
        return unnoticed.Count == 0 && before.Count == 0 ? 0 : 1;
    }

    private static async Task<(FaultMaker Faults, IReadOnlyList<string> Violations, string Data)> RunOneAsync(int seed)
    {
        await using var system = await StartAsync();
        using var api = new PatientClient(system.Api, FaultJob.Patience);
        var faults = new FaultMaker(system, seed);
        var job = new FaultJob(system, api, seed);
        using var stop = new CancellationTokenSource();
        IReadOnlyList<string> violations;
        var making = faults.RunAsync(stop.Token);
        try
        {
            // A system that cannot be started again ends the run at once.
            var running = job.RunAsync();
            if (await Task.WhenAny(running, making) == making)
                await making;
            await running;
            await stop.CancelAsync();
            await making;
            violations = await new FaultChecks(system, api, job, FaultJob.Patience).RunAsync();
        }
        catch (Exception violation)
        {
            // Also what this program did not expect: one run that it cannot judge must not hide the others.
            await stop.CancelAsync();
            await making.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            violations = [violation is ViolationException ? violation.Message : violation.ToString()];
        }

        system.Keep = violations.Count > 0;
        return (faults, violations, system.Data);
    }

    /// <summary>Somewhere else when another program has just taken the ports.</summary>
    private static async Task<FaultySystem> StartAsync()
    {
        for (var tries = 1; ; tries++)
        {
            var system = new FaultySystem();
            try
            {
                await system.StartAsync(TimeSpan.Zero);
                return system;
            }
            catch (InvalidOperationException e) when (tries < 4 && e.Message.Contains("is used by another program", StringComparison.Ordinal))
            {
                await system.DisposeAsync();
            }
        }
    }
}
