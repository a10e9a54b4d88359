using System.Text.Json.Nodes;
using XenoCrm.Customers;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>Fields by their names.</summary>
internal sealed partial class SentenceReader
{
    private static readonly (string Phrase, string Field)[] FieldNames =
    [
        .. new (string Names, string Field)[]
        {
            ("average order value|average order size|average order|average basket value|average basket size|average basket|average purchase value|average purchase|average spend per order|basket size|order value|aov|averageordervalue", "averageOrderValue"),
            ("last order date|last order|last purchase date|last purchase|latest order|most recent order|most recent purchase|last ordered on|lastorderat", "lastOrderAt"),
            ("first order date|first order|first purchase date|first purchase|firstorderat", "firstOrderAt"),
            ("last visit date|last visit|lastvisitat", "lastVisitAt"), ("last activity|last seen|last active|lastactiveat", "lastActiveAt"),
            ("sign up date|signup date|registration date|join date|created date|created at|createdat", "createdAt"), ("updated at|updatedat", "updatedAt"),
            ("last opened|last open|last email open", "engagement.lastOpenedAt"), ("last clicked|last click", "engagement.lastClickedAt"),
            ("recency score|rfm recency|recency", "rfm.recency"), ("frequency score|rfm frequency|frequency", "rfm.frequency"), ("monetary score|rfm monetary|monetary value|monetary", "rfm.monetary"), ("rfm segment|rfm group", "rfm.segment"),
            ("first name|given name|firstname", "firstName"), ("last name|family name|surname|lastname", "lastName"), ("external id|customer id|externalid", "externalId"),
            ("email address|e mail address|email|e mail|mail address|mailbox", "email"), ("phone number|telephone number|mobile number|phone|mobile", "phone"), ("postal code|postcode|zip code|zip|postalcode", "postalCode"),
            ("time zone|timezone", "timeZone"), ("company name|company|employer", "company"), ("language", "language"), ("source|channel of origin", "source"), ("city|town", "city"), ("region|state|province", "region"), ("country", "country"),
            ("date of birth|birth date|birthday|birthdate", "birthday"), ("tags|tag", "tags"),
        }.SelectMany(f => f.Names.Split('|').Select(n => (n, f.Field))).OrderByDescending(f => f.n.Length),
    ];

    private Draft? Field(ref int at, bool negated)
    {
        var start = at;
        at += words.Any(at, "whose", "with an", "with a", "with", "have an", "have a", "has an", "has a", "their", "the");
        var (name, length) = NamedField(at);

        // "a gmail address"
        if (name is null && words.Any(at, "gmail", "yahoo", "hotmail", "outlook", "icloud", "gmx") > 0 && words.Any(at + 1, "address", "addresses", "email", "emails", "account", "accounts", "users", "user", "mail") is > 0 and var box)
        {
            var provider = words.Text(at);
            at += 1 + box + words.Any(at + 1 + box, "address", "addresses");
            return With(Draft.Test("email", "endsWith", $"@{provider}.com"), negated);
        }

        if (name is null)
        {
            return SaidName(ref at, start, negated) ?? AttributeField(ref at, start, negated);
        }

        at += length;
        return Compare(ref at, name, negated);
    }

