using System.Globalization;
using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>Something about customers that a segment can differ in from everybody. By the names of the fields of rules.</summary>
/// <param name="Field">As in a rule.</param>
internal abstract record Aspect(string Field);

/// <summary>One of some values, or several of them.</summary>
/// <param name="Values">What the customer has; nothing: unknown.</param>
/// <param name="Phrase">After "customers who": <c>live in Berlin</c>. Of null: of those for whom it is unknown; null then: that says nothing.</param>
internal sealed record ChoiceAspect(string Field, Func<Customer, IReadOnlyCollection<string>> Values, Func<string?, string?> Phrase) : Aspect(Field);

/// <summary>A number, which is looked at in buckets.</summary>
/// <param name="Value">NaN: there is none.</param>
/// <param name="Phrase">After "customers who", of a range: <c>have spent more than USD 50</c>. Without bounds: of those who have none.</param>
/// <param name="Whole">Only whole numbers come.</param>
internal sealed record NumberAspect(string Field, Func<Customer, double> Value, Func<NumberRange, string> Phrase, bool Whole) : Aspect(Field);

/// <param name="Above">Not included; null: from the lowest on.</param>
/// <param name="UpTo">Included; null: to the highest.</param>
internal sealed record NumberRange(double? Above, double? UpTo)
{
    /// <summary>Those who have no number.</summary>
    public static readonly NumberRange None = new(null, null);
}

/// <summary>The aspects of this workspace's customers. Nothing that names a person is one, nor what changes with every edit.</summary>
internal static class Aspects
{
    /// <param name="segments">Name by id, of the others.</param>
    public static IReadOnlyList<Aspect> Of(AttributeTypes attributes, IReadOnlyDictionary<string, string> segments, string currency, DateTimeOffset now)
    {
        double Days(DateTimeOffset? time) => time is { } t ? Math.Max(0, Math.Floor((now - t).TotalDays)) : double.NaN;
        string Amount(double minor) => $"{currency} {Money.ToMajor((long)minor, currency).ToString("#,##0.##", CultureInfo.InvariantCulture)}";
        Aspect Spend(string field, string phrase, string none, Func<Customer, double> get) => new NumberAspect(field, get, r => r == NumberRange.None ? none : $"{phrase} {Range(r, Amount)}", Whole: false);
        Aspect Count(string field, string verb, string unit, Func<Customer, double> get) => new NumberAspect(field, get, r => $"{verb} {Counted(r)} {unit}", Whole: true);
        Aspect Time(string field, string verb, string never, Func<Customer, DateTimeOffset?> get) => new NumberAspect(field, c => Days(get(c)), r => r == NumberRange.None ? never : $"{verb} {Ago(r)}", Whole: true);
        Aspect Score(string field, string name, Func<Rfm, int> get) => new NumberAspect(field, c => c.Rfm is { } rfm ? get(rfm) : double.NaN, r => r == NumberRange.None ? "are not scored" : $"have an RFM {name} score of {Counted(r)}", Whole: true);
        Aspect One(string field, string phrase, string unknown, Func<Customer, string?> get) => new ChoiceAspect(field, c => get(c) is { } value ? [value] : [], v => v is null ? unknown : $"{phrase} {v}");

        List<Aspect> all =
        [
            One("city", "live in", "have no known city", c => c.City),
            One("region", "live in the region", "have no known region", c => c.Region),
            One("country", "live in the country", "have no known country", c => c.Country),
            One("language", "have the language", "have no known language", c => c.Language),
            One("timeZone", "have the time zone", "have no known time zone", c => c.TimeZone),
            One("source", "came from", "came from nowhere known", c => c.Source),
            One("company", "belong to", "belong to no company", c => c.Company),
            new ChoiceAspect("email", c => [c.Email is null ? "no" : "yes"], v => v == "yes" ? "have an email address" : "have no email address"),
            new ChoiceAspect("phone", c => [c.PhoneUsable && c.Phone is not null ? "yes" : "no"], v => v == "yes" ? "have a usable phone number" : "have no usable phone number"),
            new ChoiceAspect("tags", c => c.Tags, v => v is null ? "have no tag" : $"are tagged {v}"),
            new ChoiceAspect("categories", c => c.Categories.Count == 0 ? [] : [.. c.Categories.Keys], v => v is null ? "bought in no category" : $"bought {v}"),
            .. RuleCatalogue.Channels.Select(channel => new ChoiceAspect(
                $"consent.{channel}", c => c.Consent.TryGetValue(channel, out var consent) ? [consent.State == ConsentState.Granted ? "granted" : "withdrawn"] : [],
                v => v is null ? $"were never asked for consent to {channel}" : $"have {v} consent to {channel}")),
            new ChoiceAspect("rfm.segment", c => c.Rfm is { } rfm ? [rfm.Segment] : [], v => v is null ? null : $"are in the RFM segment {v}"),
            Score("rfm.recency", "recency", r => r.Recency),
            Score("rfm.frequency", "frequency", r => r.Frequency),
            Score("rfm.monetary", "monetary", r => r.Monetary),
            Spend("totalSpend", "have spent", "have spent nothing", c => c.TotalSpend),
            Spend("averageOrderValue", "have an average order", "have no average order", c => c.AverageOrderValue ?? double.NaN),
            Count("orderCount", "have placed", "orders", c => c.OrderCount),
            Count("visits", "have made", "visits", c => c.Visits),
            Count("engagement.opened", "have opened", "messages", c => c.Engagement.Opened),
            Count("engagement.clicked", "have clicked in", "messages", c => c.Engagement.Clicked),
            Time("createdAt", "became known", "became known at no time", c => c.CreatedAt),
            Time("firstOrderAt", "ordered first", "never ordered at all", c => c.FirstOrderAt),
            Time("lastOrderAt", "ordered last", "never ordered", c => c.LastOrderAt),
            Time("lastVisitAt", "visited last", "never visited", c => c.LastVisitAt),
            Time("lastActiveAt", "were active last", "were never active", c => c.LastActiveAt),
            Time("engagement.lastOpenedAt", "opened last", "never opened", c => c.Engagement.LastOpenedAt),
            Time("engagement.lastClickedAt", "clicked last", "never clicked", c => c.Engagement.LastClickedAt),
            new NumberAspect("birthday", c => c.Birthday is { } day ? Age(day, now) : double.NaN, r => r == NumberRange.None ? "have no known birthday" : $"are {Counted(r)} years old", Whole: true),
        ];
        if (segments.Count > 0)
        {
            all.Add(new ChoiceAspect("segments", c => [.. c.SegmentIds.Where(segments.ContainsKey)], v => v is null ? null : $"are in the segment {segments[v]}"));
        }

        foreach (var (key, definition) in attributes.Keys.OrderBy(k => k.Key, StringComparer.Ordinal))
        {
            if (Attribute(key, definition) is { } aspect)
            {
                all.Add(aspect);
            }
        }

        return all;
    }

