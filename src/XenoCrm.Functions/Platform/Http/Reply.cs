using Microsoft.AspNetCore.Http;

namespace XenoCrm.Platform.Http;

/// <summary>An answer that says where what was made is.</summary>
public interface ILocatedResult : IResult
{
    string? Location { get; }
}

/// <summary>Answers, all with this service's JSON.</summary>
public static class Reply
{
    public static IResult Ok<T>(T value, string? etag = null) => new JsonReply<T>(200, value, etag, null);

    public static IResult Created<T>(string location, T value, string? etag = null) => new JsonReply<T>(201, value, etag, location);

    /// <summary>The work goes on after the answer.</summary>
    public static IResult Accepted<T>(T value, string? etag = null) => new JsonReply<T>(202, value, etag, null);

    public static IResult Status<T>(int status, T value) => new JsonReply<T>(status, value, null, null);

    public static IResult NoContent() => Results.NoContent();

    private sealed class JsonReply<T>(int status, T value, string? etag, string? location) : ILocatedResult
    {
        public string? Location => location;

        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (etag is not null)
            {
                httpContext.Response.Headers.ETag = etag;
            }

            if (location is not null)
            {
                httpContext.Response.Headers.Location = location;
            }

            return Results.Json(value, Json.Options, statusCode: status).ExecuteAsync(httpContext);
        }
    }
}

/// <summary>One page of a list.</summary>
/// <param name="Next">Send it as <c>cursor</c> for the next page; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
