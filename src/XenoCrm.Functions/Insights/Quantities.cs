namespace XenoCrm.Insights;

/// <param name="Op"><c>=</c>, <c>&gt;</c>, <c>between</c>, … </param>
/// <param name="Said">A comparison was said: "over 500"; else the bare number.</param>
/// <param name="Times">"3 times", "twice".</param>
/// <param name="About">"around 500".</param>
internal sealed record Quantity(string Op, decimal Value, decimal Upper, bool Said, bool Times, string? Currency, bool About, int Length)
{
    /// <summary>The whole numbers and amounts that it asks for, of a field.</summary>
    public DraftTest Of(string field) => Op is "between" or "notBetween"
        ? Draft.Test(field, Op, new System.Text.Json.Nodes.JsonArray(Number(Value), Number(Upper)))
        : Draft.Test(field, Op, Number(Value));

    /// <summary>5000, not 5000.0.</summary>
    public static System.Text.Json.Nodes.JsonNode Number(decimal value) =>
        value == decimal.Truncate(value) && Math.Abs(value) < long.MaxValue ? System.Text.Json.Nodes.JsonValue.Create((long)value) : System.Text.Json.Nodes.JsonValue.Create(value / 1.000000000000000000000000000000m);
}

/// <summary>Numbers and comparisons as people write them: "at least 3", "3+", "2 lakh", "between 5 and 10k", "no more than twice".</summary>
internal static class Quantities
{
    private static readonly Dictionary<string, decimal> Words = new()
    {
        ["zero"] = 0, ["one"] = 1, ["two"] = 2, ["three"] = 3, ["four"] = 4, ["five"] = 5, ["six"] = 6, ["seven"] = 7, ["eight"] = 8, ["nine"] = 9, ["ten"] = 10,
        ["eleven"] = 11, ["twelve"] = 12, ["thirteen"] = 13, ["fourteen"] = 14, ["fifteen"] = 15, ["sixteen"] = 16, ["seventeen"] = 17, ["eighteen"] = 18, ["nineteen"] = 19,
        ["twenty"] = 20, ["thirty"] = 30, ["forty"] = 40, ["fifty"] = 50, ["sixty"] = 60, ["seventy"] = 70, ["eighty"] = 80, ["ninety"] = 90, ["dozen"] = 12,
    };

    private static readonly Dictionary<string, decimal> Scales = new()
    {
        ["hundred"] = 100, ["k"] = 1_000, ["thousand"] = 1_000, ["grand"] = 1_000, ["lakh"] = 100_000, ["lakhs"] = 100_000, ["lac"] = 100_000, ["lacs"] = 100_000,
        ["million"] = 1_000_000, ["mio"] = 1_000_000, ["crore"] = 10_000_000, ["crores"] = 10_000_000, ["billion"] = 1_000_000_000,
    };

    private static readonly (string Phrase, string Op)[] Before =
    [
        ("greater than or equal to", ">="), ("less than or equal to", "<="), ("more than or equal to", ">="), ("equal to or more than", ">="), ("not more than", "<="), ("no more than", "<="), ("not less than", ">="), ("no less than", ">="),
        ("no fewer than", ">="), ("not over", "<="), ("at least", ">="), ("at minimum", ">="), ("a minimum of", ">="), ("minimum of", ">="), ("minimum", ">="), ("min", ">="), ("from at least", ">="), ("upwards of", ">="), ("upward of", ">="),
        ("starting at", ">="), ("at most", "<="), ("a maximum of", "<="), ("maximum of", "<="), ("maximum", "<="), ("max", "<="), ("up to", "<="), ("not above", "<="),
        ("more than", ">"), ("greater than", ">"), ("higher than", ">"), ("larger than", ">"), ("bigger than", ">"), ("in excess of", ">"), ("exceeding", ">"), ("exceeds", ">"), ("over", ">"), ("above", ">"), ("beyond", ">"), ("north of", ">"),
        ("less than", "<"), ("fewer than", "<"), ("lower than", "<"), ("smaller than", "<"), ("under", "<"), ("below", "<"), ("not even", "<"), ("south of", "<"),
        ("exactly", "="), ("precisely", "="), ("equal to", "="), ("equals", "="), ("only", "="), ("just", "="), (">=", ">="), ("<=", "<="), ("!=", "!="), (">", ">"), ("<", "<"), ("=", "="),
    ];

