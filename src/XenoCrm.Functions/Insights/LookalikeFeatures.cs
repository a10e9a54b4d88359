using XenoCrm.Customers;

namespace XenoCrm.Insights;

/// <summary>One column of what the model learns from.</summary>
/// <param name="Value">Of a choice; null: a number, or unknown.</param>
/// <param name="Label">After "customers who", or the name of a number.</param>
internal sealed record LookalikeFeature(string Field, string? Value, string Label, bool IsNumber, Func<Customer, double> Raw)
{
    public double Mean { get; private init; }

    public double Deviation { get; private init; } = 1;

    /// <summary>With mean 0 and deviation 1 over the customers it is learnt from; what is missing is the mean.</summary>
    public double Of(Customer customer)
    {
        var raw = Raw(customer);
        return double.IsNaN(raw) ? 0 : (raw - Mean) / Deviation;
    }

    /// <returns>Null when all customers are alike in it.</returns>
    public LookalikeFeature? Standardised(IReadOnlyList<Customer> learntFrom)
    {
        var values = learntFrom.Select(Raw).Where(v => !double.IsNaN(v)).ToArray();
        if (values.Length == 0)
        {
            return null;
        }

        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / values.Length);
        return deviation < 1e-9 ? null : this with { Mean = mean, Deviation = deviation };
    }
}

/// <summary>
/// What a model learns who looks like the members from: the fields of rules, without those that the segment's rule is about,
/// other segments (rules as well), and whatever tells members from others by itself.
/// </summary>
internal sealed record LookalikeFeatures(IReadOnlyList<LookalikeFeature> All, IReadOnlyList<LeftOut> LeftOut)
{
    /// <summary>The most common values of a choice that become columns.</summary>
    private const int MaxValues = 20;

    /// <summary>A value that fewer of those learnt from have teaches nothing that holds for others.</summary>
    private const double MinShare = 0.01;

    /// <summary>A single column that comes so near to the answer holds the answer.</summary>
    public const double TellsApart = 0.99;

    public static LookalikeFeatures Of(IReadOnlyList<Aspect> aspects, IReadOnlyList<LeftOut> leaks, IReadOnlyList<Customer> members, IReadOnlyList<Customer> others)
    {
        List<Customer> learntFrom = [.. members, .. others];
        var left = leaks.ToList();
        var all = new List<LookalikeFeature>();
        foreach (var aspect in aspects.Where(a => a.Field is not ("segments" or "rfm.segment") && !RuleLeaks.Holds(leaks, a.Field, null)))
        {
            foreach (var feature in Columns(aspect, learntFrom).Where(f => !RuleLeaks.Holds(leaks, f.Field, f.Value)))
            {
                if (feature.Standardised(learntFrom) is not { } column)
                {
                    continue;
                }

                var auc = RocCurve.Auc([.. members.Select(column.Of)], [.. others.Select(column.Of)]).Auc;
                if (Math.Max(auc, 1 - auc) < TellsApart)
                {
                    all.Add(column);
                }
                else if (left.TrueForAll(l => l.Field != Name(column)))
                {
                    left.Add(new(Name(column), LeakReasons.TellsApartAlone, null));
                }
            }
        }

        // A number that is left out takes the column along that says whether there is one.
        return new([.. all.Where(f => !RuleLeaks.Holds(left, f.Field, f.Value))], left);
    }

    public double[] Row(Customer customer)
    {
        var row = new double[All.Count];
        for (var i = 0; i < row.Length; i++)
        {
            row[i] = All[i].Of(customer);
        }

        return row;
    }

    private static string Name(LookalikeFeature feature) => feature.Field == "categories" && feature.Value is not null ? $"categories.{feature.Value}" : feature.Field;

    private static IEnumerable<LookalikeFeature> Columns(Aspect aspect, List<Customer> learntFrom)
    {
        if (aspect is NumberAspect number)
        {
            // Amounts and counts have long tails: by magnitude.
            yield return new(number.Field, null, number.Field, true, c => number.Value(c) is var v && double.IsNaN(v) ? v : Math.Sign(v) * Math.Log(1 + Math.Abs(v)));
            if (learntFrom.Exists(c => double.IsNaN(number.Value(c))))
            {
                yield return new(number.Field, null, number.Phrase(NumberRange.None), false, c => double.IsNaN(number.Value(c)) ? 1 : 0);
            }
        }
        else if (aspect is ChoiceAspect choice)
        {
            var least = Math.Max(SegmentProfile.MinShared, learntFrom.Count * MinShare);
            var counts = learntFrom.SelectMany(c => choice.Values(c)).CountBy(v => v).Where(v => v.Value >= least).OrderByDescending(v => v.Value).ThenBy(v => v.Key, StringComparer.Ordinal).Take(MaxValues);
            foreach (var (value, _) in counts)
            {
                yield return new(choice.Field, value, choice.Phrase(value)!, false, c => choice.Values(c).Contains(value) ? 1 : 0);
            }

            if (choice.Phrase(null) is { } unknown)
            {
                yield return new(choice.Field, null, unknown, false, c => choice.Values(c).Count == 0 ? 1 : 0);
            }
        }
    }
}
