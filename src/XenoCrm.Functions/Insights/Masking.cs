using System.Text.RegularExpressions;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>
/// Takes out of a text what may be about a person before the text leaves the house, and puts it back into the answer. Taken out
/// are addresses of email and web, phone numbers, names of customers, what follows words such as "called", and capitalised words
/// that are neither the workspace's own (places, categories, tags) nor well known.
/// </summary>
internal sealed partial class Masking(Vocabulary vocabulary)
{
    private readonly List<string> hidden = [];

    public string Hide(string text)
    {
        text = Address().Replace(text, m => Put(m.Value));
        text = Phone().Replace(text, m => m.Value.Count(char.IsAsciiDigit) is var digits && (digits >= 9 || (digits >= 7 && m.Value[0] == '+')) ? Put(m.Value) : m.Value);
        return Word().Replace(text, m => IsPersonal(text, m) ? Put(m.Value) : m.Value);
    }

    /// <summary>The hidden values in place of what stood for them.</summary>
    public string Restore(string text) => Hidden().Replace(text, m => int.Parse(m.Groups["number"].ValueSpan) is var n && n >= 1 && n <= hidden.Count ? hidden[n - 1] : m.Value);

    private string Put(string value)
    {
        var at = hidden.IndexOf(value);
        if (at < 0)
        {
            hidden.Add(value);
            at = hidden.Count - 1;
        }

        return $"[hidden-{at + 1}]";
    }

    private bool IsPersonal(string text, Match match)
    {
        var word = match.Value;
        if (InTag(text, match.Index))
        {
            return false;
        }

        var tokens = Tokenizer.Read(text[match.Index..Math.Min(text.Length, match.Index + 60)]);
        if (vocabulary.Find(tokens, 0, IsSafe) is not null || Places.Country(tokens, 0) is not null)
        {
            return false;
        }

        var lower = word.ToLowerInvariant();
        if (vocabulary.IsPerson(lower) || lower.Split('\'', '’', '-').Any(vocabulary.IsPerson))
        {
            return true;
        }

        var before = text[..match.Index].TrimEnd();
        if (Introduction().IsMatch(before))
        {
            return true;
        }

        var begins = before.Length == 0 || before[^1] is '.' or '!' or '?' or ':' or '\n' or '"' or '{' or '-' or '“';
        return char.IsUpper(word[0]) && !begins && !Common.Contains(lower) && !(word.Length <= 4 && word.All(char.IsUpper));
    }

    /// <summary>A place is one though people are called so too; a tag or category that names somebody is about them.</summary>
    private bool IsSafe(Known known) => known.Kind switch
    {
        WordKind.Company or WordKind.Segment or WordKind.AttributeValue => false,
        WordKind.City or WordKind.Region or WordKind.Country => true,
        _ => !Word().Matches(known.Value).SelectMany(w => w.Value.ToLowerInvariant().Split('\'', '’', '-')).Any(vocabulary.IsPerson),
    };

    /// <summary>A placeholder is no person.</summary>
    private static bool InTag(string text, int at) =>
        text.LastIndexOf("{{", at, StringComparison.Ordinal) is >= 0 and var open && text.IndexOf("}}", open, StringComparison.Ordinal) > at
        || (text.LastIndexOf('[', at) is >= 0 and var bracket && string.CompareOrdinal(text, bracket, "[hidden-", 0, 8) == 0 && text.IndexOf(']', bracket) > at);

    private static readonly HashSet<string> Common =
    [
        .. """
        january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday christmas easter black cyber new year
        halloween valentine valentines whatsapp sms email crm vip rfm aov champions champion loyal customers potential loyalists promising need attention about to sleep at risk can't lose them hibernating lost
        customer and or not but who i i'm we our you your the this that shop now save off free hurry hello hi dear thanks thank get code offer sale click here unsubscribe usd eur gbp inr chf english german french spanish italian hindi
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
        .. RfmScores.Names.SelectMany(n => n.ToLowerInvariant().Split(' ')),
    ];

    [GeneratedRegex(@"[^\s@<>""']+@[^\s@<>""']+\.[^\s@<>""',;]+|https?://[^\s<>""']+|www\.[^\s<>""']+")]
    private static partial Regex Address();

    [GeneratedRegex(@"\+?[0-9(][0-9()\s./-]{5,}[0-9]")]
    private static partial Regex Phone();

    [GeneratedRegex(@"\p{L}[\p{L}\p{M}\p{Nd}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*")]
    private static partial Regex Word();

    [GeneratedRegex(@"(?i)\b(?:called|named|names?|surname|(?:first|last)\s+name|mr|mrs|ms|dr|herr|frau|signed|by\s+the\s+name\s+of)\b[\s:.=""']*(?:is\s+|are\s+|begins\s+with\s+|starts\s+with\s+|contains\s+)?[""']?$")]
    private static partial Regex Introduction();

    [GeneratedRegex(@"\[hidden-(?<number>[0-9]{1,3})\]")]
    private static partial Regex Hidden();
}
