using System.Text.Json.Nodes;

namespace XenoCrm.Insights;

/// <summary>Birthdays, words that stand for a rule, and the workspace's own words.</summary>
internal sealed partial class SentenceReader
{
    private Draft? Born(ref int at, bool negated)
    {
        var start = at;
        if (words.Any(at, "born") > 0 && times.Read(at + 1) is { } born && born.Kind is not (TimeKind.InLast or TimeKind.LongerAgo))
        {
            at += 1 + born.Length;
            return With(born.Of("birthday"), negated);
        }

        at += words.Any(at, "with a", "with", "have a", "have", "has a", "whose", "upcoming", "celebrating their", "celebrate their", "celebrating");
        if (words.Any(at, "birthdays", "birthday", "birthdate", "bday", "bdays") is > 0 and var named)
        {
            at += named;
            return Birthday(ref at, negated);
        }

        at = start;
        if (words.Any(at, "older than", "younger than", "aged", "age") is > 0 and var aged)
        {
            var older = words.Text(at) == "older";
            var than = words.Text(at + 1) == "than";
            at += aged;
            at += words.Any(at, "is", "of");
            if (Quantities.Read(words, at) is { } age && IsAge(age))
            {
                at += age.Length + words.Any(at + age.Length, "years old", "years of age", "years");
                return With(Age(than ? age with { Op = older ? ">" : "<" } : age), negated);
            }
        }

        at = start;
        if (words.Any(at, "people", "those", "customers", "anyone", "everyone") == 0 && Quantities.Read(words, at) is { Said: true, Op: "between" } range && IsAge(range) && words.Any(at + range.Length, "years old", "years of age") is > 0 and var years)
        {
            at += range.Length + years;
            return With(Age(range), negated);
        }

        at = start;
        return null;
    }

