namespace XenoCrm.Insights;

/// <param name="Auc">How often a member scores above somebody who is none: 0.5 is chance, 1 always.</param>
/// <param name="Low">With <paramref name="High"/>: the 95 % interval.</param>
public sealed record AucView(double Auc, double Low, double High, int Members, int Others)
{
    /// <summary>The interval leaves no room for chance.</summary>
    public bool IsBetterThanChance => Low > 0.5;
}

internal static class RocCurve
{
    private const double Z = 1.959963984540054;

    /// <summary>The area under the curve with DeLong's interval (DeLong 1988, by midranks; on the logit, so that it stays within 0 and 1).</summary>
    public static AucView Auc(double[] members, double[] others)
    {
        var (m, n) = (members.Length, others.Length);
        if (m == 0 || n == 0)
        {
            return new(0.5, 0, 1, m, n);
        }

        double[] all = [.. members, .. others];
        var (ranks, own, their) = (Midranks(all), Midranks(members), Midranks(others));

        // For each member the share of the others below it, and for each of those the share of members above.
        var over = new double[m];
        for (var i = 0; i < m; i++)
        {
            over[i] = (ranks[i] - own[i]) / n;
        }

        var under = new double[n];
        for (var i = 0; i < n; i++)
        {
            under[i] = 1 - ((ranks[m + i] - their[i]) / m);
        }

        var auc = over.Average();
        var error = Math.Sqrt((Variance(over) / m) + (Variance(under) / n));
        if (error == 0 || auc is <= 0 or >= 1)
        {
            // No two overlap: by the rule of three, with so many of the smaller group.
            var room = Math.Min(1, 3.0 / Math.Min(m, n));
            return new(auc, auc >= 1 ? 1 - room : 0, auc <= 0 ? room : 1, m, n);
        }

        var logit = Math.Log(auc / (1 - auc));
        var half = Z * error / (auc * (1 - auc));
        return new(Math.Round(auc, 4), Math.Round(Logistic(logit - half), 4), Math.Round(Logistic(logit + half), 4), m, n);
    }

    public static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    private static double Variance(double[] values)
    {
        if (values.Length < 2)
        {
            return 0;
        }

        var mean = values.Average();
        return values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1);
    }

    /// <summary>Equal values share the mean of their ranks.</summary>
    private static double[] Midranks(double[] values)
    {
        var order = new int[values.Length];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        Array.Sort((double[])values.Clone(), order);
        var ranks = new double[values.Length];
        for (var i = 0; i < order.Length;)
        {
            var j = i;
            while (j + 1 < order.Length && values[order[j + 1]] == values[order[i]])
            {
                j++;
            }

            for (var k = i; k <= j; k++)
            {
                ranks[order[k]] = ((i + j) / 2.0) + 1;
            }

            i = j + 1;
        }

        return ranks;
    }
}
