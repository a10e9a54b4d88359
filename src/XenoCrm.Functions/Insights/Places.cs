namespace XenoCrm.Insights;

/// <summary>Countries, their people and their languages, in English. The workspace's own spellings come before these.</summary>
internal static class Places
{
    /// <summary>Code, then names and adjectives.</summary>
    private static readonly string[] Countries =
    [
        "AE|united arab emirates|uae|emirati", "AR|argentina|argentinian", "AT|austria|austrian", "AU|australia|australian", "BD|bangladesh|bangladeshi", "BE|belgium|belgian",
        "BG|bulgaria|bulgarian", "BR|brazil|brazilian", "CA|canada|canadian", "CH|switzerland|swiss", "CL|chile|chilean", "CN|china|chinese", "CO|colombia|colombian",
        "CZ|czechia|czech republic|czech", "DE|germany|german", "DK|denmark|danish", "EG|egypt|egyptian", "ES|spain|spanish", "FI|finland|finnish", "FR|france|french",
        "GB|united kingdom|uk|great britain|britain|british|england|english", "GR|greece|greek", "HK|hong kong", "HR|croatia|croatian", "HU|hungary|hungarian",
        "ID|indonesia|indonesian", "IE|ireland|irish", "IL|israel|israeli", "IN|india|indian", "IT|italy|italian", "JP|japan|japanese", "KE|kenya|kenyan", "KR|south korea|korea|korean",
        "LI|liechtenstein", "LK|sri lanka|sri lankan", "LU|luxembourg", "MX|mexico|mexican", "MY|malaysia|malaysian", "NG|nigeria|nigerian", "NL|netherlands|the netherlands|holland|dutch",
        "NO|norway|norwegian", "NP|nepal|nepalese", "NZ|new zealand", "PH|philippines|filipino", "PK|pakistan|pakistani", "PL|poland|polish", "PT|portugal|portuguese",
        "RO|romania|romanian", "RS|serbia|serbian", "RU|russia|russian", "SA|saudi arabia|saudi", "SE|sweden|swedish", "SG|singapore|singaporean", "SI|slovenia|slovenian",
        "SK|slovakia|slovak", "TH|thailand|thai", "TR|turkey|türkiye|turkish", "TW|taiwan|taiwanese", "UA|ukraine|ukrainian", "US|united states|united states of america|usa|us|america|american|states",
        "VN|vietnam|vietnamese", "ZA|south africa|south african",
    ];

    private static readonly string[] LanguageNames =
    [
        "ar|arabic", "bn|bengali", "bg|bulgarian", "cs|czech", "da|danish", "de|german", "el|greek", "en|english", "es|spanish", "fi|finnish", "fr|french", "gu|gujarati", "he|hebrew",
        "hi|hindi", "hr|croatian", "hu|hungarian", "id|indonesian", "it|italian", "ja|japanese", "kn|kannada", "ko|korean", "ml|malayalam", "mr|marathi", "nl|dutch", "no|norwegian",
        "pa|punjabi", "pl|polish", "pt|portuguese", "ro|romanian", "ru|russian", "sk|slovak", "sl|slovenian", "sr|serbian", "sv|swedish", "ta|tamil", "te|telugu", "th|thai", "tr|turkish",
        "uk|ukrainian", "ur|urdu", "vi|vietnamese", "zh|chinese|mandarin",
    ];

    private static readonly Dictionary<string, string> CountryCodes = Read(Countries);
    private static readonly Dictionary<string, string> LanguageCodes = Read(LanguageNames);
    private static readonly Dictionary<string, string> CountryNames = Countries.ToDictionary(c => c.Split('|')[0], c => Title(c.Split('|')[1]));
    private static readonly Dictionary<string, string> NamesOfLanguages = LanguageNames.ToDictionary(l => l.Split('|')[0], l => Title(l.Split('|')[1]));

    /// <summary>ISO 3166 of a name or an adjective in up to four words; the number of tokens it takes.</summary>
    public static (string Code, int Length)? Country(IReadOnlyList<Token> tokens, int at)
    {
        for (var length = Math.Min(4, tokens.Count - at); length > 0; length--)
        {
            if (CountryCodes.TryGetValue(string.Join(' ', tokens.Skip(at).Take(length).Select(t => t.Text.Replace(".", ""))), out var code))
            {
                return (code, length);
            }
        }

        // In capitals it is a code; "in" and "no" are words.
        return at < tokens.Count && tokens[at].Original.Length == 2 && tokens[at].Original.All(char.IsUpper) && CountryNames.ContainsKey(tokens[at].Original) ? (tokens[at].Original, 1) : null;
    }

    /// <summary>ISO 639 of a language's name.</summary>
    public static string? Language(string word) => LanguageCodes.GetValueOrDefault(word);

    public static string? NameOfCountry(string code) => CountryNames.GetValueOrDefault(code.ToUpperInvariant());

    public static string? NameOfLanguage(string code) => NamesOfLanguages.GetValueOrDefault(code.ToLowerInvariant());

    /// <summary>Whether what a customer has as country means the country with this code.</summary>
    public static bool IsCountry(string stored, string code) =>
        stored.Equals(code, StringComparison.OrdinalIgnoreCase) || (CountryCodes.TryGetValue(stored.ToLowerInvariant(), out var other) && other == code);

    private static Dictionary<string, string> Read(string[] lines) =>
        lines.SelectMany(l => l.Split('|')[1..].Select(name => (name, code: l.Split('|')[0]))).ToDictionary(p => p.name, p => p.code);

    private static string Title(string name) => string.Join(' ', name.Split(' ').Select(w => w is "of" or "the" ? w : char.ToUpperInvariant(w[0]) + w[1..]));
}
