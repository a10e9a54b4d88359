using System.Text;
using System.Text.RegularExpressions;

namespace XenoCrm.Platform;

/// <summary>Bodies that nobody would send on purpose, the same for the same seed, and what was answered to them.</summary>
/// <param name="values">That members get in place of their own: JSON, or what is none.</param>
/// <param name="names">Members that get one of <paramref name="otherNames"/>.</param>
internal sealed partial class JsonFuzz(int seed, string[] values, string[] names, string[] otherNames)
{
    /// <summary>What is wrong anywhere.</summary>
    public static readonly string[] Values =
    [
        "1e400", "-1e400", "NaN", "Infinity", "1e28", "1e-28", "-1", "0", "0.005", "12345678901234567890", "79228162514264337593543950335", "1E9", "5", "\"12\"", "\"\"", "null", "true",
        "[]", "{}", "[null]", "[[1]]", "[\"a\", \"A\", \" a \"]", "{\"a\": {\"b\": 1}}", "\"\\ud800\"", "\"\\u0000\"", "\"\\u202e\"", "\"=cmd|' /C calc'!A0\"", "\"A/b?c#d%20\"", "\"😀\"",
        "\"9999-12-31T23:59:59Z\"", "\"9999-12-31\"", "\"0001-01-01\"", "\"0001-01-01T00:00:00-14:00\"", "\"2999-01-01T00:00:00Z\"", "\"2023-02-29\"", "\"29/02/2023\"", "\"2026-01-31\"", "\"A\"", "\"B\"", "\"a,b\"",
    ];

    private int sent;

    public Random Random { get; } = new(seed);

    /// <summary>Of all refusals.</summary>
    public HashSet<string> Codes { get; } = [];

    public int Taken { get; private set; }

    public int Refused { get; private set; }

    public string Mutate(string body)
    {
        sent++;
        for (var mutation = Random.Next(1, 4); mutation > 0; mutation--)
        {
            switch (Random.Next(8))
            {
                case < 5:
                    // Another value for some member.
                    var members = Member().Matches(body);
                    if (members.Count > 0)
                    {
                        var value = members[Random.Next(members.Count)].Groups["value"];
                        body = string.Concat(body.AsSpan(0, value.Index), values[Random.Next(values.Length)], body.AsSpan(value.Index + value.Length));
                    }

                    break;
                case 5:
                    body = body.Replace(names[Random.Next(names.Length)], otherNames[Random.Next(otherNames.Length)]);
                    break;
                case 6:
                    var text = new StringBuilder(body);
                    var at = Random.Next(text.Length);
                    text.Remove(at, Math.Min(Random.Next(1, 12), text.Length - at));
                    body = text.ToString();
                    break;
                default:
                    var from = Random.Next(body.Length);
                    body = body.Insert(Random.Next(body.Length), body.Substring(from, Random.Next(body.Length - from)));
                    break;
            }
        }

        return body;
    }

    /// <summary>Nothing is the service's own fault, and every refusal has a code and says nothing of how the service is made.</summary>
    /// <returns>True when it was taken.</returns>
    public bool Judge(ApiAnswer answer, string body, out string about)
    {
        about = $"seed {seed}, body {sent}: {body}\n{answer.Text}";
        answer.Status.ShouldBeLessThan(500, about);
        if (answer.Status < 400)
        {
            Taken++;
            return true;
        }

        Refused++;
        var code = answer["code"].GetString().ShouldNotBeNull(about);
        code.ShouldContain('.', about);
        Codes.Add(code);
        answer.Text.ShouldNotContain("System.", Case.Sensitive, about);
        answer.Text.ShouldNotContain("XenoCrm", Case.Sensitive, about);
        return false;
    }

    [GeneratedRegex("""
        "\w+":\s(?<value>"[^"]*"|[-+.\w]+|\[[^\]]*\]|\{[^}]*\})
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace, 1000)]
    private static partial Regex Member();
}
