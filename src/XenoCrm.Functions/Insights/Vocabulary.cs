using XenoCrm.Customers;

namespace XenoCrm.Insights;

internal enum WordKind
{
    Category,
    City,
    Region,
    Country,
    Tag,
    Source,
    Company,
    Attribute,

    /// <summary>Something that a text attribute holds.</summary>
    AttributeValue,
    Segment,
}

/// <param name="Value">As it is stored: what a rule compares with.</param>
/// <param name="Key">Of an attribute.</param>
internal sealed record Known(WordKind Kind, string Value, string? Key = null, AttributeType? Type = null);

/// <summary>
/// The workspace's own words: its categories, places, tags, attributes and segments, found however they are spelled (case,
/// plural, <c>&amp;</c> for <c>and</c>). Immutable.
/// </summary>
public sealed class Vocabulary
{
    private readonly Dictionary<string, List<(string[] Stems, Known Known)>> byFirst = [];
    private readonly HashSet<string> people = [];

    /// <summary>So many customers make a text of an attribute a choice.</summary>
    private const int MinShared = 3;

    /// <param name="customers">Some of them: what they hold is what people will speak of.</param>
    /// <param name="segments">Name and id.</param>
    public Vocabulary(IEnumerable<Customer> customers, IReadOnlyDictionary<string, AttributeDefinition> attributes, IEnumerable<(string Name, string Id)> segments)
    {
        var seen = new HashSet<Known>();
        var shared = new Dictionary<(string Key, string Text), int>();
        foreach (var customer in customers)
        {
            Learn(WordKind.City, customer.City);
            Learn(WordKind.Region, customer.Region);
            Learn(WordKind.Country, customer.Country);
            Learn(WordKind.Source, customer.Source);
            Learn(WordKind.Company, customer.Company);
            foreach (var category in customer.Categories.Keys)
            {
                Learn(WordKind.Category, category);
            }

            foreach (var tag in customer.Tags)
            {
                Learn(WordKind.Tag, tag);
            }

            foreach (var (key, value) in customer.Attributes)
            {
                // A short text that several customers share is a choice; anything else may be about one person.
                if (value.ValueKind == System.Text.Json.JsonValueKind.String && value.GetString() is { Length: <= 40 } text && attributes.GetValueOrDefault(key)?.Type is AttributeType.String)
                {
                    shared[(key, text)] = shared.GetValueOrDefault((key, text)) + 1;
                }
            }

            Person(customer.FirstName);
            Person(customer.LastName);
        }

        foreach (var ((key, text), count) in shared)
        {
            if (count >= MinShared && seen.Add(new(WordKind.AttributeValue, text, key)))
            {
                Add(text, new(WordKind.AttributeValue, text, key));
            }
        }

        foreach (var (key, definition) in attributes)
        {
            var known = new Known(WordKind.Attribute, definition.Label ?? Spaced(key), key, definition.Type);
            Add(Spaced(key), known);
            Add(definition.Label ?? "", known);
        }

        foreach (var (name, id) in segments)
        {
            Add(name, new(WordKind.Segment, id, name));
        }

        void Learn(WordKind kind, string? value)
        {
            if (value is { Length: > 0 and <= 60 } && seen.Add(new(kind, value)))
            {
                Add(value, new(kind, value));
            }
        }
    }

    /// <summary>All spellings of countries that customers have.</summary>
    public IReadOnlyList<string> Countries { get; private set; } = [];

    public string? SegmentName(string id) => Of(WordKind.Segment).FirstOrDefault(s => s.Value == id)?.Key;

    /// <summary>A first or last name of a customer, which is not to leave the house.</summary>
    public bool IsPerson(string word) => people.Contains(word);

    /// <summary>The longest of the workspace's words that begin here, of each kind asked for; the number of tokens it takes.</summary>
    internal (Known Known, int Length)? Find(IReadOnlyList<Token> tokens, int at, Func<Known, bool> wanted)
    {
        if (at >= tokens.Count || !byFirst.TryGetValue(Stem(tokens[at].Text), out var entries))
        {
            return null;
        }

        (Known Known, int Length)? best = null;
        foreach (var (stems, known) in entries)
        {
            if ((best is null || stems.Length > best.Value.Length) && wanted(known) && Matches(tokens, at, stems) && (!IsCode(known.Value) || tokens[at].Original == known.Value))
            {
                best = (known, stems.Length);
            }
        }

        return best;
    }

    internal IEnumerable<Known> Of(WordKind kind) => byFirst.Values.SelectMany(e => e).Select(e => e.Known).Where(k => k.Kind == kind).Distinct();

    private static bool Matches(IReadOnlyList<Token> tokens, int at, string[] stems)
    {
        if (at + stems.Length > tokens.Count)
        {
            return false;
        }

        for (var i = 0; i < stems.Length; i++)
        {
            if (Stem(tokens[at + i].Text) != stems[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>"IN" is India, "in" is not.</summary>
    private static bool IsCode(string value) => value.Length <= 3 && value.All(char.IsUpper);

    private void Add(string text, Known known)
    {
        var stems = Tokenizer.Read(text).Select(t => Stem(t.Text)).ToArray();
        if (stems.Length is 0 or > 6)
        {
            return;
        }

        if (known.Kind == WordKind.Country)
        {
            Countries = [.. Countries, known.Value];
        }

        if (!byFirst.TryGetValue(stems[0], out var entries))
        {
            byFirst.Add(stems[0], entries = []);
        }

        if (!entries.Exists(e => e.Known == known && e.Stems.AsSpan().SequenceEqual(stems)))
        {
            entries.Add((stems, known));
        }
    }

    private void Person(string? name)
    {
        foreach (var part in name?.Split([' ', '-', '\''], StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (part.Length > 2)
            {
                people.Add(part.ToLowerInvariant());
            }
        }
    }

    /// <summary>What singular and plural have in common, near enough.</summary>
    public static string Stem(string word) =>
        word == "&" ? "and"
        : word.Length > 4 && word.EndsWith("ies", StringComparison.Ordinal) ? word[..^3] + "y"
        : word.Length > 4 && (word.EndsWith("sses", StringComparison.Ordinal) || word.EndsWith("xes", StringComparison.Ordinal) || word.EndsWith("ches", StringComparison.Ordinal)) ? word[..^2]
        : word.Length > 3 && word[^1] == 's' && word[^2] is not ('s' or 'u') ? word[..^1]
        : word;

    /// <summary><c>loyaltyPoints</c>, <c>loyalty_points</c> → loyalty points.</summary>
    public static string Spaced(string key)
    {
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < key.Length; i++)
        {
            if (i > 0 && char.IsUpper(key[i]) && char.IsLower(key[i - 1]))
            {
                text.Append(' ');
            }

            text.Append(key[i] is '_' or '-' ? ' ' : char.ToLowerInvariant(key[i]));
        }

        return text.ToString();
    }
}
