namespace XenoCrm.Insights;

/// <summary>Whether two shares differ by more than chance makes, and by how much at least.</summary>
internal static class Significance
{
    /// <summary>95 %, two-sided.</summary>
    private const double Z = 1.959963984540054;

    /// <summary>Below, the normal distribution is no likeness of what chance does, and there is no test.</summary>
    public const double MinExpected = 5;

    /// <summary>The two-sided p of the difference of two shares (z, pooled); null where too few are expected in any of the four groups.</summary>
    public static double? TwoProportions(int x, int n, int y, int m)
    {
        if (n == 0 || m == 0)
        {
            return null;
        }

        var pooled = (double)(x + y) / (n + m);
        if (Math.Min(pooled, 1 - pooled) * Math.Min(n, m) < MinExpected)
        {
            return null;
        }

        var z = (((double)x / n) - ((double)y / m)) / Math.Sqrt(pooled * (1 - pooled) * ((1.0 / n) + (1.0 / m)));
        return Erfc(Math.Abs(z) / Math.Sqrt(2));
    }

    /// <summary>
    /// Benjamini and Hochberg 1995: the p of each among many, such that of those at or below 0.05 a twentieth at most is expected
    /// to be chance. In the order given.
    /// </summary>
    public static double[] Adjust(IReadOnlyList<double> p)
    {
        var order = Enumerable.Range(0, p.Count).OrderByDescending(i => p[i]).ToArray();
        var adjusted = new double[p.Count];
        var least = 1.0;
        for (var rank = p.Count; rank >= 1; rank--)
        {
            var at = order[p.Count - rank];
            least = Math.Min(least, p[at] * p.Count / rank);
            adjusted[at] = least;
        }

        return adjusted;
    }

    /// <summary>
    /// How many times as common something is among members as among everybody, who are the members and the others in the
    /// proportion <paramref name="share"/>, with the 95 % interval (Katz' for the ratio of two shares; half of one is added
    /// where nobody has it).
    /// </summary>
    public static (double Lift, double Low, double High) Lift(int x, int n, int y, int m, double share)
    {
        double OfRatio(double ratio) => 1 / (share + ((1 - share) * ratio));
        var lift = x == 0 ? 0 : OfRatio((double)y / m / ((double)x / n));
        var (a, b) = (x == 0 || y == 0 ? x + 0.5 : x, x == 0 || y == 0 ? y + 0.5 : y);
        var (k, l) = (x == 0 || y == 0 ? n + 0.5 : n, x == 0 || y == 0 ? m + 0.5 : m);
        var ratio = b / l / (a / k);
        var error = Math.Sqrt(Math.Max(0, (1 / a) - (1 / k) + (1 / b) - (1 / l)));
        return (lift, OfRatio(ratio * Math.Exp(Z * error)), OfRatio(ratio * Math.Exp(-Z * error)));
    }

    /// <summary>Off by 1.2e-7 of its value at most, also far out (Numerical Recipes, erfcc).</summary>
    internal static double Erfc(double x)
    {
        var t = 1 / (1 + (0.5 * x));
        ReadOnlySpan<double> c = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223];
        var sum = 0.0;
        foreach (var coefficient in c)
        {
            sum = (sum * t) + coefficient;
        }

        return t * Math.Exp((-x * x) + sum);
    }
}
