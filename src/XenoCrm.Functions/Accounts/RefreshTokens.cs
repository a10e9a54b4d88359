using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace XenoCrm.Accounts;

/// <summary>
/// Refresh tokens: the session's id, a number, and a code under the signing keys. Nothing of a token is stored, so
/// nothing that is read from the storage can be used as one; and of two requests that come with the same token, both
/// can be told the one that follows it.
/// </summary>
public sealed class RefreshTokens(IOptions<AuthOptions> options)
{
    /// <summary>Derived, so that a code here is never one over something else under the same key.</summary>
    private readonly byte[][] keys =
        [.. options.Value.SigningKeys.Select(k => HMACSHA256.HashData(Convert.FromBase64String(k.Key), "refresh"u8))];

    public string Write(string sessionId, int generation) => $"{sessionId}.{generation}.{Code(keys[0], sessionId, generation)}";

    /// <returns>Null when it was not written here, or under a key that is not in use any more.</returns>
    public (string SessionId, int Generation)? Read(string token)
    {
        if (token.Length > 200 || token.Split('.') is not [{ Length: > 0 } session, var number, var code]
            || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var generation))
        {
            return null;
        }

        var given = Encoding.UTF8.GetBytes(code);
        return keys.Any(k => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Code(k, session, generation)), given)) ? (session, generation) : null;
    }

    private static string Code(byte[] key, string sessionId, int generation) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{sessionId}.{generation}")));
}
