using System.Buffers;

namespace XenoCrm.Campaigns;

public enum SmsEncoding
{
    /// <summary>7 bits a character (3GPP TS 23.038, default alphabet and its extension).</summary>
    Gsm7,

    /// <summary>16 bits: one character outside of the GSM alphabet makes all of them so.</summary>
    Ucs2,
}

/// <param name="Units">Septets or UTF-16 units: what the limits count.</param>
/// <param name="Parts">What the vendor charges for.</param>
/// <param name="Left">Units that fit into the last part.</param>
public sealed record SmsSize(SmsEncoding Encoding, int Units, int Parts, int Left);

/// <summary>How a text is cut into SMS parts: 160 or 70 units when it fits into one, 153 or 67 in each of several.</summary>
public static class SmsText
{
    /// <summary>Vendors refuse longer ones.</summary>
    public const int MaxParts = 10;

    private static readonly SearchValues<char> Basic = SearchValues.Create(
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");

    /// <summary>Preceded by an escape: two septets each.</summary>
    private static readonly SearchValues<char> Extension = SearchValues.Create("\f^{}\\[~]|€");

    public static SmsSize Measure(string text)
    {
        var septets = 0;
        foreach (var c in text)
        {
            if (Basic.Contains(c))
            {
                septets++;
            }
            else if (Extension.Contains(c))
            {
                septets += 2;
            }
            else
            {
                return Cut(text, SmsEncoding.Ucs2, text.Length, 70, 67, static (t, i) => char.IsHighSurrogate(t[i]) && i + 1 < t.Length ? 2 : 1);
            }
        }

        return Cut(text, SmsEncoding.Gsm7, septets, 160, 153, static (t, i) => Extension.Contains(t[i]) ? 2 : 1);
    }

    /// <param name="widthAt">Units of the character that begins there; a character is never cut in two.</param>
    private static SmsSize Cut(string text, SmsEncoding encoding, int units, int single, int several, Func<string, int, int> widthAt)
    {
        if (units <= single)
        {
            return new(encoding, units, 1, single - units);
        }

        int parts = 1, used = 0;
        for (var i = 0; i < text.Length;)
        {
            var width = widthAt(text, i);
            if (used + width > several)
            {
                parts++;
                used = 0;
            }

            used += width;
            i += encoding == SmsEncoding.Ucs2 ? width : 1;
        }

        return new(encoding, units, parts, several - used);
    }
}
