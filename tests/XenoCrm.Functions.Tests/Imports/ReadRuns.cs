using System.Text;

namespace XenoCrm.Imports;

/// <summary>Reads files into runs without writing them.</summary>
internal static class ReadRuns
{
    public static ImportCut Whole(int runRows) => ImportCut.Single(new() { RunRows = runRows });

    public static Task<List<ImportRun>> OfAsync(ImportKind kind, string csv, ImportSettings? settings = null, int runRows = 1000) =>
        OfAsync(kind, Encoding.UTF8.GetBytes(csv), settings, runRows);

    public static Task<List<ImportRun>> OfAsync(ImportKind kind, byte[] csv, ImportSettings? settings = null, int runRows = 1000) =>
        OfAsync(kind, csv, Whole(runRows), settings);

    public static async Task<List<ImportRun>> OfAsync(ImportKind kind, byte[] csv, ImportCut cut, ImportSettings? settings = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        settings ??= new();
        var open = ImportFile.InMemory(csv);
        var file = await ImportFile.InspectAsync(kind, settings, open, null, cancellation);
        return await OfAsync(new ImportWork("i", kind, settings, file, open, RunStart.At(file.Start), 1) { Cut = cut });
    }

    public static async Task<List<ImportRun>> OfAsync(ImportWork work)
    {
        await using var reader = await RunReader.OpenAsync(work, "USD", TestContext.Current.CancellationToken);
        var runs = new List<ImportRun>();
        do
        {
            runs.Add(await reader.ReadAsync(work.FirstRun + runs.Count, TestContext.Current.CancellationToken));
        }
        while (runs[^1].Next is not null);
        return runs;
    }

    public static string[] Codes(this IEnumerable<ImportRun> runs) => [.. runs.SelectMany(r => r.Issues).Select(i => $"{i.Row} {i.Column} {i.Code}")];
}
