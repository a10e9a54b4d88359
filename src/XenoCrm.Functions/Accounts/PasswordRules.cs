using System.Text;

namespace XenoCrm.Accounts;

/// <summary>
/// What a password must be: long, and not among the first that are guessed. No rules about kinds of characters: they
/// lead to "Password1!" (NIST SP 800-63B).
/// </summary>
public static class PasswordRules
{
    public const int MinLength = 12;
    public const int MaxLength = 200;

    /// <summary>
    /// Common ones that are long enough, by their letters: signs and digits around them, capitals and the usual
    /// replacements (@ for a, 0 for o) do not make them others. The sample's is among them.
    /// </summary>
    private static readonly HashSet<string> Common = new(StringComparer.Ordinal)
    {
        "password", "passwordpassword", "mypassword", "newpassword", "defaultpassword", "temppassword", "passwort", "motdepasse", "contrasena",
        "administrator", "administration", "adminadmin", "superadmin", "localadmin", "superuser", "letmein", "letmeinnow", "letmeinplease", "openup", "opensesame",
        "welcome", "welcomehome", "welcomeback", "changeme", "changemenow", "changethis", "iloveyou", "iloveyousomuch", "qwerty", "qwertyuiop", "qwertyqwerty",
        "qwertyuiopasdf", "asdfghjkl", "asdfghjklqwe", "zxcvbnm", "zxcvbnmasdf", "qazwsx", "qazwsxedc", "qazwsxedcrfv", "monkey", "dragon", "sunshine", "football",
        "baseball", "superman", "princess", "starwars", "trustno", "whatever", "correcthorsebatterystaple", "thequickbrownfox", "secret", "topsecret", "supersecret",
        "xenocrm", "xenocrmadmin", "xeno", "customer", "company", "business", "summer", "winter", "spring", "autumn",
    };

    /// <returns>What is wrong with it; nothing when it may be used.</returns>
    public static IReadOnlyList<string> Check(string password, string email, string name)
    {
        var errors = new List<string>();
        if (password.Length is < MinLength or > MaxLength)
        {
            errors.Add($"It must have {MinLength} to {MaxLength} characters.");
        }

        string[] readings = [Letters(password), Letters(Plain(password))];
        if (readings.Any(r => r.Length > 0 && (r == Letters(email) || r == Letters(email.Split('@')[0]) || r == Letters(name))))
        {
            errors.Add("It must not be the email or the name, whatever is put around it.");
        }

        if (readings.Any(Common.Contains) || IsPattern(password))
        {
            errors.Add("It is one of the first that are guessed.");
        }

        return errors;
    }

    /// <summary>One character or a short text again and again, or a run such as 123456789012.</summary>
    private static bool IsPattern(string password)
    {
        for (var length = 1; length <= Math.Min(4, password.Length / 2); length++)
        {
            if (password.Select((c, i) => c == password[i % length]).All(same => same))
            {
                return true;
            }
        }

        return password.Length > 1
            && (Enumerable.Range(1, password.Length - 1).All(i => IsNext(password[i - 1], password[i])) || Enumerable.Range(1, password.Length - 1).All(i => IsNext(password[i], password[i - 1])));
    }

    private static bool IsNext(char a, char b) => b == a + 1 || (a, b) is ('9', '0') or ('9', '1') or ('0', '9');

    private static string Plain(string text)
    {
        // Digits at the ends are a year or a number; those within stand for letters.
        var trimmed = text.AsSpan().Trim("0123456789!?.,;:-_#*+&%/()=\"' ");
        var plain = new StringBuilder(trimmed.Length);
        foreach (var c in trimmed)
        {
            plain.Append(c switch { '@' or '4' => 'a', '3' => 'e', '1' or '!' => 'i', '0' => 'o', '$' or '5' => 's', '7' => 't', _ => c });
        }

        return plain.ToString();
    }

    private static string Letters(string text) => string.Concat(text.Where(char.IsLetter)).ToLowerInvariant();
}