    private Draft? Birthday(ref int at, bool negated)
    {
        var start = at;
        at += words.Any(at, "coming up", "is", "falls", "are");
        (string Phrase, int Days)[] spans =
        [
            ("today", 0), ("tomorrow", 1), ("this month", DateTime.DaysInMonth(today.Year, today.Month) - today.Day), ("this week", (7 - (((int)today.DayOfWeek + 6) % 7)) - 1), ("next week", 13 - (((int)today.DayOfWeek + 6) % 7)), ("soon", 14),
        ];
        foreach (var (phrase, days) in spans)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                at += length;
                if (phrase is "this month" or "this week")
                {
                    Note(start, at, "what is left of it: birthdays are looked for from today on");
                }
                else if (phrase is "tomorrow" or "next week" or "soon")
                {
                    Note(start, at, $"from today on for {days} days");
                }

                return With(Draft.Test("birthday", "anniversaryWithin", days == 0 ? "PT1H" : $"P{days}D"), negated);
            }
        }

        var lead = words.Any(at, "in the next", "within the next", "over the next", "during the next", "in the coming", "the next", "next", "within", "in");
        if (lead > 0)
        {
            // "in the next 7 days": the words for the past read the duration too.
            var probe = new TimeWords(new Phrases([.. Prefix(words.Text(at + lead)), .. words.Tokens.Skip(at + lead)]), today);
            if (probe.Read(0) is { Kind: TimeKind.InLast } time)
            {
                at += lead + time.Length - Prefix(words.Text(at + lead)).Length;
                return With(Draft.Test("birthday", "anniversaryWithin", time.Duration), negated);
            }
        }

        if (times.Read(at) is { Kind: TimeKind.Before or TimeKind.After or TimeKind.Between or TimeKind.OnOrAfter or TimeKind.OnOrBefore } date && (words.Any(at, "in") == 0 || date.From.Year < today.Year - 5))
        {
            at += date.Length;
            return With(date.Of("birthday"), negated);
        }

        return start == at ? With(Draft.Test("birthday", "notNull"), negated) : null;
    }

    /// <summary>"last", so that a bare duration or unit reads as one.</summary>
    private static Token[] Prefix(string next) =>
        next is "week" or "month" or "year" or "day" ? [new(TokenKind.Word, "last", "last", 0, 0), new(TokenKind.Word, "one", "one", 0, 0)] : [new(TokenKind.Word, "last", "last", 0, 0)];

    private static readonly (string Phrase, string Field, string Op, object Value, string Reading)[] VagueWords =
    [
        .. new (string Phrases, string Field, string Op, object Value, string Reading)[]
        {
            ("one time buyers|one time customers|one time shoppers|one time purchasers|single purchase customers|one off buyers|first time buyers|first time customers|first time shoppers", "orderCount", "=", 1, ""),
            ("repeat customers|repeat buyers|repeat shoppers|repeat purchasers|returning customers|returning buyers|multi buyers|repeaters", "orderCount", ">=", 2, ""),
            ("prospects|non buyers|window shoppers|leads|browsers|never buyers", "orderCount", "=", 0, "customers without an order"),
            ("big spenders|high spenders|top spenders|heavy spenders|high value|most valuable|best customers|top customers|valuable|whales|high rollers", "rfm.monetary", ">=", 4, "the upper two fifths of customers by spend"),
            ("low spenders|low value|small spenders", "rfm.monetary", "<=", 2, "the lower two fifths of customers by spend"),
            ("frequent buyers|frequent customers|frequent shoppers|regular customers|regulars|frequent purchasers|regular buyers", "rfm.frequency", ">=", 4, "the upper two fifths of customers by number of orders"),
            ("recent buyers|recent customers|recent shoppers|recent purchasers", "lastOrderAt", "inLast", "P30D", "bought in the last 30 days"),
            ("slipping away|drifting away|lapsed|lapsing|churned|churning|win back", "lapsed", "", 0, "has bought, but not in the last 90 days"),
            ("shopaholics|bargain hunters", "rfm.frequency", ">=", 4, "the upper two fifths of customers by number of orders"),
        }.SelectMany(v => v.Phrases.Split('|').Select(p => (p, v.Field, v.Op, v.Value, v.Reading))),
    ];

    private Draft? Vague(ref int at, bool negated)
    {
        var start = at;
        if (words.Any(at, "brand new", "new customers", "new clients", "new users", "new signups", "new sign ups", "newly registered", "new members", "newcomers", "new subscribers", "new people", "new") is > 0 and var fresh && (words.Text(at) != "new" || words.Any(at + fresh, "york", "delhi", "year", "zealand") == 0))
        {
            at += fresh;
            at += words.Any(at, "customers", "clients", "users");
            if (times.Read(at) is { } time)
            {
                at += time.Length;
                return With(time.Of("createdAt"), negated);
            }

            // What says it more exactly may come later in the sentence: "new customers from Germany this quarter" is read as both.
            Note(start, at, "became customers in the last 30 days");
            return With(Draft.Test("createdAt", "inLast", "P30D"), negated);
        }

        foreach (var (phrase, field, op, value, reading) in VagueWords)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                at += length;
                if (reading.Length > 0)
                {
                    Note(start, at, reading);
                }

                return With(field == "lapsed"
                    ? Draft.All(Draft.Test("lastOrderAt", "notNull"), Draft.Test("lastOrderAt", "notInLast", times.Read(at) is { Kind: TimeKind.InLast, Duration: { } said } window && (at += window.Length) > 0 ? said : "P90D"))
                    : Draft.Test(field, op, value is int number ? JsonValue.Create(number) : JsonValue.Create((string)value)), negated);
            }
        }

        return null;
    }

    /// <summary>The workspace's own words without anything around them: "wholesale customers", "shoe lovers", "Berlin".</summary>
    private Draft? Bare(ref int at, bool negated)
    {
        if (vocabulary.Find(words.Tokens, at, k => k.Kind == WordKind.Tag) is { } tag)
        {
            at += tag.Length;
            return With(Draft.Test("tags", "contains", tag.Known.Value), negated);
        }

        if (vocabulary.Find(words.Tokens, at, k => k.Kind == WordKind.Segment && k.Key!.Length > 3) is { } segment)
        {
            at += segment.Length;
            at += words.Any(at, "segment");
            return With(Draft.Test("segments", "contains", segment.Known.Value), negated);
        }

        if (vocabulary.Find(words.Tokens, at, k => k.Kind == WordKind.Category) is { } category)
        {
            at += category.Length;
            at += words.Any(at, "buyers", "shoppers", "fans", "lovers", "customers", "purchasers");
            latest = ([Deed.Order], [category.Known.Value]);
            return negated ? Draft.Test($"categories.{category.Known.Value}.count", "null") : Draft.Test($"categories.{category.Known.Value}.count", ">=", 1);
        }

        var start = at;
        if (OnePlace(ref at, prefixed: false) is { } place)
        {
            return With(place, negated);
        }

        at = start;
        return null;
    }
}
