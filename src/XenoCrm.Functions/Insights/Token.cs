using System.Globalization;
using System.Text;

namespace XenoCrm.Insights;

internal enum TokenKind
{
    Word,

    /// <summary>Text in quotation marks: a value, whatever it says.</summary>
    Quoted,
    Number,
    Day,
    Comma,

    /// <summary>The end of a sentence, or a semicolon.</summary>
    Stop,
    Open,
    Close,

    /// <summary><c>&gt;=</c>, <c>=</c>, <c>&amp;</c>, …</summary>
    Sign,
}

/// <param name="Text">In lower case.</param>
/// <param name="Start">Of what it was read from, in the sentence.</param>
/// <param name="Plus"><c>500+</c></param>
/// <param name="Currency">The sign before it, or null.</param>
internal sealed record Token(TokenKind Kind, string Text, string Original, int Start, int End, decimal Number = 0, DateOnly Day = default, bool Plus = false, string? Currency = null);

/// <summary>Cuts a sentence into tokens. Contractions are taken apart (<c>haven't</c> → have not), and so are hyphens (<c>one-time</c>).</summary>
internal static class Tokenizer
{
    private const string CurrencySigns = "$€£₹¥";

    private static readonly Dictionary<string, string[]> Contractions = new()
    {
        ["cannot"] = ["can", "not"], ["can't"] = ["can", "not"], ["won't"] = ["will", "not"], ["ain't"] = ["is", "not"], ["gimme"] = ["give", "me"],
        ["havent"] = ["have", "not"], ["hasnt"] = ["has", "not"], ["didnt"] = ["did", "not"], ["dont"] = ["do", "not"], ["doesnt"] = ["does", "not"], ["isnt"] = ["is", "not"], ["arent"] = ["are", "not"],
    };

    public static List<Token> Read(string text)
    {
        var tokens = new List<Token>();
        for (var at = 0; at < text.Length;)
        {
            var c = text[at];
            if (char.IsWhiteSpace(c))
            {
                at++;
            }
            else if (char.IsAsciiDigit(c) || (CurrencySigns.Contains(c) && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))
            {
                at = Number(text, at, tokens);
            }
            else if (char.IsLetter(c))
            {
                at = Word(text, at, tokens);
            }
            else if (c is '"' or '“' or '\'' or '‘' && Quote(text, at, tokens) is { } end)
            {
                at = end;
            }
            else
            {
                at = Sign(text, at, tokens);
            }
        }

        return tokens;
    }

    private static int Number(string text, int at, List<Token> tokens)
    {
        var start = at;
        if (at + 10 <= text.Length && DateOnly.TryParseExact(text.AsSpan(at, 10), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            && (at + 10 == text.Length || !char.IsAsciiDigit(text[at + 10])))
        {
            tokens.Add(new(TokenKind.Day, text.Substring(at, 10), text.Substring(at, 10), at, at + 10, Day: day));
            return at + 10;
        }

        var currency = CurrencySigns.Contains(text[at]) ? text[at++].ToString() : null;
        var digits = new StringBuilder();
        for (; at < text.Length; at++)
        {
            var next = at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]);
            if (char.IsAsciiDigit(text[at]) || (text[at] == '.' && next))
            {
                digits.Append(text[at]);
            }
            else if (text[at] is not (',' or '\'' or '’') || !next || !Grouped(text, at))
            {
                break;
            }
        }

        if (!decimal.TryParse(digits.ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            // A version number, an address: no amount.
            number = 0;
        }

        var suffix = at;
        while (suffix < text.Length && char.IsAsciiLetter(text[suffix]))
        {
            suffix++;
        }

        var scale = text[at..suffix].ToLowerInvariant() switch { "k" => 1_000m, "m" or "mn" => 1_000_000m, "l" or "lac" => 100_000m, "cr" => 10_000_000m, "bn" => 1_000_000_000m, _ => 0 };
        if (scale > 0 && number <= 1_000_000)
        {
            number *= scale;
            at = suffix;
        }
        else if (text[at..suffix].ToLowerInvariant() is "st" or "nd" or "rd" or "th")
        {
            at = suffix;
        }

        var plus = at < text.Length && text[at] == '+';
        at += plus ? 1 : 0;
        tokens.Add(new(TokenKind.Number, text[start..at].ToLowerInvariant(), text[start..at], start, at, number, Plus: plus, Currency: currency));
        return at;
    }

    /// <summary>A separator of thousands, the Indian way too, and not the comma of a list.</summary>
    private static bool Grouped(string text, int at)
    {
        var digits = 0;
        while (at + 1 + digits < text.Length && char.IsAsciiDigit(text[at + 1 + digits]))
        {
            digits++;
        }

        return digits is 2 or 3;
    }

    private static int Word(string text, int at, List<Token> tokens)
    {
        var start = at;
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || char.IsSurrogate(text[at]) || char.GetUnicodeCategory(text[at]) == UnicodeCategory.NonSpacingMark
            || (text[at] is '\'' or '’' or '@' or '.' && at + 1 < text.Length && char.IsLetterOrDigit(text[at + 1]))))
        {
            at++;
        }

        var original = text[start..at];
        var word = original.ToLowerInvariant().Replace('’', '\'');
        if (Contractions.TryGetValue(word, out var parts))
        {
            tokens.AddRange(parts.Select(p => new Token(TokenKind.Word, p, original, start, at)));
        }
        else if (word.EndsWith("n't", StringComparison.Ordinal))
        {
            tokens.Add(new(TokenKind.Word, word[..^3], original, start, at));
            tokens.Add(new(TokenKind.Word, "not", original, start, at));
        }
        else if (word.IndexOf('\'') is > 0 and var quote && word[(quote + 1)..] is "s" or "ve" or "re" or "d" or "ll" or "m")
        {
            tokens.Add(new(TokenKind.Word, word[..word.IndexOf('\'')], original[..word.IndexOf('\'')], start, at));
        }
        else
        {
            tokens.Add(new(TokenKind.Word, word, original, start, at));
        }

        return at;
    }

    private static int? Quote(string text, int at, List<Token> tokens)
    {
        var close = text[at] switch { '“' => '”', '‘' => '’', var same => same };
        var end = text.IndexOf(close, at + 1);
        if (end <= at + 1)
        {
            return null;
        }

        var inner = text[(at + 1)..end];
        tokens.Add(new(TokenKind.Quoted, inner.ToLowerInvariant(), inner, at, end + 1));
        return end + 1;
    }

    private static int Sign(string text, int at, List<Token> tokens)
    {
        var two = at + 1 < text.Length ? text.Substring(at, 2) : "";
        var sign = two is ">=" or "<=" or "!=" or "<>" or "==" or "&&" or "||" ? two : text[at].ToString();
        var kind = sign switch
        {
            "," => TokenKind.Comma,
            ";" or "." or "!" or "?" or "\n" => TokenKind.Stop,
            "(" or "[" => TokenKind.Open,
            ")" or "]" => TokenKind.Close,
            _ => TokenKind.Sign,
        };

        // What joins the parts of a word, and what only decorates, is no token.
        if (sign is not ("-" or "_" or "'" or "’" or "\"" or "*" or "#"))
        {
            sign = sign switch { "≥" => ">=", "≤" => "<=", "≠" or "<>" => "!=", "==" => "=", "&&" => "and", "||" => "or", "–" or "—" => "-", _ => sign };
            tokens.Add(new(sign is "and" or "or" ? TokenKind.Word : kind, sign, sign, at, at + sign.Length));
        }

        return at + (two == sign || two is "<>" or "==" or "&&" or "||" ? 2 : 1);
    }
}
