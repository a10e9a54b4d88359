using System.Globalization;
using System.Text;

namespace XenoCrm.Insights;

/// <summary>What the figures of a segment say, in words: written here, or by a model and checked sentence by sentence.</summary>
internal static class InsightText
{
    private const int Told = 4;
    private const int MaxSentences = 8;

    /// <summary>The words by which a model's sentence can name a figure.</summary>
    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["members"] = ["members", "segment"],
        ["customers"] = ["customers"],
        ["segmentShare"] = ["segment", "members"],
        ["earlierMembers"] = ["earlier", "before", "previously", "ago"],
        ["share"] = ["members", "segment", "them"],
        ["averageShare"] = ["average", "customers", "overall"],
    };

    public static IReadOnlyList<Figure> FiguresOf(SampleView sample, TrendView trend)
    {
        var figures = new List<Figure> { Figures.Count("members", sample.Members), Figures.Count("customers", sample.Customers) };
        if (sample.Customers > 0)
        {
            figures.Add(Figures.Percent("segmentShare", (double)sample.Members / sample.Customers));
        }

        if (Longest(trend) is { } change)
        {
            figures.Add(Figures.Count("earlierMembers", change.Before));
        }

        return figures;
    }

    public static IReadOnlyList<string> Write(SampleView sample, SegmentProfile profile, TrendView trend)
    {
        if (sample.Members == 0)
        {
            return ["Nobody is in the segment: there is nothing to tell."];
        }

        var sentences = new List<string> { $"The segment has {Count(sample.Members)} of {Count(sample.Customers)} customers ({Percent((double)sample.Members / Math.Max(1, sample.Customers))})." };
        if (sample.Basis == SampleBasis.Sample)
        {
            sentences.Add($"The shares are of a random {Count(sample.MembersLookedAt)} of the members and {Count(sample.OthersLookedAt)} of the others.");
        }

        if (Longest(trend) is { } change)
        {
            sentences.Add(change.Change == 0
                ? $"It is as large as {change.Days} days ago."
                : $"It has {(change.Change > 0 ? "grown" : "shrunk")} from {Count(change.Before)} by {Count(Math.Abs(change.Change))}{(change.Share is { } share ? $" ({Percent(Math.Abs(share))})" : "")} in {change.Days} days.");
        }

        if (sample.MembersLookedAt < SegmentProfile.MinEach || sample.OthersLookedAt < SegmentProfile.MinEach)
        {
            sentences.Add($"With fewer than {SegmentProfile.MinEach} {(sample.MembersLookedAt < SegmentProfile.MinEach ? "members" : "others to compare them with")} nothing can be said of what is particular about it.");
            return sentences;
        }

        foreach (var finding in profile.Findings.Take(Told))
        {
            sentences.Add(Sentence(finding));
        }

        if (profile.Rfm.Where(r => r.Members.Value > 0).MaxBy(r => r.Members.Value) is { } largest && profile.Findings.Take(Told).All(f => f.Field != "rfm.segment"))
        {
            sentences.Add($"By RFM the largest group of members is \"{largest.Name}\": {Percent(largest.Members.Value!.Value)}, of all customers {Percent(largest.Everyone)}.");
        }

        if (profile.Findings.Count == 0)
        {
            sentences.Add($"Beside what its own rule says, none of {Count(profile.Test.Tested)} comparisons shows a difference between members and others that chance does not explain.");
        }

        return sentences;
    }

    private static string Sentence(Finding finding)
    {
        var (members, everyone) = (Percent(finding.Members.Value!.Value), Percent(finding.Everyone));
        var times = finding.Lift.ToString("0.0", CultureInfo.InvariantCulture);
        return finding.Lift >= 1
            ? $"Of the members {members} {finding.Label}, of all customers {everyone}: {times} times as many."
            : $"Of the members only {members} {finding.Label}, of all customers {everyone}.";
    }

    /// <param name="findings">Those that a model may be told of.</param>
    public static Prompt Ask(IReadOnlyList<Figure> figures, IReadOnlyList<Finding> findings)
    {
        var told = new StringBuilder();
        foreach (var finding in findings)
        {
            told.Append(CultureInfo.InvariantCulture, $"\"{finding.Label}\": {Percent(finding.Members.Value!.Value)} of the members, average {Percent(finding.Everyone)}\n");
        }

        return Prompt.Of("insights.v1", ("figures", string.Join('\n', figures.Select(f => $"{f.Name}: {f.Text}"))), ("findings", told.Length == 0 ? "none" : told.ToString().TrimEnd()));
    }

    public static (IReadOnlyList<string> Kept, int Dropped) Check(IReadOnlyList<string> written, Prompt prompt, IReadOnlyList<Figure> figures, IReadOnlyList<Finding> findings)
    {
        List<string> kept = [.. written.Select(s => s.Trim()).Where(s => s.Length > 0 && !prompt.IsRepeatedIn(s) && IsSupported(s, figures, findings)).Take(MaxSentences)];
        return (kept, written.Count - kept.Count);
    }

    /// <summary>About one finding, named by its own words, and its two shares; or about the size alone.</summary>
    internal static bool IsSupported(string sentence, IReadOnlyList<Figure> figures, IReadOnlyList<Finding> findings)
    {
        // The longest, since one finding's words can be part of another's: "are tagged gold", "are tagged gold plus".
        var named = findings.Where(f => sentence.Contains(f.Label, StringComparison.OrdinalIgnoreCase)).MaxBy(f => f.Label.Length);
        if (named is null)
        {
            return FigureCheck.IsSupported(sentence, figures, Names);
        }

        // Its own words may hold numbers, and commas.
        var rest = sentence.Replace(named.Label, "do so", StringComparison.OrdinalIgnoreCase);
        return !findings.Any(f => rest.Contains(f.Label, StringComparison.OrdinalIgnoreCase))
            && FigureCheck.IsSupported(rest, [Figures.Percent("share", named.Members.Value!.Value), Figures.Percent("averageShare", named.Everyone)], Names);
    }

    private static TrendChange? Longest(TrendView trend) => trend.Changes.Where(c => c.Days <= 30).MaxBy(c => c.Days);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => Figures.Percent("", share).Text;
}
