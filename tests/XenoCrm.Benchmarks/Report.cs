using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace XenoCrm.Benchmarks;

internal enum Size
{
    Small,
    Full,

    /// <summary>Campaigns to a million; else as <see cref="Full"/>.</summary>
    Million,
}

/// <summary>One measurement.</summary>
/// <param name="Ceiling">What the same machine did in the same run without the thing measured, in the same unit.</param>
/// <param name="RequestsPerUnit">Requests to the database for one unit of work.</param>
/// <param name="RssMb">Resident memory of the process measured.</param>
/// <param name="N">How many items, rows or messages it was measured with.</param>
internal sealed record Figure(
    string Name, double Value, string Unit, double? Ceiling = null,
    double? RequestsPerUnit = null, double? RuPerUnit = null, double? RssMb = null, long? N = null)
{
    /// <summary>Value / ceiling: of a rate the part that is left (more is better), of a time the multiple (less is better).</summary>
    public double? Ratio => Ceiling is > 0 ? Math.Round(Value / Ceiling.Value, 4) : null;
}

/// <summary>Takes figures and shows them: as JSON lines at once, or as a table at the end.</summary>
internal sealed class Report(bool json)
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly List<Figure> _figures = [];

    public IReadOnlyList<Figure> Figures => _figures;

    public void Add(Figure figure)
    {
        _figures.Add(figure);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(figure, Web));
    }

    /// <summary>Says on standard error what is being done, should it take longer than two seconds.</summary>
    public static Stage Begin(string what) => new(what);

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>The slope of log time over log size, by least squares: 1 is linear.</summary>
    public static double Exponent(IReadOnlyCollection<(double N, double Seconds)> points)
    {
        var (x, y) = (points.Select(p => Math.Log(p.N)).ToArray(), points.Select(p => Math.Log(p.Seconds)).ToArray());
        var (meanX, meanY) = (x.Average(), y.Average());
        return x.Zip(y).Sum(p => (p.First - meanX) * (p.Second - meanY)) / x.Sum(v => (v - meanX) * (v - meanX));
    }

    public void Print()
    {
        if (json || _figures.Count == 0)
            return;
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 200;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var (name, right) in new[] { ("", false), ("value", true), ("unit", false), ("ceiling", true), ("ratio", true), ("requests", true), ("RU", true), ("RSS MB", true), ("n", true) })
            table.AddColumn(new TableColumn(name) { Alignment = right ? Justify.Right : Justify.Left });
        foreach (var f in _figures)
        {
            table.AddRow([.. new[]
            {
                f.Name, Text(f.Value), f.Unit, Text(f.Ceiling), f.Ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "",
                Text(f.RequestsPerUnit), Text(f.RuPerUnit), Text(f.RssMb), Text(f.N),
            }.Select(t => new Text(t))]);
        }
        AnsiConsole.Write(table);
    }

    private static string Text(double? value) => value switch
    {
        null => "",
        >= 100 or 0 => value.Value.ToString("N0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("G3", CultureInfo.InvariantCulture),
    };
}

/// <summary>A step of a benchmark. Measures itself; a person who waits sees that it goes on.</summary>
internal sealed class Stage : IDisposable
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(2);

    private readonly Timer _timer;
    private readonly long _since = Stopwatch.GetTimestamp();
    private long _done;
    private bool _spoke;

    public Stage(string what)
    {
        _timer = new Timer(_ =>
        {
            var done = Interlocked.Read(ref _done);
            _spoke = true;
            Console.Error.WriteLine($"{what}: {(done > 0 ? $"{done:N0}, " : "")}{Elapsed.TotalSeconds:0} s");
        }, null, LineEvery, LineEvery);
        What = what;
    }

    public string What { get; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_since);

    public void Done(long count = 1) => Interlocked.Add(ref _done, count);

    public void Dispose()
    {
        _timer.Dispose();
        if (_spoke)
            Console.Error.WriteLine($"{What}: done in {Elapsed.TotalSeconds:0.0} s");
    }
}
