using System.Globalization;
using System.Net;
using System.Text;

namespace XenoCrm.Benchmarks;

/// <summary>docs/figures/benchmarks.svg: each figure beside its ceiling, in one run, on one scale of powers of ten. A rate is better to the right, a time to the left.</summary>
internal static class RatioFigure
{
    private const int Width = 960, Labels = 470, Row = 20, Top = 46;
    private const double Least = 0.01, Most = 100;

    public static string Write(IEnumerable<Figure> figures)
    {
        var shown = figures.Where(f => f.Ratio is > 0).ToList();
        var height = Top + (Row * shown.Count) + 30;
        var svg = new StringBuilder();
        void Add(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#111827\">");
        Add($"<rect width=\"{Width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Add($"<text x=\"12\" y=\"20\" font-size=\"14\">Figures beside their ceilings of the same run: value / ceiling</text>");
        Add($"<rect x=\"{Width - 250}\" y=\"10\" width=\"12\" height=\"12\" fill=\"#2563eb\"/><text x=\"{Width - 232}\" y=\"20\">a rate: more is better</text>");
        Add($"<rect x=\"{Width - 250}\" y=\"27\" width=\"12\" height=\"12\" fill=\"#d97706\"/><text x=\"{Width - 232}\" y=\"37\">a time or a size: less is better</text>");
        foreach (var tick in new[] { 0.01, 0.1, 1, 10, 100 })
        {
            Add($"<line x1=\"{X(tick):0.0}\" y1=\"{Top - 4}\" x2=\"{X(tick):0.0}\" y2=\"{height - 24}\" stroke=\"{(tick == 1 ? "#111827" : "#d1d5db")}\"/>");
            Add($"<text x=\"{X(tick):0.0}\" y=\"{height - 8}\" text-anchor=\"middle\">{tick:0.##}</text>");
        }

        for (var i = 0; i < shown.Count; i++)
        {
            var (f, y) = (shown[i], Top + (Row * i));
            var (from, to) = (Math.Min(X(1), X(f.Ratio!.Value)), Math.Max(X(1), X(f.Ratio.Value)));
            Add($"<text x=\"{Labels - 12}\" y=\"{y + 13}\" text-anchor=\"end\">{WebUtility.HtmlEncode(f.Name)}</text>");
            Add($"<rect x=\"{from:0.0}\" y=\"{y + 3}\" width=\"{Math.Max(2, to - from):0.0}\" height=\"{Row - 8}\" fill=\"{(IsRate(f) ? "#2563eb" : "#d97706")}\"/>");
            Add($"<text x=\"{to + 5:0.0}\" y=\"{y + 13}\">{f.Ratio:0.00}</text>");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static bool IsRate(Figure figure) => figure.Unit.EndsWith("/s", StringComparison.Ordinal) || figure.Unit == "per s";

    private static double X(double ratio) => Labels + ((Math.Log10(Math.Clamp(ratio, Least, Most)) - Math.Log10(Least)) / Math.Log10(Most / Least) * (Width - Labels - 60));
}
