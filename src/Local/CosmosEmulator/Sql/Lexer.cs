using System.Globalization;
using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

internal enum TokenKind
{
    End,
    Identifier,
    Keyword,
    Parameter,
    Number,
    String,
    Symbol,
}

/// <param name="Text">Keywords in upper case (literals such as null in lower case), symbols as they are, strings decoded.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int At, int End, JsonValue Value = default);

/// <summary>Cuts a query into tokens, each with its position.</summary>
internal static class Lexer
{
    // The reserved words of the service's grammar. Literals and udf are case-sensitive there, the others are not.
    private static readonly HashSet<string> Keywords = new(StringComparer.OrdinalIgnoreCase)
    {
        "AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "ESCAPE", "EXISTS", "FROM", "GROUP", "IN", "JOIN",
        "LEFT", "LIKE", "LIMIT", "NOT", "OFFSET", "OR", "ORDER", "RIGHT", "SELECT", "TOP", "VALUE", "WHERE",
    };

    private static readonly HashSet<string> Literals = new(StringComparer.Ordinal) { "true", "false", "null", "undefined", "udf" };

    private static readonly string[] Symbols =
    [
        ">>>", "!=", "<>", "<=", ">=", "<<", ">>", "||", "??", "*", "/", "%", "+", "-", "<", ">", "=", "&", "|", "^", "~", "?",
        ":", ".", ",", "(", ")", "[", "]", "{", "}",
    ];

    public static List<Token> Read(string sql)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (true)
        {
            at = SkipBlanks(sql, at);
            if (at >= sql.Length)
            {
                tokens.Add(new(TokenKind.End, "", sql.Length, sql.Length));
                return tokens;
            }

            var token = Next(sql, at);
            tokens.Add(token);
            at = token.End;
        }
    }

    private static int SkipBlanks(string sql, int at)
    {
        while (at < sql.Length)
        {
            if (char.IsWhiteSpace(sql[at]))
            {
                at++;
            }
            else if (sql[at] == '-' && at + 1 < sql.Length && sql[at + 1] == '-')
            {
                var end = sql.IndexOf('\n', at);
                at = end < 0 ? sql.Length : end;
            }
            else
            {
                break;
            }
        }

        return at;
    }

    private static Token Next(string sql, int at)
    {
        var c = sql[at];
        if (IsWordStart(c))
        {
            return Word(sql, at);
        }

        if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < sql.Length && char.IsAsciiDigit(sql[at + 1])))
        {
            return NumberAt(sql, at);
        }

        switch (c)
        {
            case '\'' or '"':
                return StringAt(sql, at);
            case '@':
                var end = at + 1;
                while (end < sql.Length && IsWordPart(sql[end]))
                {
                    end++;
                }

                return end == at + 1
                    ? throw Error(sql, at)
                    : new(TokenKind.Parameter, sql[at..end], at, end);
        }

        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(sql, at, symbol, 0, symbol.Length) == 0)
            {
                return new(TokenKind.Symbol, symbol, at, at + symbol.Length);
            }
        }

        throw Error(sql, at);
    }

    private static SqlException Error(string sql, int at, int? end = null)
    {
        var behind = end ?? at + 1;
        return new($"Syntax error, invalid token '{sql[at..Math.Min(behind, sql.Length)]}'.", at, behind, "SC1010");
    }

    private static bool IsWordStart(char c) => char.IsAsciiLetter(c) || c == '_' || (c >= 0x80 && char.IsLetter(c));

    private static bool IsWordPart(char c) => IsWordStart(c) || char.IsAsciiDigit(c);

    private static Token Word(string sql, int at)
    {
        var end = at + 1;
        while (end < sql.Length && IsWordPart(sql[end]))
        {
            end++;
        }

        var word = sql[at..end];
        return Literals.Contains(word)
            ? new(TokenKind.Keyword, word, at, end)
            : Keywords.TryGetValue(word, out var keyword)
                ? new(TokenKind.Keyword, keyword, at, end)
                : new(TokenKind.Identifier, word, at, end);
    }

    private static Token NumberAt(string sql, int at)
    {
        var end = at;
        if (sql[at] == '0' && at + 1 < sql.Length && sql[at + 1] is 'x' or 'X')
        {
            end = at + 2;
            while (end < sql.Length && char.IsAsciiHexDigit(sql[end]))
            {
                end++;
            }

            return end > at + 2 && ulong.TryParse(sql.AsSpan(at + 2, end - at - 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var hex)
                ? new(TokenKind.Number, sql[at..end], at, end, JsonValue.Of((double)hex))
                : throw Error(sql, at, end);
        }

        while (end < sql.Length && (char.IsAsciiDigit(sql[end]) || sql[end] == '.'))
        {
            end++;
        }

        if (end < sql.Length && sql[end] is 'e' or 'E')
        {
            var digits = end + 1 < sql.Length && sql[end + 1] is '+' or '-' ? end + 2 : end + 1;
            if (digits < sql.Length && char.IsAsciiDigit(sql[digits]))
            {
                end = digits;
                while (end < sql.Length && char.IsAsciiDigit(sql[end]))
                {
                    end++;
                }
            }
        }

        var text = sql[at..end];
        if (end < sql.Length && IsWordStart(sql[end]))
        {
            throw Error(sql, at, end + 1);
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var integer))
        {
            return new(TokenKind.Number, text, at, end, JsonValue.Of(integer));
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? new(TokenKind.Number, text, at, end, JsonValue.Of(number))
            : throw Error(sql, at, end);
    }

    private static Token StringAt(string sql, int at)
    {
        var quote = sql[at];
        var text = new StringBuilder();
        for (var i = at + 1; i < sql.Length; i++)
        {
            var c = sql[i];
            if (c == quote)
            {
                return new(TokenKind.String, text.ToString(), at, i + 1);
            }

            if (c != '\\')
            {
                text.Append(c);
                continue;
            }

            if (++i == sql.Length)
            {
                break;
            }

            switch (sql[i])
            {
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case 't': text.Append('\t'); break;
                case '\\' or '/' or '"' or '\'': text.Append(sql[i]); break;
                case 'u' when i + 4 < sql.Length && ushort.TryParse(sql.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit):
                    text.Append((char)unit);
                    i += 4;
                    break;
                default:
                    throw Error(sql, i - 1, i + 1);
            }
        }

        throw new SqlException("Syntax error, the string is not closed.", at, sql.Length, "SC1012");
    }
}
