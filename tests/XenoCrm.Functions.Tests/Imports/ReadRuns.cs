using System.Text;

namespace XenoCrm.Imports;

/// <summary>Reads files into runs without writing them.</summary>
internal static class ReadRuns
{
    public static Task<List<ImportRun>> OfAsync(ImportKind kind, string csv, ImportSettings? settings = null, int runRows = 1000) =>
        OfAsync(kind, Encoding.UTF8.GetBytes(csv), settings, runRows);

    public static async Task<List<ImportRun>> OfAsync(ImportKind kind, byte[] csv, ImportSettings? settings = null, int runRows = 1000)
    {
        var cancellation = TestContext.Current.CancellationToken;
        settings ??= new();
        var open = ImportFile.InMemory(csv);
        var file = await ImportFile.InspectAsync(kind, settings, open, null, cancellation);
        var work = new ImportWork("i", kind, settings, file, open, file.Start, 1);
        return await OfAsync(work, runRows);
    }

    public static async Task<List<ImportRun>> OfAsync(ImportWork work, int runRows)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var rows = new CsvRows(work.File.Format, work.Open, work.From);
        var reader = new RunReader(work, rows, new() { RunRows = runRows }, "USD");
        if (work.FirstRun > 1)
        {
            await reader.CatchUpAsync((await ImportFile.ReadHeaderAsync(work.Settings, work.Open, cancellation)).First!, cancellation);
        }

        var runs = new List<ImportRun>();
        do
        {
            runs.Add(await reader.ReadAsync(work.FirstRun + runs.Count, cancellation));
        }
        while (runs[^1].Next is not null);
        return runs;
    }

    public static string[] Codes(this IEnumerable<ImportRun> runs) => [.. runs.SelectMany(r => r.Issues).Select(i => $"{i.Row} {i.Column} {i.Code}")];
}
