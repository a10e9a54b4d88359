using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>Something that is more or less common among the members than among everybody, by more than chance makes.</summary>
/// <param name="Field">As in a rule; <c>categories</c> for what was bought.</param>
/// <param name="Value">One value; null: a range of numbers, or unknown.</param>
/// <param name="Label">What they do, after "customers who".</param>
/// <param name="Members">How many of the members that were looked at, with the 95 % interval.</param>
/// <param name="Others">Of those who are no members.</param>
/// <param name="Everyone">The share of all customers.</param>
/// <param name="Lift">The share of members divided by that of everyone: 2 is twice as common.</param>
/// <param name="LiftLow">With <paramref name="LiftHigh"/>: the 95 % interval.</param>
/// <param name="P">That chance makes such a difference, were there none.</param>
/// <param name="AdjustedP">The same for one of so many comparisons.</param>
public sealed record Finding(
    string Field, string? Value, string Label, Rate Members, Rate Others, double Everyone, double Lift, double LiftLow, double LiftHigh, double P, double AdjustedP);

/// <param name="Method">Of one comparison.</param>
/// <param name="Correction">For many.</param>
/// <param name="Level">Findings have an adjusted p of at most this.</param>
/// <param name="Tested">Comparisons that were made.</param>
/// <param name="NotTested">Left out because too few customers are concerned.</param>
/// <param name="Significant">All that differ; the findings are the clearest of them.</param>
public sealed record ComparisonsView(string Method, string Correction, double Level, int Tested, int NotTested, int Significant);

/// <param name="Name">An RFM segment, or <c>not scored</c>.</param>
/// <param name="Everyone">The share of all customers.</param>
public sealed record MixRow(string Name, Rate Members, double Everyone);

/// <summary>What distinguishes members from everybody, from the customers that were looked at.</summary>
internal sealed record SegmentProfile(IReadOnlyList<Finding> Findings, ComparisonsView Test, IReadOnlyList<MixRow> Rfm)
{
    public const double Level = 0.05;

    /// <summary>Of one side; below it the shares say nothing.</summary>
    public const int MinEach = 30;

    /// <summary>A value that fewer customers have may be about a person.</summary>
    public const int MinShared = 5;

    private const int MaxFindings = 20;
    private const int MaxPerField = 3;
    private const int Buckets = 5;
    private const string NotScored = "not scored";

    private sealed record Group(string Field, string? Value, string Label, int Members, int Others);

    public static SegmentProfile Of(Population population, IReadOnlyList<Aspect> aspects, IReadOnlyList<LeftOut> leaks)
    {
        var (n, m) = (population.Members.Count, population.Others.Count);
        var mix = Mix(population);
        if (n < MinEach || m < MinEach)
        {
            return new([], new("two-proportion z", "Benjamini-Hochberg", Level, 0, 0, 0), mix);
        }

        var groups = aspects.Where(a => !RuleLeaks.Holds(leaks, a.Field, null)).SelectMany(a => Groups(a, population))
            .Where(g => g.Members + g.Others >= MinShared && !RuleLeaks.Holds(leaks, g.Field, g.Value)).ToList();
        var tested = groups.Select(g => (Group: g, P: Significance.TwoProportions(g.Members, n, g.Others, m))).Where(t => t.P is not null).ToList();
        var adjusted = Significance.Adjust([.. tested.Select(t => t.P!.Value)]);
        var share = population.View.Customers == 0 ? 0 : (double)population.View.Members / population.View.Customers;
        var significant = tested.Zip(adjusted).Where(t => t.Second <= Level).Select(t =>
        {
            var (group, p) = (t.First.Group, t.First.P!.Value);
            var (lift, low, high) = Significance.Lift(group.Members, n, group.Others, m, share);
            return new Finding(
                group.Field, group.Value, group.Label, Proportions.Rate(group.Members, n), Proportions.Rate(group.Others, m),
                Round(population.Everyone((double)group.Members / n, (double)group.Others / m)), Round(lift), Round(low), Round(high), p, t.Second);
        }).ToList();

        // The z of all is of the same two numbers of customers: the smaller p, the larger the difference for its share.
        var clearest = significant.OrderBy(f => f.P).ThenByDescending(f => Math.Abs(f.Members.Value!.Value - f.Everyone)).ThenBy(f => f.Label, StringComparer.Ordinal)
            .GroupBy(f => f.Field).SelectMany(g => g.Take(MaxPerField)).OrderBy(f => f.P).ThenByDescending(f => Math.Abs(f.Members.Value!.Value - f.Everyone)).ThenBy(f => f.Label, StringComparer.Ordinal).Take(MaxFindings);
        return new([.. clearest], new("two-proportion z", "Benjamini-Hochberg", Level, tested.Count, groups.Count - tested.Count, significant.Count), mix);
    }

