using System.Buffers;
using System.Globalization;
using System.Text;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>
/// The keys by which a customer is found: items of the container <c>identities</c> whose id is the key, so that a key is
/// unique over all partitions and is looked up with a point read. A key is a hash (<see cref="AddressHasher"/>): no
/// item of the container holds personal data.
/// </summary>
public static class CustomerIdentities
{
    public const string ContainerName = "identities";

    public static readonly ContainerDefinition Definition = new(ContainerName, "/id", [], [], DefaultTtlSeconds: -1);

    private static readonly SearchValues<char> Reserved = SearchValues.Create("/\\?#%~");

    /// <summary>
    /// Cosmos refuses <c>/ \ ? #</c> in ids, and its SDK does not tell <c>a%20b</c> from <c>a b</c>. These, and the escape
    /// itself, become <c>~</c> and two hex digits; everything else stays readable.
    /// </summary>
    public static string Escape(string text)
    {
        if (text.AsSpan().IndexOfAny(Reserved) < 0)
        {
            return text;
        }

        var escaped = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            if (Reserved.Contains(c))
            {
                escaped.Append('~').Append(((int)c).ToString("x2"));
            }
            else
            {
                escaped.Append(c);
            }
        }

        return escaped.ToString();
    }

    /// <summary>Undoes <see cref="Escape"/>; what is not an escape stays as it is.</summary>
    public static string Unescape(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '~' && i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, null, out var code))
            {
                plain.Append((char)code);
                i += 2;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }
}
