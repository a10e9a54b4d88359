using System.Globalization;
using System.Text;

namespace XenoCrm.Benchmarks.Growth;

/// <summary>docs/figures/growth.svg: request units and time by the number of messages, both axes by powers of ten.</summary>
internal static class GrowthFigure
{
    private const double Width = 900, Height = 420, Left = 70, Top = 46, PlotWidth = 340, PlotHeight = 310, Between = 110;
    private const double FromMessages = 3, ToMessages = 8;

    private static readonly string[] Colours = ["#2563eb", "#059669", "#d97706", "#be185d"];

    public static string Write(GrowthModel model)
    {
        var svg = new StringBuilder();
        void Add(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#111827\">");
        Add($"<rect width=\"{Width}\" height=\"{Height}\" fill=\"#ffffff\"/>");

        var load = new Panel(Left, 2, 10, "request units and requests of the database");
        Frame(svg, load, i => i % 2 == 0 ? Power(i) : "");
        Line(svg, load, Colours[0], m => m * model.Measured.RequestUnits);
        Line(svg, load, Colours[2], m => m * model.Measured.Requests);
        foreach (var point in model.Points)
        {
            Dot(svg, load, Colours[0], point.Messages, point.RequestUnits);
            Dot(svg, load, Colours[2], point.Messages, point.Requests);
        }

        Legend(svg, load, [("RU: line predicted, dots measured", Colours[0]), ("requests", Colours[2])]);

        var time = new Panel(Left + PlotWidth + Between, 1, 7, "time until everybody knows (predicted)");
        Frame(svg, time, i => i switch { 1 => "10 s", 2 => "100 s", 3 => "17 min", 4 => "2.8 h", 5 => "28 h", 6 => "12 days", 7 => "116 days", _ => "" });
        foreach (var (plan, i) in model.Plans.Select((p, i) => (p, i)))
            Line(svg, time, Colours[i % Colours.Length], m => model.Predict(m, plan).Seconds);
        Legend(svg, time, [.. model.Plans.Select((p, i) => (p.Name, Colours[i % Colours.Length]))]);
        Add($"</svg>");
        return svg.ToString();
    }

    /// <param name="From">Power of ten at the foot.</param>
    private sealed record Panel(double X, double From, double To, string Title)
    {
        public double AtX(double messages) => X + (Math.Log10(messages) - FromMessages) / (ToMessages - FromMessages) * PlotWidth;

        public double AtY(double value) => Top + PlotHeight - (Math.Clamp(Math.Log10(value), From, To) - From) / (To - From) * PlotHeight;
    }

    private static void Frame(StringBuilder svg, Panel panel, Func<int, string> label)
    {
        void Add(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Add($"<text x=\"{panel.X}\" y=\"24\" font-size=\"14\" font-weight=\"bold\">{panel.Title}</text>");
        for (var i = (int)FromMessages; i <= ToMessages; i++)
        {
            var x = panel.AtX(Math.Pow(10, i));
            Add($"<path d=\"M{x:0.#} {Top}V{Top + PlotHeight}\" stroke=\"#e5e7eb\"/><text x=\"{x:0.#}\" y=\"{Top + PlotHeight + 18}\" text-anchor=\"middle\">{Power(i)}</text>");
        }

        for (var i = (int)panel.From; i <= panel.To; i++)
        {
            var y = panel.AtY(Math.Pow(10, i));
            Add($"<path d=\"M{panel.X} {y:0.#}H{panel.X + PlotWidth}\" stroke=\"#e5e7eb\"/><text x=\"{panel.X - 8}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{label(i)}</text>");
        }

        Add($"<text x=\"{panel.X + PlotWidth / 2}\" y=\"{Top + PlotHeight + 38}\" text-anchor=\"middle\">messages</text>");
    }

    private static void Line(StringBuilder svg, Panel panel, string colour, Func<double, double> value)
    {
        var points = Enumerable.Range(0, 51).Select(i => Math.Pow(10, FromMessages + (ToMessages - FromMessages) * i / 50))
            .Select(m => FormattableString.Invariant($"{panel.AtX(m):0.#},{panel.AtY(value(m)):0.#}"));
        svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{string.Join(' ', points)}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
    }

    private static void Dot(StringBuilder svg, Panel panel, string colour, double messages, double value) =>
        svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{panel.AtX(messages):0.#}\" cy=\"{panel.AtY(value):0.#}\" r=\"5\" fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");

    private static void Legend(StringBuilder svg, Panel panel, IReadOnlyList<(string Name, string Colour)> entries)
    {
        foreach (var ((name, colour), i) in entries.Select((e, i) => (e, i)))
        {
            var y = Top + 16 + (i * 18);
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{panel.X + 10} {y - 4}h18\" stroke=\"{colour}\" stroke-width=\"3\"/><text x=\"{panel.X + 34}\" y=\"{y}\">{name}</text>\n");
        }
    }

    private static string Power(int exponent) => exponent switch
    {
        3 => "1,000", 4 => "10,000", 5 => "100,000", 6 => "1 M", 7 => "10 M", 8 => "100 M", 9 => "1 G", 10 => "10 G", 2 => "100", 1 => "10", _ => "1",
    };
}
