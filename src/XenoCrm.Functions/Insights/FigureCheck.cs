using System.Globalization;
using System.Text.RegularExpressions;

namespace XenoCrm.Insights;

/// <summary>
/// Whether a sentence says only what the figures say. Every number must be a figure with its unit, as it rounds, in a clause
/// that names that figure; a comparison must be one of two such numbers, and point the right way. Words that hide a number
/// ("half", "most", "twice") and judgements that no figure holds are refused: a good sentence lost is no harm, a wrong one is.
/// </summary>
internal static partial class FigureCheck
{
    /// <summary>The words that name each figure of a campaign; of those joined by +, all.</summary>
    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["audience"] = ["audience", "members", "customers", "recipients", "people"],
        ["sent"] = ["sent", "messages", "went out", "were written to"],
        ["delivered"] = ["delivered", "reached", "arrived", "delivery"],
        ["failed"] = ["failed", "fail", "failure", "failures", "bounced"],
        ["suppressed"] = ["suppressed"],
        ["skipped"] = ["skipped", "left out"],
        ["pending"] = ["pending", "open", "waiting"],
        ["opened"] = ["opened", "opens"],
        ["clicked"] = ["clicked", "clicks"],
        ["unsubscribed"] = ["unsubscribed", "unsubscribes", "opted out"],
        ["complained"] = ["complained", "complaints", "spam"],
        ["ordered"] = ["orders", "ordered", "order"],
        ["deliveryRate"] = ["delivered", "delivery", "reached", "arrived"],
        ["failureRate"] = ["failed", "failure", "bounced"],
        ["openRate"] = ["opened", "open rate", "opens"],
        ["clickRate"] = ["clicked", "click rate", "clicks"],
        ["unsubscribeRate"] = ["unsubscribed", "unsubscribe", "unsubscribes"],
        ["complaintRate"] = ["complained", "complaint", "complaints"],
        ["revenue"] = ["revenue", "sales", "brought in", "turnover"],
        ["cost"] = ["cost", "costs", "spent on"],
        ["earlierCampaigns"] = ["earlier campaigns", "previous campaigns", "past campaigns", "earlier campaign"],
        ["earlierOpenRate"] = ["earlier", "previous", "past", "before", "average"],
        ["earlierClickRate"] = ["earlier", "previous", "past", "before", "average"],
    };

    /// <summary>With another figure's name behind: what that one is compared with.</summary>
    private static readonly string[] Baselines = ["earlier", "average"];

    private static readonly string[] Up = ["above", "higher", "better", "more", "up", "rose", "increased", "increase", "exceeds", "exceeded", "improved", "beat", "beats", "outperformed", "grew", "over"];
    private static readonly string[] Down = ["below", "lower", "worse", "less", "fewer", "down", "fell", "decreased", "decrease", "declined", "dropped", "under", "underperformed"];

    /// <summary>Numbers in disguise, and claims that nothing here can hold up.</summary>
    private static readonly HashSet<string> Refused =
    [
        .. """
        half third thirds quarter quarters fifth tenth double doubled doubling triple tripled twice thrice dozen dozens hundred hundreds thousand thousands million millions billion couple several many few most majority minority nearly-all
        all every everyone everybody nobody none always never record best worst highest lowest largest smallest unprecedented strong weak excellent great poor impressive outstanding successful success disappointing significantly massive huge because caused thanks due
        two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety percent-ish equal same tenfold fold times one zero no single no-one first second
        not t without except excluding lack lacks lacking missing avoid avoids hardly barely rarely seldom cannot only
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
    ];

    private static readonly string[] About = ["about", "around", "roughly", "approximately", "some", "nearly", "almost", "over", "just over", "more than", "circa", "~"];

    /// <param name="names">The words that name each figure; null: those of a campaign.</param>
    public static bool IsSupported(string sentence, IReadOnlyList<Figure> figures, IReadOnlyDictionary<string, string[]>? names = null)
    {
        names ??= Names;
        if (Trouble().IsMatch(sentence) || sentence.Length > 400)
        {
            return false;
        }

        var lower = sentence.ToLowerInvariant();
        if (Words().Matches(Number().Replace(lower, " ")).Any(w => Refused.Contains(w.Value)))
        {
            return false;
        }

        // Numbers become marks, so that the comma in 1,250 parts nothing.
        var numbers = Number().Matches(lower);
        var marked = lower;
        for (var i = numbers.Count - 1; i >= 0; i--)
        {
            marked = marked[..numbers[i].Index] + $" #{i} " + marked[(numbers[i].Index + numbers[i].Length)..];
        }

        if (marked.Any(c => char.IsDigit(c) && !char.IsAsciiDigit(c)) || Mark().Replace(marked, "").Any(char.IsAsciiDigit))
        {
            return false;
        }

        var found = new Dictionary<int, Figure>();
        foreach (var clause in Clauses().Split(marked))
        {
            // What is said of one variant is no figure of the whole campaign.
            var ofVariant = clause.Contains("variant", StringComparison.Ordinal);
            var named = figures.Where(f => IsNamed(f, clause, names) && (!ofVariant || f.Name.Contains("variant", StringComparison.Ordinal))).ToList();
            foreach (Match mark in Mark().Matches(clause))
            {
                var index = int.Parse(mark.Groups["index"].ValueSpan);
                var before = clause[..mark.Index].TrimEnd();

                // The more is said of a figure, the more it is meant: "of the earlier campaigns 12% clicked".
                var match = named.Where(f => IsValue(f, numbers[index], before)).OrderByDescending(IsBaseline).ThenBy(f => Distance(names[f.Name], clause, mark.Index)).FirstOrDefault();
                if (match is null || (IsEarlier(clause) && match.Unit == FigureUnit.Percent && !IsBaseline(match)))
                {
                    return false;
                }

                found[index] = match;
            }

            if (!PartsOfWholes(clause, found))
            {
                return false;
            }
        }

        return Compares(marked, found);
    }

    private static bool IsEarlier(string clause) => Names["earlierOpenRate"].Any(w => Contains(clause, w));

    /// <summary>What figures are compared with, and not a figure of what is spoken of.</summary>
    private static bool IsBaseline(Figure figure) => Baselines.Any(b => figure.Name.StartsWith(b, StringComparison.Ordinal));

    private static bool IsNamed(Figure figure, string clause, IReadOnlyDictionary<string, string[]> words) => words.TryGetValue(figure.Name, out var names)
        && names.Any(n => Contains(clause, n))
        && (figure.Name is not "earlierOpenRate" || Names["openRate"].Any(n => Contains(clause, n)) || !Names["clickRate"].Any(n => Contains(clause, n)))
        && (figure.Name is not "earlierClickRate" || Names["clickRate"].Any(n => Contains(clause, n)));

    private static int Distance(string[] names, string clause, int at) => names.Select(n => clause.IndexOf(n, StringComparison.Ordinal)).Where(i => i >= 0).Select(i => Math.Abs(i - at)).DefaultIfEmpty(int.MaxValue).Min();

    /// <summary>The words for the figures of a campaign and of its variants.</summary>
    public static IReadOnlyDictionary<string, string[]> NamesWith(IEnumerable<string> variants) => new Dictionary<string, string[]>(Names.Concat(variants.SelectMany(v =>
    {
        string[] Both(params string[] words) => [.. words.Select(w => $"variant {v.ToLowerInvariant()}+{w}")];
        return new[]
        {
            KeyValuePair.Create(Figures.OfVariant("sent", v), Both("sent", "messages", "recipients")),
            KeyValuePair.Create(Figures.OfVariant("openRate", v), Both(Names["openRate"])),
            KeyValuePair.Create(Figures.OfVariant("clickRate", v), Both(Names["clickRate"])),
        };
    })));

    private static bool Contains(string clause, string name) => name.Split('+').All(n => Regex.IsMatch(clause, $@"\b{Regex.Escape(n)}\b", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)));

    private static bool IsValue(Figure figure, Match number, string before)
    {
        var text = number.Groups["digits"].Value.Replace(",", "").Replace(" ", "");
        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) || value < 0 || number.Groups["sign"].Value is "-" or "−")
        {
            return false;
        }

        var percent = number.Groups["percent"].Success;
        var code = number.Groups["currency"].Success ? Code(number.Groups["currency"].Value) : number.Groups["code"].Success ? number.Groups["code"].Value.ToUpperInvariant() : null;
        var unit = percent ? FigureUnit.Percent : code is not null ? FigureUnit.Money : FigureUnit.Count;
        if (unit != figure.Unit || (code is not null && code != figure.Currency) || (percent && code is not null))
        {
            return false;
        }

        var decimals = text.Contains('.') ? text.Length - text.IndexOf('.') - 1 : 0;
        var scale = number.Groups["scale"].Value switch { "k" or "thousand" => 1_000m, "m" or "million" => 1_000_000m, _ => 1m };
        if (scale > 1)
        {
            return Rounded(figure.Value / scale, decimals, value);
        }

        // Counts are exact unless it is said that they are not; then two figures at least are.
        if (figure.Unit == FigureUnit.Count)
        {
            return value == figure.Value || (decimals == 0 && About.Any(a => before.EndsWith(a, StringComparison.Ordinal)) && figure.Value >= 100 && IsAbout(value, figure.Value, before));
        }

        // Nought is nought: 0.4% is not "0%".
        return decimals <= 4 && (value != 0 || figure.Value == 0) && Rounded(figure.Value, decimals, value);
    }

    private static bool Rounded(decimal exact, int decimals, decimal said) =>
        Math.Round(exact, Math.Min(decimals, 4), MidpointRounding.AwayFromZero) == said || Math.Round(exact, Math.Min(decimals, 4), MidpointRounding.ToEven) == said;

    private static bool IsAbout(decimal said, decimal exact, string before)
    {
        var step = 1m;
        while (step * 100 <= exact)
        {
            step *= 10;
        }

        var near = said % (step / 10) == 0 && Math.Abs(said - exact) <= step / 2;
        return near && (!(before.EndsWith("over", StringComparison.Ordinal) || before.EndsWith("more than", StringComparison.Ordinal)) || said <= exact) && (!(before.EndsWith("nearly", StringComparison.Ordinal) || before.EndsWith("almost", StringComparison.Ordinal)) || said >= exact);
    }

    /// <summary>"X of Y": no part is more than its whole, and no share is of another whole than the figure's.</summary>
    private static bool PartsOfWholes(string clause, Dictionary<int, Figure> found)
    {
        foreach (Match of in PartOf().Matches(clause))
        {
            if (found.TryGetValue(int.Parse(of.Groups["part"].ValueSpan), out var part) && found.TryGetValue(int.Parse(of.Groups["whole"].ValueSpan), out var whole) && part.Unit == FigureUnit.Count && part.Value > whole.Value)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A direction needs two numbers of one unit, the campaign's and the earlier one's, that do differ so.</summary>
    private static bool Compares(string marked, Dictionary<int, Figure> found)
    {
        // "More than 1,200 opened" only rounds.
        var text = Rounding().Replace(marked, " ");
        var (up, down) = (Up.Any(w => Contains(text, w)), Down.Any(w => Contains(text, w)));
        if (!up && !down)
        {
            return true;
        }

        var mine = found.OrderBy(f => f.Key).Select(f => f.Value).ToList();
        return up != down && mine is [var first, var second] && first.Unit == second.Unit
            && Baselines.Any(b => second.Name == b + char.ToUpperInvariant(first.Name[0]) + first.Name[1..]) && (up ? first.Value > second.Value : first.Value < second.Value);
    }

    private static string Code(string sign) => sign switch { "$" => "USD", "€" => "EUR", "£" => "GBP", "₹" => "INR", _ => sign.ToUpperInvariant() };

    [GeneratedRegex(@"(?<currency>[$€£₹]|\b(?:usd|eur|gbp|inr|chf|jpy|cad|aud)\b)?\s?(?<sign>[-−])?(?<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s?(?<scale>k|m|thousand|million)\b)?(?:\s?(?<percent>%|percent\b|per cent\b))?(?:\s(?<code>usd|eur|gbp|inr|chf|jpy|cad|aud)\b)?")]
    private static partial Regex Number();

    [GeneratedRegex(@"#(?<index>\d+)")]
    private static partial Regex Mark();

    [GeneratedRegex(@"#(?<part>\d+)\s+(?:out\s+)?of\s+(?:the\s+|our\s+)?#(?<whole>\d+)")]
    private static partial Regex PartOf();

    [GeneratedRegex(@"\b(?:just over|over|more than)\s+#\d+")]
    private static partial Regex Rounding();

    [GeneratedRegex(@"[,;:()–—.!?]| and | while | whereas | but | compared (?:with|to) | against | than (?!#)| versus | (?:is |was )?(?:above|below|higher than|lower than|better than|worse than|up from|down from) ")]
    private static partial Regex Clauses();

    [GeneratedRegex(@"\p{L}+")]
    private static partial Regex Words();

    /// <summary>Links, addresses, markup, placeholders, and what is no plain text.</summary>
    [GeneratedRegex(@"(?i)https?:|www\.|\w@\w|[<>{}\[\]|`\\#]|[\u0000-\u001F\u200B-\u200F\u202A-\u202E]")]
    private static partial Regex Trouble();
}
