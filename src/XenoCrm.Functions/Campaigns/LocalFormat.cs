using System.Collections.Concurrent;
using System.Globalization;
using XenoCrm.Platform;

namespace XenoCrm.Campaigns;

/// <summary>Numbers, amounts and days as the readers of a language write them.</summary>
public sealed class LocalFormat
{
    private static readonly ConcurrentDictionary<string, LocalFormat> ByLanguage = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Currency symbols by ISO code: from the region that uses the currency and shares its first letters, if there is one.</summary>
    private static readonly Lazy<Dictionary<string, string>> Symbols = new(() => CultureInfo.GetCultures(CultureTypes.SpecificCultures)
        .Where(c => c.Name.Length > 0).Select(c => new RegionInfo(c.Name))
        .GroupBy(r => r.ISOCurrencySymbol)
        .ToDictionary(g => g.Key, g => g
            .OrderByDescending(r => g.Key.StartsWith(r.TwoLetterISORegionName, StringComparison.Ordinal))
            .ThenBy(r => r.CurrencySymbol.Length).ThenBy(r => r.Name, StringComparer.Ordinal).First().CurrencySymbol));

    private readonly CultureInfo culture;
    private readonly string longDay;

    private LocalFormat(CultureInfo culture)
    {
        this.culture = culture;
        longDay = WithoutWeekday(culture.DateTimeFormat.LongDatePattern);
    }

    /// <param name="language">BCP 47; of what nobody knows, the neutral form is taken.</param>
    public static LocalFormat Of(string language) => ByLanguage.GetOrAdd(language, name => new(Find(name)));

    public string Number(decimal value) => value.ToString("#,##0.######", culture);

    public string Currency(decimal amount, string currency)
    {
        var format = (NumberFormatInfo)culture.NumberFormat.Clone();
        format.CurrencySymbol = Symbols.Value.GetValueOrDefault(currency, currency);
        format.CurrencyDecimalDigits = Money.Digits(currency);
        return amount.ToString("C", format);
    }

    /// <param name="style"><c>short</c>: 03/02/2026; <c>full</c>: with the weekday; else the long form without it.</param>
    public string Day(DateOnly day, string? style) => style switch
    {
        "short" => day.ToString(culture.DateTimeFormat.ShortDatePattern, culture),
        "full" => day.ToString(culture.DateTimeFormat.LongDatePattern, culture),
        _ => day.ToString(longDay, culture),
    };

    private static CultureInfo Find(string name)
    {
        try
        {
            var known = CultureInfo.GetCultureInfo(name, predefinedOnly: true);
            return known.IsNeutralCulture ? CultureInfo.CreateSpecificCulture(name) : known;
        }
        catch (CultureNotFoundException)
        {
            return CultureInfo.InvariantCulture;
        }
    }

    private static string WithoutWeekday(string pattern)
    {
        var at = pattern.IndexOf("dddd", StringComparison.Ordinal);
        return at < 0 ? pattern : (pattern[..at] + pattern[(at + 4)..].TrimStart(',', ' ', '،')).Trim(',', ' ');
    }
}
