namespace XenoCrm.Platform;

/// <summary>
/// Money is counted in minor units of its currency (cents), so that sums are exact, and shown in major units.
/// </summary>
public static class Money
{
    /// <summary>Decimal digits of the currency's minor unit (ISO 4217): 2 unless listed.</summary>
    public static int Digits(string currency) => currency.ToUpperInvariant() switch
    {
        "BIF" or "CLP" or "DJF" or "GNF" or "ISK" or "JPY" or "KMF" or "KRW" or "PYG" or "RWF" or "UGX" or "UYI" or "VND" or "VUV" or "XAF" or "XOF" or "XPF" => 0,
        "BHD" or "IQD" or "JOD" or "KWD" or "LYD" or "OMR" or "TND" => 3,
        _ => 2,
    };

    /// <summary>Rounds half to even at the currency's precision.</summary>
    /// <exception cref="OverflowException">The amount does not fit in 64 bits.</exception>
    public static long ToMinor(decimal major, string currency) =>
        decimal.ToInt64(decimal.Round(major * Scale(currency), 0, MidpointRounding.ToEven));

    public static decimal ToMajor(long minor, string currency)
    {
        var digits = Digits(currency);
        return new decimal((int)(Math.Abs(minor) & 0xFFFFFFFF), (int)(Math.Abs(minor) >> 32), 0, minor < 0, (byte)digits);
    }

    private static decimal Scale(string currency) => Digits(currency) switch { 0 => 1m, 3 => 1000m, _ => 100m };
}