    private static readonly (string Phrase, string Op)[] After =
    [
        ("or more", ">="), ("or above", ">="), ("or over", ">="), ("or higher", ">="), ("or greater", ">="), ("and more", ">="), ("and above", ">="), ("and up", ">="), ("plus", ">="), ("upwards", ">="), ("at least", ">="), ("at minimum", ">="), ("minimum", ">="),
        ("or fewer", "<="), ("or less", "<="), ("or under", "<="), ("or below", "<="), ("or lower", "<="), ("and below", "<="), ("and under", "<="), ("at most", "<="), ("tops", "<="), ("max", "<="), ("maximum", "<="),
    ];

    private static readonly string[] Roughly = ["around", "about", "approximately", "roughly", "circa", "some"];

    public static Quantity? Read(Phrases words, int at)
    {
        var start = at;
        var about = at < words.Count && Roughly.Contains(words[at].Text) && Number(words, at + 1) is not null;
        at += about ? 1 : 0;
        if (words.Any(at, "between", "from") is var two and > 0 || words.Any(at, "not between", "outside of", "outside") is var outside && (two = outside) > 0)
        {
            var inside = words.Any(at, "between", "from") > 0;
            if (Number(words, at + two) is { } low && words.Any(at + two + low.Length, "and", "to", "until", "-") is > 0 and var to && Number(words, at + two + low.Length + to) is { } high)
            {
                var length = two + low.Length + to + high.Length;
                return Finish(words, start, at + length, inside ? "between" : "notBetween", low, high, said: true, about: false);
            }

            if (words.Any(at, "from") > 0 || !inside)
            {
                return null;
            }
        }

        var op = Before.FirstOrDefault(b => words.Matches(at, b.Phrase) > 0);
        if (op.Phrase is not null)
        {
            var next = at + words.Matches(at, op.Phrase);
            next += words.Any(next, "a total of", "or equal to") is > 0 and var more ? more : 0;
            if (Number(words, next) is { } number)
            {
                return Finish(words, start, next + number.Length, op.Op, number, number, said: true, about);
            }

            return null;
        }

        if (Number(words, at) is not { } bare)
        {
            return null;
        }

        // "2 to 4", "25-34"; in "2 and 4" the numbers are two.
        var end = at + bare.Length;
        if (words.Any(end, "to", "-", "through") is > 0 and var dash && Number(words, end + dash) is { } upper && upper.Value > bare.Value)
        {
            // What multiplies the second one is meant for both: "2 to 3k".
            var first = bare.Scale == 1 && upper.Scale > 1 && bare.Value < upper.Value / upper.Scale ? bare with { Value = bare.Value * upper.Scale } : bare;
            return Finish(words, start, end + dash + upper.Length, "between", first, upper, said: true, about: false);
        }

        if (bare.Plus)
        {
            return Finish(words, start, end, ">=", bare, bare, said: true, about: false);
        }

        var suffix = After.FirstOrDefault(a => words.Matches(end, a.Phrase) > 0);
        return suffix.Phrase is not null
            ? Finish(words, start, end + words.Matches(end, suffix.Phrase), suffix.Op, bare, bare, said: true, about)
            : Finish(words, start, end, "=", bare, bare, said: false, about);
    }

    private static Quantity Finish(Phrases words, int start, int end, string op, Numeral low, Numeral high, bool said, bool about)
    {
        var unit = words.Any(end, "dollars", "dollar", "euros", "euro", "eur", "usd", "rupees", "inr", "rs", "pounds", "gbp", "chf", "bucks");
        end += unit;
        var currency = low.Currency ?? high.Currency ?? (unit > 0 ? words[end - 1].Text : null);
        var times = low.Times || words.Any(end, "times", "time", "x") > 0;
        end += !low.Times && times ? 1 : 0;

        // "twice or more", "3 times or more"
        if (op == "=" && After.FirstOrDefault(a => words.Matches(end, a.Phrase) > 0) is { Phrase: { } phrase } suffix)
        {
            end += words.Matches(end, phrase);
            (op, said) = (suffix.Op, true);
        }

        if (about && op == "=")
        {
            return new("between", Math.Round(low.Value * 0.9m, 2), Math.Round(high.Value * 1.1m, 2), true, times, currency, true, end - start);
        }

        return new(op, Math.Min(low.Value, high.Value), Math.Max(low.Value, high.Value), said, times, currency, false, end - start);
    }

