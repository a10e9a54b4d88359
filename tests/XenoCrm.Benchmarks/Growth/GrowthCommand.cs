using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks.Growth;

/// <summary>Predicts, checks what was measured against the prediction, and writes both down.</summary>
internal static class GrowthCommand
{
    private static string Constants => Path.Combine(Repository.Root, "tests", "XenoCrm.Benchmarks", "Growth", "growth.json");

    public static Command Create()
    {
        var measure = new Option<int[]>("--measure") { Description = "Run campaigns of these sizes first, and keep what they took", AllowMultipleArgumentsPerToken = true };
        var command = new Command("growth", "Time and cost of 1, 10 and 100 million messages, by a model that is checked against what was measured; writes docs/growth.md and its figure") { measure };
        command.SetAction(async (parsed, _) =>
        {
            try
            {
                foreach (var size in parsed.GetValue(measure) ?? [])
                    Keep(await GrowthMeasurement.RunAsync(size));
            }
            catch (LocalException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return 1;
            }

            return Write(GrowthModel.Read(Constants));
        });
        return command;
    }

    private static int Write(GrowthModel model)
    {
        File.WriteAllText(Path.Combine(Repository.Root, "docs", "growth.md"), GrowthPage.Write(model));
        File.WriteAllText(Path.Combine(Repository.Root, "docs", "figures", "growth.svg"), GrowthFigure.Write(model));
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "messages", "time", "bound by", "USD");
        foreach (var plan in model.Plans)
        {
            foreach (var p in GrowthModel.Sizes.Select(s => model.Predict(s, plan)))
                table.AddRow(new Text(plan.Name), new Text(FormattableString.Invariant($"{p.Messages:N0}")), new Text(GrowthPage.Time(p.Seconds)), new Text(p.Bound), new Text(FormattableString.Invariant($"{p.Cost:N0}")));
        }

        AnsiConsole.Write(table);
        var deviations = model.Deviations().ToList();
        deviations.ForEach(Console.Error.WriteLine);
        return deviations.Count == 0 ? 0 : 1;
    }

    /// <summary>In place of an earlier one of the same size, by hand so that the comments stay.</summary>
    private static void Keep(GrowthPoint point)
    {
        var text = File.ReadAllText(Constants);
        var (start, end) = (text.IndexOf("\"points\": [", StringComparison.Ordinal) + "\"points\": [".Length, text.IndexOf("  ],", StringComparison.Ordinal));
        var points = GrowthModel.Read(Constants).Points.Where(p => p.Messages != point.Messages || p.Of != point.Of).Append(point).OrderBy(p => p.Messages);
        var lines = points.Select(p => "    " + JsonSerializer.SerializeToNode(p, GrowthModel.Json)!.ToJsonString(new(GrowthModel.Json) { WriteIndented = false }));
        File.WriteAllText(Constants, $"{text[..start]}\n{string.Join(",\n", lines)}\n{text[end..]}");
    }
}
