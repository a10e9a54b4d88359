using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Platform.Idempotency;

public sealed class IdempotencyOptions
{
    public const string Section = "Idempotency";

    /// <summary>So long after the last sign of life a request counts as abandoned, and a repetition carries it out.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>So long a repetition waits for the answer to the first before it is told to come again (409).</summary>
    public TimeSpan Wait { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// Carries a request with an <c>Idempotency-Key</c> out once. The request is stored before its effect, with the id that the effect
/// is made under; the answer is stored before it is given. So:
/// <list type="bullet">
/// <item>of any number at once one carries it out, and the others wait for its answer;</item>
/// <item>when that one dies (its lease ends), the next goes on under the same effect id: what was made already is found under it;</item>
/// <item>when it was only slow, both run under one effect id, and the answer that was stored first is everybody's;</item>
/// <item>a refusal (4xx) has no effect and is not kept: the key is free again. After a failure (5xx) the effect id stays.</item>
/// </list>
/// </summary>
public sealed class IdempotentRequests(StoredRequests requests, IOptions<IdempotencyOptions> options, IOptions<SigningOptions> signing, Ids ids, TimeProvider clock)
{
    /// <summary>An item holds 2 MB, and base64 takes a third more. No answer of today comes near it.</summary>
    private const int MaxKeptBytes = 1024 * 1024;

    private readonly byte[] secret = SHA256.HashData(Encoding.UTF8.GetBytes("idempotency:" + signing.Value.Key));

    /// <returns>Null when the request has no key.</returns>
    public RequestKey? KeyOf(HttpContext http, string function) => RequestKey.Of(http.Request, secret, $"{http.PrincipalId()}\n{function}");

    /// <param name="carryOut">Has the effect, under <see cref="EffectIds.EffectId"/>.</param>
    public async Task<IResult> RunAsync(HttpContext http, RequestKey key, int maxBodyBytes, Func<Task<IResult>> carryOut)
    {
        var cancellation = http.RequestAborted;
        var body = await http.Request.ReadBytesAsync(maxBodyBytes, cancellation);
        http.Request.Body = new MemoryStream(body.ToArray(), writable: false);

        var wanted = new StoredRequest(key.Id, ids.New(), key.Fingerprint(http.Request, body.Span), http.Request.Path, clock.GetUtcNow() + options.Value.Lease);
        var claimed = await ClaimAsync(wanted, cancellation);
        return claimed.Value.Sealed is { } known ? new StoredReply(key.Open(known), isReplay: true) : await CarryOutAsync(http, key, claimed, carryOut);
    }

    /// <returns>The request as it is stored: with its answer, or for this caller to carry out.</returns>
    private async Task<Versioned<StoredRequest>> ClaimAsync(StoredRequest wanted, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        for (var pause = 20; ; pause = Math.Min(pause * 3 / 2, 500))
        {
            if (await requests.TryCreateAsync(wanted, cancellation) is { } created)
            {
                return new(wanted, created);
            }

            // Until it is gone, which it only is when it was refused.
            while (await requests.ReadAsync(wanted.Id, cancellation) is { } stored)
            {
                if (stored.Value.Fingerprint != wanted.Fingerprint)
                {
                    throw new IdempotencyKeyReused().ToException();
                }

                if (stored.Value.Sealed is not null)
                {
                    return stored;
                }

                if (stored.Value.LeaseUntil <= clock.GetUtcNow())
                {
                    var taken = stored.Value with { LeaseUntil = clock.GetUtcNow() + options.Value.Lease };
                    if (await requests.TryReplaceAsync(taken, stored.ETag, cancellation) is { } etag)
                    {
                        return new(taken, etag);
                    }
                }

                if (clock.GetElapsedTime(started) > options.Value.Wait)
                {
                    throw new RequestInProgress { RetryAfterSeconds = 2 }.ToException();
                }

                await Task.Delay(TimeSpan.FromMilliseconds(pause), clock, cancellation);
                pause = Math.Min(pause * 3 / 2, 500);
            }
        }
    }

    private async Task<IResult> CarryOutAsync(HttpContext http, RequestKey key, Versioned<StoredRequest> claimed, Func<Task<IResult>> carryOut)
    {
        await using var lease = new RequestLease(requests, claimed, options.Value.Lease, clock);
        RequestKey.SetEffectId(http, claimed.Value.EffectId);
        StoredAnswer answer;
        try
        {
            answer = await CaptureAsync(http, await carryOut());
        }
        catch (ProblemException exception) when (exception.Problem.Status < 500)
        {
            await lease.DropAsync();
            throw;
        }
        catch
        {
            await lease.ReleaseAsync();
            throw;
        }

        if (answer.Status >= 400)
        {
            await lease.DropAsync();
            return new StoredReply(answer, isReplay: false);
        }

        var kept = answer.Body?.Length > MaxKeptBytes ? answer with { Body = null } : answer;
        return await lease.CompleteAsync(key.Seal(kept), answer.Location) is { } others
            ? new StoredReply(key.Open(others), isReplay: true)
            : new StoredReply(answer, isReplay: false);
    }

    private static async Task<StoredAnswer> CaptureAsync(HttpContext http, IResult result)
    {
        var response = http.Response;
        var body = response.Body;
        using var written = new MemoryStream();
        response.Body = written;
        try
        {
            await result.ExecuteAsync(http);
            await response.BodyWriter.FlushAsync(http.RequestAborted);
        }
        finally
        {
            response.Body = body;
        }

        return new(response.StatusCode, Text(response.Headers.Location), Text(response.Headers.ETag), response.ContentType, written.ToArray());
    }

    private static string? Text(Microsoft.Extensions.Primitives.StringValues header) => header.Count == 0 ? null : header.ToString();

    private sealed class StoredReply(StoredAnswer answer, bool isReplay) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = answer.Status;
            response.ContentType = answer.ContentType;
            response.Headers.Location = answer.Location;
            response.Headers.ETag = answer.ETag;
            if (isReplay)
            {
                response.Headers["Idempotency-Replayed"] = "true";
            }

            if (answer.Body is { Length: > 0 } body)
            {
                await response.Body.WriteAsync(body, httpContext.RequestAborted);
            }
        }
    }
}
