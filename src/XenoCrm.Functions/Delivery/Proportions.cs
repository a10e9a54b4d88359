namespace XenoCrm.Delivery;

/// <summary>A share of messages, and where it may well lie when as many more were sent under the same circumstances.</summary>
/// <param name="Count">That many…</param>
/// <param name="Of">…of so many.</param>
/// <param name="Value">Null of nothing.</param>
/// <param name="Low">With <paramref name="High"/>: the Wilson interval at 95 %.</param>
public sealed record Rate(int Count, int Of, double? Value, double? Low, double? High);

/// <summary>How much more often something happened in one group than in another.</summary>
/// <param name="Low">With <paramref name="High"/>: Newcombe's interval of the difference at 95 %, which holds for small groups too.</param>
/// <param name="IsConclusive">The interval leaves no room for "no difference".</param>
public sealed record Difference(double? Value, double? Low, double? High, bool IsConclusive);

/// <summary>Intervals of proportions.</summary>
public static class Proportions
{
    /// <summary>95 %, two-sided.</summary>
    private const double Z = 1.959963984540054;

    public static Rate Rate(int count, int of)
    {
        count = Math.Min(count, of);
        var (low, high) = Wilson(count, of);
        return of == 0 ? new(0, 0, null, null, null) : new(count, of, Round((double)count / of), Round(low), Round(high));
    }

    /// <summary>The difference first − second.</summary>
    public static Difference Compare(int firstCount, int firstOf, int secondCount, int secondOf)
    {
        if (firstOf == 0 || secondOf == 0)
        {
            return new(null, null, null, false);
        }

        var (first, second) = ((double)firstCount / firstOf, (double)secondCount / secondOf);
        var (firstLow, firstHigh) = Wilson(firstCount, firstOf);
        var (secondLow, secondHigh) = Wilson(secondCount, secondOf);
        var low = first - second - Math.Sqrt(Square(first - firstLow) + Square(secondHigh - second));
        var high = first - second + Math.Sqrt(Square(firstHigh - first) + Square(second - secondLow));
        return new(Round(first - second), Round(low), Round(high), low > 0 || high < 0);
    }

    /// <summary>Where the true proportion lies (Wilson 1927, score interval without continuity correction).</summary>
    public static (double Low, double High) Wilson(int count, int of, double z = Z)
    {
        if (of == 0)
        {
            return (0, 1);
        }

        var p = (double)count / of;
        var scale = 1 + (z * z / of);
        var centre = (p + (z * z / (2 * of))) / scale;
        var half = z * Math.Sqrt((p * (1 - p) / of) + (z * z / (4.0 * of * of))) / scale;
        return (count == 0 ? 0 : Math.Max(0, centre - half), count == of ? 1 : Math.Min(1, centre + half));
    }

    private static double Square(double x) => x * x;

    private static double Round(double x) => Math.Round(x, 6);
}
