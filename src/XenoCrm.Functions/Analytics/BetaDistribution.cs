namespace XenoCrm.Analytics;

/// <summary>What is believed of a share: Beta(a, b), a and b above 0.</summary>
public static class BetaDistribution
{
    private const double Tiny = 1e-300;
    private const double Precision = 1e-14;

    // Lanczos, g = 7: 15 digits for all arguments above 0.
    private static readonly double[] Lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
        9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The probability that the share is at most <paramref name="x"/>: the regularized incomplete beta function, by its continued fraction.</summary>
    public static double Cdf(double x, double a, double b)
    {
        if (x <= 0 || x >= 1)
        {
            return x <= 0 ? 0 : 1;
        }

        var front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + (a * Math.Log(x)) + (b * Math.Log(1 - x)));

        // It converges fast on that side of the mean only.
        return x < (a + 1) / (a + b + 2) ? front * Fraction(x, a, b) / a : 1 - (front * Fraction(1 - x, b, a) / b);
    }

    /// <summary>The share that is not exceeded with that probability.</summary>
    public static double Quantile(double probability, double a, double b)
    {
        var (low, high) = (0.0, 1.0);
        while (high - low > 1e-9)
        {
            var middle = (low + high) / 2;
            (low, high) = Cdf(middle, a, b) < probability ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    /// <summary>Lentz's method.</summary>
    private static double Fraction(double x, double a, double b)
    {
        var c = 1.0;
        var d = 1 / Floor(1 - ((a + b) * x / (a + 1)));
        var value = d;
        for (var m = 1; m < 10_000; m++)
        {
            var even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            d = 1 / Floor(1 + (even * d));
            c = Floor(1 + (even / c));
            value *= d * c;
            var odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / Floor(1 + (odd * d));
            c = Floor(1 + (odd / c));
            value *= d * c;
            if (Math.Abs((d * c) - 1) < Precision)
            {
                break;
            }
        }

        return value;
    }

    private static double Floor(double value) => Math.Abs(value) < Tiny ? Tiny : value;

    private static double LogGamma(double x)
    {
        var sum = Lanczos[0];
        for (var i = 1; i < Lanczos.Length; i++)
        {
            sum += Lanczos[i] / (x - 1 + i);
        }

        var t = x + 6.5;
        return (0.5 * Math.Log(2 * Math.PI)) + ((x - 0.5) * Math.Log(t)) - t + Math.Log(sum);
    }
}
