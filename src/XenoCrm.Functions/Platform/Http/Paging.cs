using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>Keys that the service signs its own tokens with (cursors, links). Not the login tokens' keys.</summary>
public sealed class SigningOptions
{
    public const string Section = "Signing";

    /// <summary>Base64, at least 32 bytes. Changing it invalidates cursors and links handed out.</summary>
    public string Key { get; set; } = "";
}

/// <summary>Where a list goes on. Opaque and signed, so that what is inside can be trusted when it returns.</summary>
public sealed class Cursors(IOptions<SigningOptions> options)
{
    private readonly byte[] key = SHA256.HashData(Encoding.UTF8.GetBytes("cursor:" + options.Value.Key));

    /// <param name="list">Names the list and its filters: a cursor of another list is refused.</param>
    public string Protect(string list, string position)
    {
        var text = Encoding.UTF8.GetBytes(position);
        return Base64Url.EncodeToString([.. Sign(list, text), .. text]);
    }

    public string Unprotect(string list, string cursor)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(cursor);
            if (bytes.Length > 16 && CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, 16), Sign(list, bytes.AsSpan(16))))
            {
                return Encoding.UTF8.GetString(bytes, 16, bytes.Length - 16);
            }
        }
        catch (FormatException)
        {
        }

        throw new CursorInvalid().ToException();
    }

    private byte[] Sign(string list, ReadOnlySpan<byte> position)
    {
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(key, [.. Encoding.UTF8.GetBytes(list), 0, .. position], mac);
        return mac[..16].ToArray();
    }
}

/// <summary><c>?limit=50&amp;cursor=…</c></summary>
/// <param name="Position">What the last page's <see cref="Cursors.Protect"/> was given; null on the first page.</param>
public sealed record PageRequest(int Limit, string? Position)
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 200;

    public static PageRequest From(HttpRequest request, Cursors cursors, string list)
    {
        var limit = DefaultLimit;
        if (request.Query["limit"].ToString() is { Length: > 0 } text && (!int.TryParse(text, out limit) || limit is < 1 or > MaxLimit))
        {
            throw RequestInvalid.At("/limit", $"A whole number from 1 to {MaxLimit} is expected.").ToException();
        }

        return new(limit, request.Query["cursor"].ToString() is { Length: > 0 } cursor ? cursors.Unprotect(list, cursor) : null);
    }

    /// <summary>The page, out of one item more than it has room for: that one says that there is a next page.</summary>
    /// <param name="position">Where the list goes on after an item.</param>
    public Page<TView> Of<T, TView>(IReadOnlyList<T> found, Cursors cursors, string list, Func<T, TView> view, Func<T, string> position) => new(
        [.. found.Take(Limit).Select(view)],
        found.Count > Limit ? cursors.Protect(list, position(found[Limit - 1])) : null);
}
