using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>A CSV in a request.</summary>
/// <param name="Charset">The encoding that the request names, if it is one that is read.</param>
public sealed record CsvBody(ReadOnlyMemory<byte> Bytes, string? Charset)
{
    private static readonly HashSet<string> CsvTypes = new(StringComparer.OrdinalIgnoreCase)
    {
        "text/csv", "text/plain", "text/tab-separated-values", "application/csv", "application/x-csv", "text/x-csv", "text/comma-separated-values",

        // What Windows browsers say of .csv when Excel is installed, and curl of what it does not know. The content decides.
        "application/vnd.ms-excel", "application/octet-stream",
    };

    /// <summary>The body, or the file part of a multipart body. The size is limited while reading, whatever the header says.</summary>
    public static async Task<CsvBody> ReadAsync(HttpRequest request, int limit, CancellationToken cancellation)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            throw (request.ContentType is null && request.ContentLength is null or 0
                ? new FilePartMissing() : (Problem)new MediaTypeUnsupported("text/csv or multipart/form-data")).ToException();
        }

        var body = type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? await ReadPartAsync(request, type, limit, cancellation)
            : await ReadAsync(request.Body, request.ContentLength, type, limit, new(request, limit), cancellation);
        return body.Bytes.IsEmpty ? throw new FileEmpty().ToException() : body;
    }

    private static async Task<CsvBody> ReadPartAsync(HttpRequest request, MediaTypeHeaderValue type, int limit, CancellationToken cancellation)
    {
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        if (boundary.Length is 0 or > 200)
        {
            throw new MultipartMalformed("The boundary is missing.").ToException();
        }

        // Boundary, part headers and small form fields come on top of the file.
        if (request.ContentLength > limit + (64 * 1024))
        {
            throw new BodyTooLarge(limit).ToException();
        }

        var timer = new BodyTimer(request, limit);
        try
        {
            var reader = new MultipartReader(boundary, request.Body);
            while (await reader.ReadNextSectionAsync(cancellation) is { } section)
            {
                if (ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) && disposition.IsFileDisposition())
                {
                    return await ReadAsync(section.Body, null, MediaTypeHeaderValue.TryParse(section.ContentType, out var partType) ? partType : null, limit, timer, cancellation);
                }
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new MultipartMalformed("It ends before its last boundary, or a part is not well-formed.").ToException();
        }

        throw new FilePartMissing().ToException();
    }

    private static async Task<CsvBody> ReadAsync(Stream body, long? length, MediaTypeHeaderValue? type, int limit, BodyTimer timer, CancellationToken cancellation)
    {
        if (type is not null && !CsvTypes.Contains(type.MediaType.ToString()))
        {
            throw new MediaTypeUnsupported("a CSV (text/csv)").ToException();
        }

        if (length > limit)
        {
            throw new BodyTooLarge(limit).ToException();
        }

        using var bytes = new MemoryStream((int)(length ?? 64 * 1024));
        var buffer = new byte[64 * 1024];
        for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            timer.Check();
            if (bytes.Length + read > limit)
            {
                throw new BodyTooLarge(limit).ToException();
            }

            bytes.Write(buffer, 0, read);
        }

        // A charset that is not known is as good as none: browsers put in what they like, and the bytes decide.
        return new(bytes.ToArray(), CsvFormat.EncodingOf(type?.Charset.ToString().Trim('"') ?? ""));
    }
}