    private (string? Field, int Length) NamedField(int at)
    {
        foreach (var (phrase, field) in FieldNames)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                return (field, length);
            }
        }

        return (null, 0);
    }

    /// <summary>"called Maria", "work at Acme", "came from shopify", "imported".</summary>
    private Draft? SaidName(ref int at, int start, bool negated)
    {
        at = start;
        if (words.Any(at, "called", "named", "name is", "by the name of") is > 0 and var called && at + called < words.Count)
        {
            at += called + 1;
            return With(Draft.Test("firstName", "=", words[at - 1].Original), negated);
        }

        if (words.Any(at, "work at", "works at", "working at", "work for", "works for", "working for", "employed at", "employed by") is > 0 and var work && at + work < words.Count)
        {
            at += work;
            return With(Draft.Test("company", "=", Words(ref at, WordKind.Company)), negated);
        }

        var came = words.Any(at, "came from", "came via", "came through", "come from", "coming from", "acquired via", "acquired through", "acquired from", "sourced from", "imported by", "imported from", "imported via", "imported", "via", "through", "from", "by");
        if (came > 0)
        {
            var next = at + came;
            next += words.Any(next, "the", "a", "an", "our", "csv");
            if (vocabulary.Find(words.Tokens, next, k => k.Kind == WordKind.Source) is { } source)
            {
                at = next + source.Length;
                return With(Draft.Test("source", "=", source.Known.Value), negated);
            }
        }

        return null;
    }

    private string Words(ref int at, WordKind kind)
    {
        if (vocabulary.Find(words.Tokens, at, k => k.Kind == kind) is { } known)
        {
            at += known.Length;
            return known.Known.Value;
        }

        return words[at++].Original;
    }

    private Draft? AttributeField(ref int at, int start, bool negated)
    {
        at = start;
        at += words.Any(at, "whose", "with an", "with a", "with the", "with", "have a", "has a", "have", "has", "on the", "on a", "on", "the", "their");

        // "premium plan", "plan premium", "plan is premium"
        if (vocabulary.Find(words.Tokens, at, k => k.Kind == WordKind.AttributeValue) is { } value
            && vocabulary.Find(words.Tokens, at + value.Length, k => k.Kind == WordKind.Attribute && k.Key == value.Known.Key) is { } label)
        {
            at += value.Length + label.Length;
            return With(Draft.Test("attributes." + value.Known.Key, "=", value.Known.Value), negated);
        }

        if (vocabulary.Find(words.Tokens, at, k => k.Kind == WordKind.Attribute) is { } attribute)
        {
            at += attribute.Length;
            return Compare(ref at, "attributes." + attribute.Known.Key, negated, attribute.Known.Type);
        }

        // The last word of a name of several, when it is only one attribute's: "points" for loyalty points.
        var word = Vocabulary.Stem(words.Text(at));
        if (word.Length > 2 && vocabulary.Of(WordKind.Attribute).Where(k => Vocabulary.Stem(k.Value.Split(' ')[^1]) == word).Distinct().Take(2).ToList() is [var only] && only.Value.Contains(' '))
        {
            at++;
            return Compare(ref at, "attributes." + only.Key, negated, only.Type);
        }

        return null;
    }

    private Draft? Compare(ref int at, string field, bool negated, AttributeType? type = null)
    {
        var start = at;
        if (words.Any(at, "is missing", "is empty", "is unknown", "is blank", "missing", "unknown", "empty", "is not known", "is not set", "not set", "is null") is > 0 and var missing)
        {
            at += missing;
            return With(Draft.Test(field, "null"), negated);
        }

        while (words.Any(at, "was placed", "was made", "were", "was", "is", "are", "has been", "of", "equals", "that", "score", "came", "happened", "dates", "falls", "reads") is > 0 and var filler)
        {
            at += filler;
        }

        var not = words.Any(at, "is not", "are not", "not", "other than", "!=");
        if (not > 0 && Quantities.Read(words, at) is null)
        {
            at += not;
            negated = !negated;
        }

        var kind = type ?? KindOf(field);
        if (kind is AttributeType.DateTime or AttributeType.Date)
        {
            if (field == "birthday")
            {
                return Birthday(ref at, negated);
            }

            if (times.Read(at, negated) is { } time)
            {
                if (time.Note is { } note)
                {
                    Note(at, at + time.Length, note);
                }

                at += time.Length;
                return negated ? time.NotOf(field) : time.Of(field);
            }
        }
        else if (kind == AttributeType.Number)
        {
            if (Quantities.Read(words, at) is { } quantity)
            {
                at += quantity.Length;
                NoteQuantity(quantity, start, at);
                var test = quantity.Of(field);
                if (quantity is { Said: false } && words.Any(at, "or", "and") is > 0 and var or && Quantities.Read(words, at + or) is { Said: false } second && words.Any(at + or + second.Length, "times", "orders", "visits") == 0)
                {
                    at += or + second.Length;
                    return With(Draft.Test(field, "in", new JsonArray(Quantity.Number(quantity.Value), Quantity.Number(second.Value))), negated);
                }

                return With(test, negated);
            }
        }
        else if (kind == AttributeType.String && TextTest(ref at, field, at > start || type is not null, negated) is { } text)
        {
            return text;
        }

        // Named and not compared: there, or not there.
        if (words.Any(at, "on file", "on record", "address", "known", "set", "available", "given") is > 0 and var there)
        {
            at += there;
        }

        return Presence(field) ? With(Draft.Test(field, "notNull"), negated) : null;
    }

    private static bool Presence(string field) => field is not ("email" or "language" or "tags" or "source" or "rfm.recency" or "rfm.frequency" or "rfm.monetary") || field == "email";

    private static AttributeType KindOf(string field) =>
        field.StartsWith("rfm.", StringComparison.Ordinal) && field != "rfm.segment" || field == "averageOrderValue" ? AttributeType.Number
        : field.EndsWith("At", StringComparison.Ordinal) || field == "birthday" ? AttributeType.DateTime
        : AttributeType.String;

    private Draft? TextTest(ref int at, string field, bool expected, bool negated)
    {
        var start = at;
        var op = "=";
        (string Phrase, string Op)[] parts = [("starts with", "beginsWith"), ("starting with", "beginsWith"), ("begins with", "beginsWith"), ("beginning with", "beginsWith"), ("ends with", "endsWith"), ("ending with", "endsWith"), ("ending in", "endsWith"), ("ends in", "endsWith"), ("does not contain", "doesNotContain"), ("contains", "contains"), ("containing", "contains"), ("like", "contains"), ("=", "="), ("!=", "!=")];
        foreach (var (phrase, said) in parts)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                (op, expected) = (said, true);
                at += length;
                break;
            }
        }

        if (!expected || at >= words.Count || words[at].Kind is not (TokenKind.Word or TokenKind.Quoted or TokenKind.Number))
        {
            at = start;
            return null;
        }

        var values = new List<Draft>();
        while (at < words.Count && words[at].Kind is TokenKind.Word or TokenKind.Quoted or TokenKind.Number)
        {
            if (words[at].Kind == TokenKind.Word && (words.Text(at) is "and" or "or" or "who" or "but" or "with" or "not" or "customers" or "people" || DeedAt(at) is not null))
            {
                break;
            }

            values.Add(Draft.Test(field, op, Value(ref at, field)));
            var next = at + (at < words.Count && words[at].Kind == TokenKind.Comma ? 1 : 0);
            next += words.Any(next, "or", "nor");
            var another = next > at && next < words.Count && (words[next].Kind == TokenKind.Quoted || (words[next].Kind == TokenKind.Word && vocabulary.Find(words.Tokens, next, k => k.Value.Length > 0 && (k.Kind != WordKind.AttributeValue || "attributes." + k.Key == field)) is not null && DeedAt(next) is null && NamedField(next).Field is null));
            if (!another)
            {
                break;
            }

            at = next;
        }

        if (values.Count == 0)
        {
            at = start;
            return null;
        }

        return With(Draft.Simplify(Draft.Any([.. values])), negated);
    }

    private JsonValue Value(ref int at, string field)
    {
        if (words[at].Kind == TokenKind.Quoted)
        {
            return JsonValue.Create(words[at++].Original);
        }

        var kind = field switch { "city" => WordKind.City, "region" => WordKind.Region, "country" => WordKind.Country, "company" => WordKind.Company, "source" => WordKind.Source, _ => WordKind.AttributeValue };
        if (vocabulary.Find(words.Tokens, at, k => k.Kind == kind && (kind != WordKind.AttributeValue || "attributes." + k.Key == field)) is { } known)
        {
            at += known.Length;
            return JsonValue.Create(known.Known.Value);
        }

        if (field == "country" && Places.Country(words.Tokens, at) is { } country)
        {
            at += country.Length;
            return JsonValue.Create(country.Code);
        }

        var here = at;
        if (field == "rfm.segment" && Array.Find(ScoreNames, n => words.Matches(here, n.Phrase) > 0) is { Phrase: not null } score)
        {
            at += words.Matches(at, score.Phrase);
            return JsonValue.Create(score.Name);
        }

        return JsonValue.Create(words[at++].Original);
    }
}
