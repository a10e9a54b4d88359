using System.Globalization;

namespace XenoCrm.Platform;

/// <summary>Ids that sort by the time they were made.</summary>
public sealed class Ids(TimeProvider clock)
{
    /// <summary>A UUIDv7 as 32 hex digits.</summary>
    public string New() => Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");

    /// <summary>
    /// Whether there can be anything under an id that somebody sent. Some characters no id has, and the database refuses to look
    /// for one with them. The longest are those of orders: a customer's id and a number of which every character may be escaped.
    /// </summary>
    public static bool CanBe(string id) => id.Length is > 0 and <= 512 && id is not ("." or "..") && id[0] != ' ' && id[^1] != ' ' && !id.Any(c => c is '/' or '\\' or '?' or '#' or '%' || char.IsControl(c));

    /// <summary>When an id of <see cref="New"/> was made, to the millisecond; null when it is none.</summary>
    public static DateTimeOffset? TimeOf(string id) =>
        id.Length == 32 && id[12] == '7' && long.TryParse(id.AsSpan(0, 12), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var time)
        && time <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(time) : null;
}