    private static IEnumerable<Group> Groups(Aspect aspect, Population population) => aspect switch
    {
        ChoiceAspect choice => Choices(choice, population),
        NumberAspect number => Numbers(number, population),
        _ => [],
    };

    private static IEnumerable<Group> Choices(ChoiceAspect aspect, Population population)
    {
        // Null is no key of a dictionary.
        const string none = "";
        var (members, others) = (Count(population.Members), Count(population.Others));
        foreach (var value in members.Keys.Union(others.Keys))
        {
            if (aspect.Phrase(value == none ? null : value) is { } label)
            {
                yield return new(aspect.Field, value == none ? null : value, label, members.GetValueOrDefault(value), others.GetValueOrDefault(value));
            }
        }

        Dictionary<string, int> Count(IReadOnlyList<Customer> customers)
        {
            var counts = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var customer in customers)
            {
                var values = aspect.Values(customer);
                if (values.Count == 0)
                {
                    counts[none] = counts.GetValueOrDefault(none) + 1;
                }

                foreach (var value in values)
                {
                    counts[value] = counts.GetValueOrDefault(value) + 1;
                }
            }

            return counts;
        }
    }

    private static IEnumerable<Group> Numbers(NumberAspect aspect, Population population)
    {
        double[] Values(IReadOnlyList<Customer> customers) => [.. customers.Select(aspect.Value)];
        var (members, others) = (Values(population.Members), Values(population.Others));
        var edges = Edges(members, others, population);
        var none = (Members: members.Count(double.IsNaN), Others: others.Count(double.IsNaN));
        if (none.Members + none.Others > 0)
        {
            yield return new(aspect.Field, null, aspect.Phrase(NumberRange.None), none.Members, none.Others);
        }

        if (edges.Count == 0)
        {
            yield break;
        }

        for (var i = 0; i <= edges.Count; i++)
        {
            double? above = i == 0 ? null : edges[i - 1], upTo = i == edges.Count ? null : edges[i];
            bool Within(double v) => !double.IsNaN(v) && (above is not { } a || v > a) && (upTo is not { } b || v <= b);
            var (x, y) = (members.Count(Within), others.Count(Within));
            if (x + y > 0)
            {
                yield return new(aspect.Field, null, aspect.Phrase(new(above, upTo)), x, y);
            }
        }
    }

    /// <summary>The upper ends of all buckets but the last: fifths of everybody, or each value where there are few.</summary>
    internal static IReadOnlyList<double> Edges(double[] members, double[] others, Population population)
    {
        // Both sides count for as many customers as they stand for.
        var (m, o) = (population.View.Members / (double)Math.Max(1, members.Length), (population.View.Customers - population.View.Members) / (double)Math.Max(1, others.Length));
        var values = members.Select(v => (Value: v, Weight: m)).Concat(others.Select(v => (Value: v, Weight: o))).Where(v => !double.IsNaN(v.Value)).OrderBy(v => v.Value).ToArray();
        if (values.Length == 0)
        {
            return [];
        }

        var distinct = values.Select(v => v.Value).Distinct().Take(Buckets + 2).ToList();
        if (distinct.Count <= Buckets + 1)
        {
            return distinct[..^1];
        }

        var edges = new List<double>();
        var (total, sum, next) = (values.Sum(v => v.Weight), 0.0, 1);
        foreach (var (value, weight) in values)
        {
            sum += weight;
            while (next < Buckets && sum >= total * next / Buckets)
            {
                edges.Add(value);
                next++;
            }
        }

        return [.. edges.Distinct().Where(e => e < values[^1].Value)];
    }

    private static IReadOnlyList<MixRow> Mix(Population population)
    {
        string Name(Customer c) => c.Rfm?.Segment ?? NotScored;
        var (members, others) = (population.Members.CountBy(Name).ToDictionary(), population.Others.CountBy(Name).ToDictionary());
        var (n, m) = (Math.Max(1, population.Members.Count), Math.Max(1, population.Others.Count));
        return
        [
            .. RfmScores.Names.Append(NotScored).Where(name => members.ContainsKey(name) || others.ContainsKey(name)).Select(name => new MixRow(
                name, Proportions.Rate(members.GetValueOrDefault(name), population.Members.Count),
                Round(population.Everyone((double)members.GetValueOrDefault(name) / n, (double)others.GetValueOrDefault(name) / m)))),
        ];
    }

    private static double Round(double value) => Math.Round(value, 4);
}
