using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace XenoCrm.Customers;

/// <summary>
/// Turns what callers and files say into what is stored. The same for every way in, so that the same person is the same
/// customer however the row came.
/// </summary>
public static partial class CustomerNormalizer
{
    public const int MaxText = 200;
    public const int MaxExternalId = 128;
    public const int MaxPhone = 40;
    public const int MaxPostalCode = 20;
    public const int MaxTags = 100;
    public const int MaxTagText = 100;
    public const string TagSeparators = ",;|";
    public const int MaxAttributes = 100;
    internal const string TooManyAttributes = "customer.too_many_attributes";
    public const int MaxAttributeText = 1000;
    public const string AttributeNameRule = "A name is a letter followed by at most 63 letters, digits, '_' or '-'.";
    private const int EarliestBirth = 1870;

    public static readonly IReadOnlyList<string> Channels = ["email", "sms", "whatsapp", "push"];

    /// <param name="issues">Receives what is wrong (then the draft must not be written) and what is doubtful (warnings).</param>
    /// <param name="knownCountry">The customer's country when the input names none: it decides how a phone number is read.</param>
    /// <param name="now">When given, days of birth and consents must not lie after it.</param>
    /// <param name="current">What the input is a change of. A customer may have more than the limits (two were merged): then it only must not grow.</param>
    public static CustomerDraft Normalize(
        CustomerInput input, List<FieldIssue> issues, string? knownCountry = null, DateTimeOffset? now = null, Customer? current = null)
    {
        var country = Text(input.Country, "country", MaxText, issues);
        var phone = Text(input.Phone, "phone", MaxPhone, issues);
        var e164 = phone is null ? null : PhoneNumbers.ToE164(phone, country ?? knownCountry);
        if (phone is not null && e164 is null)
        {
            issues.Add(new("phone", "customer.phone_unusable",
                "The number is kept as given and not used for messages: write it with + and the country code, or name the country.", IsWarning: true));
        }

        var draft = new CustomerDraft
        {
            ExternalId = Text(input.ExternalId, "externalId", MaxExternalId, issues),
            FirstName = Text(input.FirstName, "firstName", MaxText, issues),
            LastName = Text(input.LastName, "lastName", MaxText, issues),
            Email = Email(input.Email, issues),
            Phone = e164 ?? phone,
            PhoneUsable = e164 is not null,
            City = Text(input.City, "city", MaxText, issues),
            Region = Text(input.Region, "region", MaxText, issues),
            Country = country,
            PostalCode = Text(input.PostalCode, "postalCode", MaxPostalCode, issues),
            Company = Text(input.Company, "company", MaxText, issues),
            Language = Language(input.Language, issues),
            TimeZone = TimeZone(input.TimeZone, issues),
            Birthday = Birthday(input.Birthday, now, issues),
            Tags = Tags(input.Tags, "tags", issues, current?.Tags.Count ?? 0),
            Source = Text(input.Source, "source", MaxText, issues),
            Attributes = Attributes(input.Attributes, issues, current?.Attributes.Count ?? 0),
            Consent = Consent(input.Consent, now, issues),
        };

        if (draft is { ExternalId: null, Email: null, PhoneUsable: false } && !issues.Any(i => !i.IsWarning))
        {
            issues.Add(new("externalId", "customer.identity_missing",
                "An external id, an email address, or a phone number with its country is needed: without one the customer could not be found again."));
        }

        return draft;
    }

    /// <summary>The last word is the last name, unless a comma says otherwise: "Anders, Maria".</summary>
    public static (string? First, string? Last) SplitName(string? name)
    {
        var text = Clean(name);
        if (text is null)
        {
            return (null, null);
        }

        var comma = text.IndexOf(',', StringComparison.Ordinal);
        if (comma >= 0)
        {
            return (Clean(text[(comma + 1)..]), Clean(text[..comma]));
        }

        var space = text.LastIndexOf(' ');
        return space < 0 ? (text, null) : (text[..space], text[(space + 1)..]);
    }

