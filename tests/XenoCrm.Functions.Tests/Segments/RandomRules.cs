using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>Random rules and customers from small pools, so that they meet often, with what breaks comparisons in them.</summary>
internal sealed class RandomRules(int seed)
{
    private static readonly string[] Texts =
    [
        "Anna", "ANNA", "anna", "Zürich", "ZÜRICH", "zürich", "Straße", "STRASSE", "straẞe", "İstanbul", "istanbul", "ISTANBUL", "ısparta",
        "Σίσυφος", "ΣΊΣΥΦΟΣ", "σίσυφοσ", "Kelvin", "\u212Aelvin", "ﬁn", "FIN", "ǅ", "ǆ", "Ǆ", "😀 a", "𐐀x", "𐐨X", "a\"b\\c", "a'b", "%_", " a ", "a\nb", "\u0000",
        "e\u0301", "é", "É", "true", "5", "2026-02-28", "2026-02-30", "2026-02-28T00:00:00.000Z", "2026-08-31T12:30:15.250Z", "2026-13-99T99:99:99.999Z",
        "2026-02-28T00:00:00Z", "2026-02-28\n", "1990-02-29", "0000-00-00", "9999-12-31", "granted",
    ];

    private static readonly string[] Keys =
    [
        "size", "Size", "Größe", "a.b", "we \"ird\"\\", "x]y", "line\nend", "$type", "😀", "'", "count", "",
    ];

    private static readonly double[] Numbers = [0, 1, -1, 2, 3, 5, 10, 2.5, 0.1, 0.29, 1000, 1e15, 9007199254740991, 9007199254740993, 1e300, -0.0, 5e-324];
    private static readonly string[] Durations = ["P1D", "P2D", "P30D", "P90D", "P1M", "P6M", "P1Y", "PT12H", "PT1S", "P1Y2M10DT2H30M", "P2W", "P18M", "P100Y"];
    private static readonly string[] ShortDurations = ["P1D", "P7D", "PT1H", "P1M", "P6M", "P1Y", "P2W", "P364D", "P28D"];

    // Month ends, leap days, New Year, and one millisecond to each side.
    private static readonly DateTimeOffset[] Times = [.. new[]
    {
        "2026-08-31T12:30:15.250Z", "2026-02-28T12:30:15.250Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59.999Z",
        "2026-08-31T00:00:00Z", "2026-08-30T12:30:15.250Z", "2026-07-31T12:30:15.250Z", "2026-08-01T12:30:15.250Z", "2026-06-02T12:30:15.250Z", "2025-12-31T23:59:59.999Z",
        "2026-01-01T00:00:00Z", "2025-08-31T12:30:15.250Z", "2026-09-01T00:00:00Z", "2027-02-28T00:00:00Z", "0001-01-01T00:00:00Z", "9998-12-30T23:59:59.999Z", "1999-09-01T10:00:00+14:00",
    }.SelectMany(t => new[] { -1, 0, 0, 0, 1 }.Select(d => DateTimeOffset.Parse(t) is var at && at.Year is 1 && d < 0 ? at : at.AddMilliseconds(d)))];

    private static readonly string[] Segments = ["s1", "s2", "S1"];

    private readonly Random random = new(seed);

    /// <summary>The clocks that a property should hold at.</summary>
    public DateTimeOffset Now() => Pick(Times[..75]);

    public Customer Customer(int number) => new()
    {
        Id = $"c{number:0000}",
        CreatedAt = Time(),
        UpdatedAt = Time(),
        ExternalId = Maybe(Text),
        FirstName = Maybe(Text),
        LastName = Maybe(Text),
        Email = Maybe(Text),
        Phone = Maybe(Text),
        City = Maybe(Text),
        Region = Maybe(Text),
        Country = Maybe(Text),
        PostalCode = Maybe(Text),
        Company = Maybe(Text),
        Language = Maybe(Text),
        TimeZone = Maybe(Text),
        Source = Maybe(Text),
        Birthday = Chance(3) ? null : DateOnly.FromDateTime(Time().UtcDateTime),
        Tags = Many(Text),
        SegmentIds = Many(() => Pick(Segments)),
        TotalSpend = Amount(),
        AverageOrderValue = Chance(3) ? null : Amount(),
        OrderCount = random.Next(6),
        Visits = random.Next(6),
        FirstOrderAt = MaybeTime(),
        LastOrderAt = MaybeTime(),
        LastVisitAt = MaybeTime(),
        LastActiveAt = MaybeTime(),
        Categories = Map(() => new CategoryTotals(random.Next(6), Amount(), Time())),
        Consent = RuleCatalogue.Channels.Where(_ => Chance(2)).ToDictionary(c => c, _ => new Consent(Chance(2) ? ConsentState.Granted : ConsentState.Withdrawn, Time(), "api")),
        Engagement = new()
        {
            Sent = random.Next(6), Delivered = random.Next(6), Opened = random.Next(6), Clicked = random.Next(6),
            LastOpenedAt = MaybeTime(), LastClickedAt = MaybeTime(),
        },
        Attributes = Map(Attribute),
        Rfm = Chance(3) ? null : new(random.Next(1, 6), random.Next(1, 6), random.Next(1, 6), Pick(RfmScores.Names), Time()),
    };

    public JsonObject Rule() => Group(1);

    private JsonObject Group(int depth)
    {
        var rules = new JsonArray();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            rules.Add(depth < RuleParser.MaxDepth && Chance(4) ? Group(depth + 1) : Comparison());
        }