    /// <summary>Dates of attributes lie in the past and in the future, which is not one scale: they are not looked at.</summary>
    private static Aspect? Attribute(string key, AttributeDefinition definition)
    {
        var (field, label) = ($"attributes.{key}", definition.Label ?? key);
        JsonElement? Get(Customer c, params JsonValueKind[] kinds) => c.Attributes.TryGetValue(key, out var value) && kinds.Contains(value.ValueKind) ? value : null;
        return definition.Type switch
        {
            AttributeType.String => new ChoiceAspect(field, c => Get(c, JsonValueKind.String) is { } v ? [v.GetString()!] : [], v => v is null ? $"have no {label}" : $"have the {label} {v}"),
            AttributeType.Boolean => new ChoiceAspect(field, c => Get(c, JsonValueKind.True, JsonValueKind.False) is { } v ? [v.GetBoolean() ? "yes" : "no"] : [], v => v is null ? $"have no {label}" : $"have {label}: {v}"),
            AttributeType.Number => new NumberAspect(field, c => Get(c, JsonValueKind.Number)?.GetDouble() ?? double.NaN, r => r == NumberRange.None ? $"have no {label}" : $"have a {label} of {Range(r, Number)}", Whole: false),
            _ => null,
        };
    }

    private static int Age(DateOnly birthday, DateTimeOffset now)
    {
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        var age = today.Year - birthday.Year;
        return Math.Max(0, (birthday.Month, birthday.Day).CompareTo((today.Month, today.Day)) > 0 ? age - 1 : age);
    }

    private static string Number(double value) => value.ToString("#,##0.##", CultureInfo.InvariantCulture);

    private static string Range(NumberRange range, Func<double, string> text) => range switch
    {
        { Above: null, UpTo: { } most } => $"at most {text(most)}",
        { Above: { } least, UpTo: null } => $"more than {text(least)}",
        _ => $"more than {text(range.Above!.Value)} and at most {text(range.UpTo!.Value)}",
    };

    /// <summary>Whole numbers: what is above two begins at three.</summary>
    private static string Counted(NumberRange range) => range switch
    {
        { Above: null, UpTo: { } most } => most <= 0 ? "0" : $"at most {Number(most)}",
        { Above: { } least, UpTo: null } => $"at least {Number(least + 1)}",
        { Above: { } least, UpTo: { } most } => most == least + 1 ? Number(most) : $"{Number(least + 1)} to {Number(most)}",
        _ => "no",
    };

    private static string Ago(NumberRange range) => range switch
    {
        { Above: null, UpTo: { } most } => $"at most {Number(most)} days ago",
        { Above: { } least, UpTo: null } => $"more than {Number(least)} days ago",
        _ => $"{Number(range.Above!.Value + 1)} to {Number(range.UpTo!.Value)} days ago",
    };
}
