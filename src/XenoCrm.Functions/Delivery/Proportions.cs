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

        var (low, high) = Newcombe(firstCount, firstOf, secondCount, secondOf);
        return new(Round(((double)firstCount / firstOf) - ((double)secondCount / secondOf)), Round(low), Round(high), low > 0 || high < 0);
    }

    /// <summary>Where the true difference lies (Newcombe 1998, method 10: from the two Wilson intervals).</summary>
    public static (double Low, double High) Newcombe(int firstCount, int firstOf, int secondCount, int secondOf, double z = Z)
    {
        if (firstOf == 0 || secondOf == 0)
        {
            return (-1, 1);
        }

        var (first, second) = ((double)firstCount / firstOf, (double)secondCount / secondOf);
        var (firstLow, firstHigh) = Wilson(firstCount, firstOf, z);
        var (secondLow, secondHigh) = Wilson(secondCount, secondOf, z);
        return (
            first - second - Math.Sqrt(Square(first - firstLow) + Square(secondHigh - second)),
            first - second + Math.Sqrt(Square(firstHigh - first) + Square(second - secondLow)));
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

    /// <summary>The z of a two-sided interval: outside of it lies <paramref name="error"/> of the normal distribution.</summary>
    /// <remarks>Acklam's rational approximation of the inverse, off by 1.15e-9 of its value at most.</remarks>
    public static double Quantile(double error)
    {
        ReadOnlySpan<double> a = [-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00];
        ReadOnlySpan<double> b = [-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01, -1.328068155288572e+01, 1];
        ReadOnlySpan<double> c = [-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00];
        ReadOnlySpan<double> d = [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1];
        const double tail = 0.02425;
        var upper = error / 2;
        if (upper < tail)
        {
            var q = Math.Sqrt(-2 * Math.Log(upper));
            return -Polynomial(c, q) / Polynomial(d, q);
        }

        var middle = 0.5 - upper;
        var r = middle * middle;
        return middle * Polynomial(a, r) / Polynomial(b, r);
    }

    private static double Polynomial(ReadOnlySpan<double> coefficients, double x)
    {
        var value = 0.0;
        foreach (var coefficient in coefficients)
        {
            value = (value * x) + coefficient;
        }

        return value;
    }

    private static double Square(double x) => x * x;

    private static double Round(double x) => Math.Round(x, 6);
}
