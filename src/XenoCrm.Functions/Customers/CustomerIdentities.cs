using System.Buffers;
using System.Globalization;
using System.Text;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>
/// The keys by which a customer is found: items of the container <c>identities</c> whose id is the key, so that a key is
/// unique over all partitions and is looked up with a point read.
/// </summary>
public static class CustomerIdentities
{
    public const string ContainerName = "identities";

    public static readonly ContainerDefinition Definition = new(ContainerName, "/id", [], [], DefaultTtlSeconds: -1);

    private static readonly SearchValues<char> Reserved = SearchValues.Create("/\\?#%~");

    /// <summary>Exactly as given: other systems tell <c>a1</c> from <c>A1</c>.</summary>
    public static string External(string externalId) => "external:" + Escape(externalId);

    /// <summary>Two spellings that differ in case only are one mailbox everywhere that matters.</summary>
    public static string Email(string email) => "email:" + Escape(email.ToLowerInvariant());

    /// <param name="e164">Only numbers that are certain identify anyone.</param>
    public static string Phone(string e164) => "phone:" + e164;

    public static string? ExternalOf(Customer c) => c.ExternalId is { } id ? External(id) : null;

    public static string? EmailOf(Customer c) => c.Email is { } email ? Email(email) : null;

    public static string? PhoneOf(Customer c) => c is { PhoneUsable: true, Phone: { } phone } ? Phone(phone) : null;

    public static IEnumerable<string> Of(Customer c) => new[] { ExternalOf(c), EmailOf(c), PhoneOf(c) }.OfType<string>();

    /// <summary>True when the customer carries the key's value.</summary>
    internal static bool Lists(Customer c, string key) => key[0] switch
    {
        'e' when key[1] == 'x' => ExternalOf(c) == key,
        'e' => EmailOf(c) == key,
        _ => PhoneOf(c) == key,
    };

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
