using System.Globalization;
using System.Net;
using System.Text;

namespace XenoCrm.Benchmarks;

/// <summary>docs/figures/benchmarks.svg: each figure beside its ceiling, in one run, on one scale of powers of ten. A rate is better to the right, a time to the left. Readable on light and on dark pages.</summary>
internal static class RatioFigure
{
    private const int Width = 960, Labels = 430, Bars = 20, Line = 14, Gap = 8, Top = 62;

    /// <summary>Characters that fit beside the bars, at some 6.2 of the 12 that a letter is high.</summary>
    private const int Characters = 62;
    private const double Least = 0.01, Most = 100;

    public static string Write(IEnumerable<Figure> figures)
    {
        var shown = figures.Where(f => f.Ratio is > 0).Select(f => (Figure: f, Lines: Wrap(f.Name))).ToList();
        var height = Top + shown.Sum(f => HeightOf(f.Lines)) + 30;
        var svg = new StringBuilder();
        void Add(FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"sans-serif\" font-size=\"12\">");
        // Without a style sheet (a picture taken out of the page) all is a grey that both grounds show.
        Add($"<style>text {{ fill: #1f2937 }} .one {{ stroke: #1f2937 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e5e7eb }} .one {{ stroke: #e5e7eb }} }}</style>");
        Add($"<g fill=\"#808080\">");
        Add($"<text x=\"12\" y=\"20\" font-size=\"14\">Figures beside their ceilings of the same run: value / ceiling</text>");
        Add($"<rect x=\"12\" y=\"32\" width=\"12\" height=\"12\" fill=\"#3b82f6\"/><text x=\"30\" y=\"42\">a rate: more is better</text>");
        Add($"<rect x=\"190\" y=\"32\" width=\"12\" height=\"12\" fill=\"#d97706\"/><text x=\"208\" y=\"42\">a time or a size: less is better</text>");
        foreach (var tick in new[] { 0.01, 0.1, 1, 10, 100 })
        {
            Add($"<line x1=\"{X(tick):0.0}\" y1=\"{Top - 4}\" x2=\"{X(tick):0.0}\" y2=\"{height - 24}\" {(tick == 1 ? "class=\"one\" " : "")}stroke=\"#808080\" stroke-opacity=\"{(tick == 1 ? 1 : 0.4)}\"/>");
            Add($"<text x=\"{X(tick):0.0}\" y=\"{height - 8}\" text-anchor=\"middle\">{tick:0.##}</text>");
        }

        var y = Top;
        foreach (var (f, lines) in shown)
        {
            var (from, to) = (Math.Min(X(1), X(f.Ratio!.Value)), Math.Max(X(1), X(f.Ratio.Value)));
            for (var i = 0; i < lines.Count; i++)
                Add($"<text x=\"{Labels - 12}\" y=\"{y + 12 + (i * Line)}\" text-anchor=\"end\">{WebUtility.HtmlEncode(lines[i])}</text>");
            var middle = y + (lines.Count * Line / 2) + 1;
            Add($"<rect x=\"{from:0.0}\" y=\"{middle - 6}\" width=\"{Math.Max(2, to - from):0.0}\" height=\"12\" fill=\"{(IsRate(f) ? "#3b82f6" : "#d97706")}\"/>");
            Add($"<text x=\"{to + 5:0.0}\" y=\"{middle + 4}\">{f.Ratio:0.00}</text>");
            y += HeightOf(lines);
        }

        return svg.Append("</g>\n</svg>\n").ToString();
    }

    /// <summary>At spaces, into lines that fit.</summary>
    private static List<string> Wrap(string name)
    {
        var lines = new List<string> { "" };
        foreach (var word in name.Split(' '))
        {
            if (lines[^1].Length + 1 + word.Length > Characters)
                lines.Add(word);
            else
                lines[^1] = lines[^1].Length == 0 ? word : $"{lines[^1]} {word}";
        }

        return lines;
    }

    private static int HeightOf(List<string> lines) => Math.Max(Bars, (lines.Count * Line) + Gap);

    private static bool IsRate(Figure figure) => figure.Unit.EndsWith("/s", StringComparison.Ordinal) || figure.Unit == "per s";

    private static double X(double ratio) => Labels + ((Math.Log10(Math.Clamp(ratio, Least, Most)) - Math.Log10(Least)) / Math.Log10(Most / Least) * (Width - Labels - 60));
}