    /// <summary>Beyond it an amount in minor units is not exact any more.</summary>
    private const decimal Largest = 1_000_000_000_000m;

    /// <param name="Scale">What the number was multiplied by.</param>
    public sealed record Numeral(decimal Value, int Length, bool Plus, string? Currency, bool Times, decimal Scale);

    /// <summary>One number: digits or words, with what multiplies it.</summary>
    public static Numeral? Number(Phrases words, int at)
    {
        var start = at;
        var currency = words.Any(at, "rs", "inr", "usd", "eur", "chf", "gbp", "euro", "$", "€", "£", "₹") > 0 && at + 1 < words.Count && words[at + 1].Kind == TokenKind.Number ? words[at++].Text : null;
        if (at >= words.Count || words[at].Number > Largest)
        {
            return null;
        }

        if (words[at].Text is "once" or "twice" or "thrice")
        {
            return new(words[at].Text switch { "once" => 1, "twice" => 2, _ => 3 }, 1, false, null, true, 1);
        }

        decimal value;
        var plus = false;
        if (words[at].Kind == TokenKind.Number)
        {
            (value, plus) = (words[at].Number, words[at].Plus);
            currency ??= words[at].Currency;
            at++;
        }
        else if (words[at].Text == "a" && words.Any(at + 1, "hundred", "thousand", "lakh", "million", "crore", "dozen", "single") > 0)
        {
            value = words[at + 1].Text switch { "dozen" => 12, _ => 1 };
            at += words[at + 1].Text is "dozen" or "single" ? 2 : 1;
        }
        else if (words.Any(at, "a couple of", "a couple", "a few", "several", "multiple") is > 0 and var vague)
        {
            return new(words[at].Text is "several" || words.Matches(at, "a few") > 0 ? 3 : 2, vague, true, null, false, 1);
        }
        else if (Words.TryGetValue(words[at].Text, out value))
        {
            at++;
            if (value is >= 20 and < 100 && at < words.Count && Words.TryGetValue(words[at].Text, out var ones) && ones is > 0 and < 10)
            {
                value += ones;
                at++;
            }
        }
        else
        {
            return null;
        }

        var scale = 1m;
        while (at < words.Count && words[at].Kind == TokenKind.Word && Scales.TryGetValue(words[at].Text, out var by) && value * scale * by <= Largest)
        {
            scale *= by;
            at++;
        }

        return new(value * scale, at - start, plus, currency, false, scale);
    }
}

/// <summary>Tokens, asked for phrases.</summary>
internal sealed class Phrases(IReadOnlyList<Token> tokens)
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, string[]> Split = new();

    public IReadOnlyList<Token> Tokens => tokens;

    public int Count => tokens.Count;

    public Token this[int at] => tokens[at];

    public string Text(int at) => at >= 0 && at < tokens.Count && tokens[at].Kind != TokenKind.Quoted ? tokens[at].Text : "";

    /// <summary>The number of tokens when the phrase stands there, else 0.</summary>
    public int Matches(int at, string phrase)
    {
        var parts = Split.GetOrAdd(phrase, p => p.Split(' '));
        if (at < 0 || at + parts.Length > tokens.Count)
        {
            return 0;
        }

        for (var i = 0; i < parts.Length; i++)
        {
            if (tokens[at + i].Text != parts[i] || tokens[at + i].Kind == TokenKind.Quoted)
            {
                return 0;
            }
        }

        return parts.Length;
    }

    /// <summary>Of the first of the phrases that stands there; longer ones come first.</summary>
    public int Any(int at, params ReadOnlySpan<string> phrases)
    {
        foreach (var phrase in phrases)
        {
            if (Matches(at, phrase) is > 0 and var length)
            {
                return length;
            }
        }

        return 0;
    }
}