        var group = new JsonObject { ["combinator"] = Chance(2) ? "and" : "or", ["rules"] = rules };
        if (Chance(3))
        {
            group["not"] = Chance(2);
        }

        return group;
    }

    private JsonObject Comparison()
    {
        var field = Field();
        var op = Pick(field.Operators);
        var kind = field.Type switch
        {
            FieldType.Any => op switch
            {
                RuleOperator.Contains or RuleOperator.DoesNotContain or RuleOperator.BeginsWith or RuleOperator.EndsWith => FieldType.Text,
                RuleOperator.Before or RuleOperator.After or RuleOperator.InLast or RuleOperator.NotInLast or RuleOperator.AnniversaryWithin => FieldType.Time,
                RuleOperator.Equal or RuleOperator.NotEqual => Pick([FieldType.Text, FieldType.Number, FieldType.Any]),
                RuleOperator.In or RuleOperator.NotIn => Pick([FieldType.Text, FieldType.Number]),
                _ => Pick([FieldType.Number, FieldType.Time]),
            },
            var type => type,
        };
        return new JsonObject { ["field"] = field.Name, ["operator"] = op.ToText(), ["value"] = Value(field, kind, op) };
    }

    private RuleField Field()
    {
        var catalogue = Rules.Catalogue;
        var key = Pick(Keys[..^1]);
        var name = random.Next(10) switch
        {
            0 or 1 or 2 => $"attributes.{key}",
            3 => $"categories.{key}.{Pick(["count", "spend", "lastAt"])}",
            _ => Pick(catalogue.Fields).Name,
        };
        return catalogue.Find(name, out var reason) ?? throw new InvalidOperationException(reason);
    }

    private JsonNode? Value(RuleField field, FieldType kind, RuleOperator op)
    {
        switch (op)
        {
            case RuleOperator.Null or RuleOperator.NotNull:
                return null;
            case RuleOperator.InLast or RuleOperator.NotInLast:
                return Pick(Durations);
            case RuleOperator.AnniversaryWithin:
                return Pick(ShortDurations);
            case RuleOperator.In or RuleOperator.NotIn:
                return new JsonArray([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Single(field, kind))]);
            case RuleOperator.Between or RuleOperator.NotBetween:
                var (a, b) = (Single(field, kind), Single(field, kind));
                var ordered = kind is FieldType.Time or FieldType.Date
                    ? DateTimeOffset.Parse(a.GetValue<string>() + Zone(a)) <= DateTimeOffset.Parse(b.GetValue<string>() + Zone(b))
                    : a.GetValue<double>() <= b.GetValue<double>();
                return ordered ? new JsonArray(a, b) : new JsonArray(b, a);
            default:
                return Single(field, kind);
        }
    }

    private static string Zone(JsonNode time) => time.GetValue<string>().Length == 10 ? "T00:00Z" : "";

    private JsonNode Single(RuleField field, FieldType kind) => kind switch
    {
        FieldType.Number => Pick(Numbers),
        FieldType.Money => Pick([0, 0.29, 10, 10.005, 12.34, -1, 1e9]),
        FieldType.Time => Chance(3) ? DateText() : Pick(Times).ToString("yyyy-MM-dd'T'HH:mm:ss.fffK"),
        FieldType.Date => DateText(),
        FieldType.Choice => Pick(((ChoiceField)field).Choices) is var choice && Chance(3) ? choice.ToUpperInvariant() : choice,
        FieldType.List when field is ListField { HoldsSegments: true } => Pick(Segments),
        FieldType.Any => Chance(2),
        _ => Part(Text()),
    };

    private string DateText() => Pick(Times).UtcDateTime.ToString("yyyy-MM-dd");

    /// <summary>All of a text or a piece of it, not through the middle of a surrogate pair.</summary>
    private string Part(string text)
    {
        if (Chance(2))
        {
            return text;
        }

        var from = random.Next(text.Length);
        var to = random.Next(from, text.Length) + 1;
        var part = text[from..to];
        return char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1]) ? text : part;
    }

    private JsonElement Attribute() => random.Next(8) switch
    {
        0 => JsonSerializer.SerializeToElement(Pick(Numbers)),
        1 => JsonElement.Parse(Chance(2) ? "true" : "false"),
        2 => JsonElement.Parse(Pick(["null", "[]", "{}", "[1,\"Anna\"]", "{\"a\":1}", "12345678901234567890", "1.0", "5e0"])),
        3 => JsonSerializer.SerializeToElement(Times[random.Next(Times.Length)].UtcDateTime.ToString(Chance(2) ? "yyyy-MM-dd" : "yyyy-MM-dd'T'HH:mm:ss.fff'Z'")),
        _ => JsonSerializer.SerializeToElement(Text()),
    };

    private Dictionary<string, T> Map<T>(Func<T> value) => Keys.Where(_ => Chance(2)).ToDictionary(k => k, _ => value());

    private string[] Many(Func<string> value) => Chance(3) ? [] : [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => value())];

    // Ticks below a millisecond are in memory and not in storage.
    private DateTimeOffset Time() => Pick(Times) is var time && time.Year < 9000 ? time.AddTicks(random.Next(3) * 4999) : time;

    private DateTimeOffset? MaybeTime() => Chance(3) ? null : Time();

    private string? Maybe(Func<string> value) => Chance(3) ? null : value();

    private string Text() => Pick(Texts);

    private long Amount() => Pick([0L, 29, 1000, 1001, 1234, 100_000_000_000, 9_007_199_254_740_991, -100]);

    private bool Chance(int oneIn) => random.Next(oneIn) == 0;

    private T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
