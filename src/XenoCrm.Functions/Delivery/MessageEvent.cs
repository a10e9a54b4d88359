using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace XenoCrm.Delivery;

/// <summary>Stored as numbers.</summary>
public enum MessageEventKind
{
    Opened = 1,
    Clicked = 2,
    Unsubscribed = 3,
    Complained = 4,
}

/// <summary>Something a recipient, or a program in front of them, did with a message.</summary>
/// <param name="At">Milliseconds since the batch was created.</param>
/// <param name="Agent">The user agent, cut to <see cref="MaxAgent"/>, where we saw the request ourselves (empty when it had none); null: a vendor reported it.</param>
/// <param name="Link">Which link was clicked.</param>
/// <param name="Machine">The vendor says that it was no person.</param>
public sealed record MessageEvent(
    [property: JsonPropertyName("k"), JsonConverter(typeof(JsonNumberEnumConverter<MessageEventKind>))] MessageEventKind Kind,
    [property: JsonPropertyName("t")] long At,
    [property: JsonPropertyName("u")] string? Agent = null,
    [property: JsonPropertyName("l")] string? Link = null,
    [property: JsonPropertyName("m"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Machine = false)
{
    public const int MaxAgent = 160;

    /// <summary>Of one message. What comes later says nothing new, and a batch must stay small.</summary>
    private const int MaxKept = 30;

    /// <summary>48 bits of the address's hash: enough to tell the links of a message apart.</summary>
    public static string LinkOf(string url) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(url)).AsSpan(0, 6));

    /// <summary>
    /// The earliest of the union. A set and its least members care about neither order nor repetition, so a receipt that
    /// comes late or twice changes nothing (compare <see cref="Ledger.Fold"/>).
    /// </summary>
    public static IReadOnlyList<MessageEvent>? Add(IReadOnlyList<MessageEvent>? known, MessageEvent? added)
    {
        if (added is null || known?.Contains(added) == true)
        {
            return known;
        }

        var all = new List<MessageEvent>((known?.Count ?? 0) + 1);
        all.AddRange(known ?? []);
        all.Add(added);
        all.Sort(Compare);
        if (all.Count <= MaxKept)
        {
            return all;
        }

        return ReferenceEquals(all[MaxKept], added) ? known : all.GetRange(0, MaxKept);
    }

    private static int Compare(MessageEvent a, MessageEvent b)
    {
        var order = a.At.CompareTo(b.At);
        order = order != 0 ? order : a.Kind.CompareTo(b.Kind);
        order = order != 0 ? order : string.CompareOrdinal(a.Link, b.Link);
        order = order != 0 ? order : string.CompareOrdinal(a.Agent, b.Agent);
        return order != 0 ? order : a.Machine.CompareTo(b.Machine);
    }
}