    /// <summary>One address, as RFC 5321 carries it: no comments, no quotes, a dotted domain.</summary>
    public static bool IsEmail(ReadOnlySpan<char> text)
    {
        var at = text.IndexOf('@');
        if (text.Length > 254 || at is < 1 or > 64 || text[(at + 1)..].Contains('@'))
        {
            return false;
        }

        var local = text[..at];
        var domain = text[(at + 1)..];
        if (local[0] == '.' || local[^1] == '.' || local.IndexOf("..") >= 0 || !domain.Contains('.'))
        {
            return false;
        }

        foreach (var c in local)
        {
            if (!(char.IsLetterOrDigit(c) || char.IsSurrogate(c) || "!#$%&'*+-/=?^_`{|}~.".Contains(c)))
            {
                return false;
            }
        }

        foreach (var range in domain.Split('.'))
        {
            var label = domain[range];
            if (label.Length is < 1 or > 63 || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }

            foreach (var c in label)
            {
                if (!(char.IsLetterOrDigit(c) || c == '-'))
                {
                    return false;
                }
            }
        }

        return !char.IsAsciiDigit(domain[^1]);
    }

    private static string? Email(string? value, List<FieldIssue> issues)
    {
        var text = Clean(value);
        if (text is null || IsEmail(text))
        {
            return text;
        }

        issues.Add(new("email", "customer.email_invalid", "This is not an email address."));
        return null;
    }

    private static string? Language(string? value, List<FieldIssue> issues)
    {
        var text = Clean(value)?.Replace('_', '-');
        if (text is null)
        {
            return null;
        }

        if (!LanguageTag().IsMatch(text))
        {
            issues.Add(new("language", "customer.language_invalid", "A BCP 47 language tag is expected, such as 'en' or 'de-CH'."));
            return null;
        }

        // Language lower, script title, region upper case, as BCP 47 recommends: equal tags are then equal text.
        return string.Join('-', text.Split('-').Select((part, i) => (i, part.Length) switch
        {
            (0, _) => part.ToLowerInvariant(),
            (_, 2) => part.ToUpperInvariant(),
            (_, 4) when char.IsAsciiLetter(part[0]) => char.ToUpperInvariant(part[0]) + part[1..].ToLowerInvariant(),
            _ => part.ToLowerInvariant(),
        }));
    }

    private static string? TimeZone(string? value, List<FieldIssue> issues)
    {
        var text = Clean(value);
        if (text is null || (ZoneName().IsMatch(text) && TimeZoneInfo.TryFindSystemTimeZoneById(text, out _)))
        {
            return text;
        }

        issues.Add(new("timeZone", "customer.time_zone_unknown", "An IANA time zone is expected, such as 'Europe/Zurich'."));
        return null;
    }

    /// <param name="had">So many are never too many.</param>
    internal static List<string>? Tags(IReadOnlyList<string>? values, string field, List<FieldIssue> issues, int had = 0)
    {
        if (values is null)
        {
            return null;
        }

        var tags = new List<string>(values.Count);
        foreach (var value in values)
        {
            if (value is not null && value.AsSpan().IndexOfAny(TagSeparators) >= 0)
            {
                issues.Add(new(field, "customer.tag_invalid", "A tag has no comma, semicolon or bar: these separate tags in files."));
            }
            else if (Text(value, field, MaxTagText, issues) is { } tag && !tags.Contains(tag, StringComparer.OrdinalIgnoreCase))
            {
                tags.Add(tag);
            }
        }

        if (tags.Count > Math.Max(MaxTags, had))
        {
            issues.Add(new(field, "customer.too_many_tags", $"At most {MaxTags} tags are kept."));
        }

        return tags;
    }

    private static Dictionary<string, JsonElement>? Attributes(IReadOnlyDictionary<string, JsonElement>? values, List<FieldIssue> issues, int had)
    {
        if (values is null)
        {
            return null;
        }

        var attributes = new Dictionary<string, JsonElement>(values.Count);
        foreach (var (name, value) in values)
        {
            var field = $"attributes/{name}";
            if (!AttributeSchema.IsKey(name))
            {
                issues.Add(new(field, "customer.attribute_name_invalid", AttributeNameRule));
            }
            else if (!IsAttributeValue(value))
            {
                issues.Add(new(field, "customer.attribute_invalid", $"A string of at most {MaxAttributeText} characters, a number or a boolean is expected."));
            }
            else
            {
                attributes[name] = Trimmed(value);
            }
        }

        if (attributes.Count > Math.Max(MaxAttributes, had))
        {
            issues.Add(new("attributes", TooManyAttributes, $"At most {MaxAttributes} attributes are kept."));
        }

        return attributes;
    }

