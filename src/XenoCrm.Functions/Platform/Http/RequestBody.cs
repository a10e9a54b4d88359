using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentValidation;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>Reads request bodies: bounded, strict, validated, every failure a problem.</summary>
public static class RequestBody
{
    /// <summary>The limit for JSON bodies; uploads have their own.</summary>
    public const int MaxBytes = 1024 * 1024;

    private static readonly object BodyKey = new();

    /// <summary>
    /// Reads and validates a JSON body. Unknown members, wrong types and what the registered
    /// <see cref="IValidator{T}"/> finds are answered with 400 and JSON pointers, all of them at once.
    /// </summary>
    /// <param name="options">Null: <see cref="Json.Strict"/>.</param>
    public static async Task<T> ReadAsync<T>(this HttpRequest request, CancellationToken cancellation, JsonSerializerOptions? options = null)
    {
        if (request.ContentType is not { } type || !type.Contains("json", StringComparison.OrdinalIgnoreCase))
        {
            throw new MediaTypeUnsupported("application/json").ToException();
        }

        var bytes = await request.ReadBytesAsync(MaxBytes, cancellation);
        request.HttpContext.Items[BodyKey] = bytes;
        var settings = options ?? Json.Strict;
        var faults = new BodyFaults();
        var value = Read<T>(bytes.Span, settings, faults);
        if (value is not null && request.HttpContext.RequestServices.GetService<IValidator<T>>() is { } validator)
        {
            faults.Add(await validator.ValidateAsync(value, cancellation));
        }

        faults.ThrowIfAny();
        return value!;
    }

    /// <returns>Null only with faults.</returns>
    private static T? Read<T>(ReadOnlySpan<byte> json, JsonSerializerOptions options, BodyFaults faults)
    {
        try
        {
            try
            {
                return JsonSerializer.Deserialize<T>(json, options) ?? throw new JsonMalformed("The body is null.").ToException();
            }
            catch (JsonException exception) when (TooDeep(json, options.MaxDepth) is null && JsonFaults.Describe(exception) is RequestInvalid)
            {
                try
                {
                    return faults.Read<T>(JsonNode.Parse(json, documentOptions: new() { MaxDepth = options.MaxDepth }), options);
                }
                catch (Exception rest) when (rest is ArgumentException or InvalidOperationException)
                {
                    // A member twice, or half a character: what else there is cannot be told.
                    faults.ThrowIfAny();
                    throw JsonFaults.Describe(exception).ToException();
                }
            }
        }
        catch (JsonException exception)
        {
            throw (TooDeep(json, options.MaxDepth) ?? JsonFaults.Describe(exception)).ToException();
        }
        catch (InvalidOperationException)
        {
            throw JsonFaults.NoText.ToException();
        }
        catch (ArgumentException)
        {
            // How an object that is read as a tree says that a member is there twice, in two cases.
            throw JsonFaults.Twice.ToException();
        }
    }

    /// <summary>The names of the members of the JSON object that was read as the body; null when there was none.</summary>
    public static IReadOnlyList<string>? BodyMembers(this HttpContext http)
    {
        if (http.Items[BodyKey] is not ReadOnlyMemory<byte> bytes)
        {
            return null;
        }

        var names = new SortedSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
            {
                names.Add(reader.GetString()!);
                reader.Skip();
            }
        }

        return names.Count == 0 ? null : [.. names];
    }

    /// <summary>Reads the whole body, at most <paramref name="limit"/> bytes (else 413) in the time of a <see cref="BodyTimer"/> (else 408).</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(this HttpRequest request, int limit, CancellationToken cancellation)
    {
        if (request.ContentLength > limit)
        {
            throw new BodyTooLarge(limit).ToException();
        }

        var timer = new BodyTimer(request, limit);
        var buffer = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 4096) + 1);
        while (true)
        {
            var read = await request.Body.ReadAsync(buffer.GetMemory(), cancellation);
            if (read == 0)
            {
                return buffer.WrittenMemory;
            }

            timer.Check();
            buffer.Advance(read);
            if (buffer.WrittenCount > limit)
            {
                throw new BodyTooLarge(limit).ToException();
            }
        }
    }

    private static JsonTooDeep? TooDeep(ReadOnlySpan<byte> json, int maxDepth)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth >= maxDepth)
                {
                    return new JsonTooDeep(maxDepth, reader.TokenStartIndex);
                }
            }
        }
        catch (JsonException)
        {
            // Malformed before it is too deep.
        }

        return null;
    }
}

/// <summary>
/// How long a body may take in all. The server itself gives up on less than 240 bytes a second; at that rate a body of
/// 1 MB would hold its request for more than an hour. Because of that rate every read ends, so it is enough to look at the
/// clock after each.
/// </summary>
public sealed class BodyTimer
{
    private static readonly TimeSpan OfJson = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan OfFiles = TimeSpan.FromMinutes(5);

    private readonly TimeProvider clock;
    private readonly TimeSpan allowed;
    private readonly long start;

    public BodyTimer(HttpRequest request, int maxBytes)
    {
        clock = request.HttpContext.RequestServices?.GetService<TimeProvider>() ?? TimeProvider.System;
        allowed = maxBytes > RequestBody.MaxBytes ? OfFiles : OfJson;
        start = clock.GetTimestamp();
    }

    /// <exception cref="ProblemException">408.</exception>
    public void Check()
    {
        if (clock.GetElapsedTime(start) > allowed)
        {
            throw new BodyTooSlow().ToException();
        }
    }
}
