using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Idempotency;

/// <summary>The <c>Idempotency-Key</c> of a request, and what is derived from it. The key itself is never stored.</summary>
public sealed class RequestKey
{
    public const string Header = "Idempotency-Key";
    public const int MaxLength = 255;

    private static readonly object Item = new();
    private readonly byte[] key;
    private readonly byte[] secret;

    /// <param name="secret">The service's: without it stored answers cannot be read, whoever guesses keys.</param>
    /// <param name="scope">Who asks for what: the same key of somebody else, or for another route, is another.</param>
    private RequestKey(string key, byte[] secret, string scope)
    {
        this.key = Encoding.UTF8.GetBytes(key);
        this.secret = secret;
        Id = Convert.ToHexStringLower(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"{scope}\n{key}")));
    }

    /// <summary>Of the stored request.</summary>
    public string Id { get; }

    /// <returns>Null when the request has no key.</returns>
    public static RequestKey? Of(HttpRequest request, byte[] secret, string scope) => request.Headers[Header] switch
    {
        [] => null,
        [{ Length: > 0 and <= MaxLength } key] when key.All(c => c is > ' ' and < (char)127) => new(key, secret, scope),
        _ => throw new IdempotencyKeyInvalid().ToException(),
    };

    /// <summary>Tells one request from another under the same key, and nothing else about it.</summary>
    public string Fingerprint(HttpRequest request, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Path}\n{request.QueryString}\n{request.ContentType}\n"));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// Answers hold people's data, addresses for uploads and new secrets: who reads the storage reads none of it, because it is
    /// encrypted under the caller's key.
    /// </summary>
    internal byte[] Seal(StoredAnswer answer)
    {
        var plain = JsonSerializer.SerializeToUtf8Bytes(answer, Json.Options);
        var content = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(content.AsSpan(0, NonceBytes));
        using var cipher = Cipher();
        cipher.Encrypt(content.AsSpan(0, NonceBytes), plain, content.AsSpan(NonceBytes + TagBytes), content.AsSpan(NonceBytes, TagBytes));
        return content;
    }

    internal StoredAnswer Open(ReadOnlySpan<byte> content)
    {
        var plain = new byte[content.Length - NonceBytes - TagBytes];
        using var cipher = Cipher();
        cipher.Decrypt(content[..NonceBytes], content[(NonceBytes + TagBytes)..], content.Slice(NonceBytes, TagBytes), plain);
        return JsonSerializer.Deserialize<StoredAnswer>(plain, Json.Options)!;
    }

    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private AesGcm Cipher() => new(HKDF.DeriveKey(HashAlgorithmName.SHA256, key, 32, salt: secret, info: Encoding.UTF8.GetBytes(Id)), TagBytes);

    internal static void SetEffectId(HttpContext http, string effectId) => http.Items[Item] = effectId;

    internal static string? EffectIdOf(HttpContext http) => http.Items[Item] as string;
}

public static class EffectIds
{
    /// <summary>
    /// The id that what this request makes must have, so that running it again after a crash makes nothing twice; null when it
    /// has no <c>Idempotency-Key</c>. Only on functions with <see cref="IdempotentAttribute"/>.
    /// </summary>
    public static string? EffectId(this HttpRequest request) => RequestKey.EffectIdOf(request.HttpContext);
}

public sealed record IdempotencyKeyInvalid()
    : Problem(400, "request.idempotency_key_invalid", "The Idempotency-Key is not valid", $"Send one of 1 to {RequestKey.MaxLength} visible ASCII characters, such as a UUID.");

public sealed record IdempotencyKeyReused()
    : Problem(422, "request.idempotency_key_reused", "The Idempotency-Key belongs to another request", "It was sent with another address, body or content type before. Choose a new key for a new request.");

public sealed record RequestInProgress()
    : Problem(409, "request.in_progress", "The same request is still being carried out", "Its answer is not there yet. Send it again in a moment, with the same key.");