    /// <summary>Without space around and in Unicode's composed form, as a file would bring it back; nothing is left: no attribute.</summary>
    private static JsonElement Trimmed(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return value;
        }

        var text = value.GetString()!;
        var trimmed = text.Trim();
        trimmed = trimmed.Contains('\0', StringComparison.Ordinal) ? trimmed.Replace('\0', ' ').Trim() : trimmed;
        trimmed = trimmed.IsNormalized() ? trimmed : trimmed.Normalize();
        return trimmed.Length == 0 ? JsonElement.Parse("null") : trimmed == text ? value : JsonSerializer.SerializeToElement(trimmed);
    }

    private static DateOnly? Birthday(DateOnly? value, DateTimeOffset? now, List<FieldIssue> issues)
    {
        // A day of some time zone may have begun that has not in UTC.
        if (value is { } day && (day.Year < EarliestBirth || day > DateOnly.FromDateTime((now ?? DateTimeOffset.MaxValue.AddDays(-2)).UtcDateTime.AddDays(1))))
        {
            issues.Add(new("birthday", "customer.birthday_invalid", "A day of birth in the past is expected."));
            return null;
        }

        return value;
    }

    private static bool IsAttributeValue(JsonElement value)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => value.GetString()!.Length <= MaxAttributeText,
                JsonValueKind.Number => double.IsFinite(value.GetDouble()),
                JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => true,
                _ => false,
            };
        }
        catch (InvalidOperationException)
        {
            // A string with half a surrogate pair: well-formed JSON, but no text.
            return false;
        }
    }

    private static IReadOnlyDictionary<string, ConsentInput>? Consent(IReadOnlyDictionary<string, ConsentInput>? values, DateTimeOffset? now, List<FieldIssue> issues)
    {
        Dictionary<string, ConsentInput>? clean = null;
        foreach (var (channel, consent) in values ?? new Dictionary<string, ConsentInput>())
        {
            if (!Channels.Contains(channel))
            {
                issues.Add(new($"consent/{channel}", "customer.channel_unknown", $"The channels are {string.Join(", ", Channels)}."));
            }
            else if (consent is null)
            {
                issues.Add(new($"consent/{channel}", "customer.consent_invalid", "A state is expected: 'granted' or 'withdrawn'."));
            }
            else if (consent.At > now?.AddMinutes(5))
            {
                issues.Add(new($"consent/{channel}/at", "customer.consent_invalid", "A consent is not given in the future."));
            }
            else if (Text(consent.Source, $"consent/{channel}/source", MaxText, issues) != consent.Source)
            {
                (clean ??= new(values!))[channel] = consent with { Source = Clean(consent.Source) };
            }
        }

        return clean ?? values;
    }

    private static string? Text(string? value, string field, int max, List<FieldIssue> issues)
    {
        var text = Clean(value);
        if (text is null || text.Length <= max)
        {
            return text;
        }

        issues.Add(new(field, "customer.text_too_long", $"At most {max} characters are kept here."));
        return null;
    }

    /// <summary>Trimmed, in Unicode's composed form, control characters as spaces; empty is null.</summary>
    private static string? Clean(string? value)
    {
        if (value is null)
        {
            return null;
        }

        var text = value.AsSpan().Trim();
        if (text.IsEmpty)
        {
            return null;
        }

        foreach (var c in text)
        {
            if (c < ' ' || c > '~')
            {
                return CleanUnusual(text);
            }
        }

        return text.Length == value.Length ? value : text.ToString();
    }

    private static string? CleanUnusual(ReadOnlySpan<char> text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // An invalid surrogate enumerates as U+FFFD, which can be stored.
            // A byte order mark, left where files were put together, would make another key of the same letters.
            clean.Append(Rune.IsControl(rune) ? " " : rune.Value == 0xFEFF ? "" : rune.ToString());
        }

        var result = clean.ToString().Trim();
        return result.Length == 0 ? null : result.IsNormalized() ? result : result.Normalize();
    }

    [GeneratedRegex("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex LanguageTag();

    [GeneratedRegex(@"^[A-Za-z]+([/_+\-][A-Za-z0-9]+)*$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ZoneName();

}
