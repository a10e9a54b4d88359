namespace XenoCrm.Platform.Errors;

public sealed record RequestInvalid : Problem
{
    public RequestInvalid(IReadOnlyDictionary<string, string[]> errors)
        : base(400, "request.invalid", "The request is invalid", "One or more values are missing or not allowed; see errors.") => Errors = errors;

    public static RequestInvalid At(string pointer, string message) => new(new Dictionary<string, string[]> { [pointer] = [message] });
}

public sealed record JsonMalformed(string Reason)
    : Problem(400, "request.json_malformed", "The body is not valid JSON", Reason);

public sealed record JsonTooDeep(int MaxDepth, long Position)
    : Problem(400, "request.json_too_deep", "The JSON is nested too deep", $"At most {MaxDepth} levels are accepted here; byte {Position} is deeper.");

public sealed record BodyTooLarge(long Limit)
    : Problem(413, "request.too_large", "The body is too large", $"At most {Limit / 1024} KiB are accepted here.");

public sealed record BodyTooSlow()
    : Problem(408, "request.too_slow", "The body came too slowly", "Send it again over a faster connection, or send less at once.");

public sealed record MediaTypeUnsupported(string Expected)
    : Problem(415, "request.media_type", "The media type is not supported", $"Send {Expected}.");

public sealed record CursorInvalid()
    : Problem(400, "request.cursor_invalid", "The cursor is not valid", "Take the cursor from the 'next' member of a former answer, unchanged.");

public sealed record ETagRequired()
    : Problem(428, "request.if_match_required", "If-Match is required", "Read the resource and send its ETag in If-Match.");

public sealed record ETagStale()
    : Problem(412, "request.etag_stale", "The resource has changed", "Someone else changed it since it was read. Read it again and repeat.");

public sealed record RouteNotFound(string Path)
    : Problem(404, "request.route_not_found", "There is nothing here", $"No resource answers to {Path}.");

public sealed record RateLimited()
    : Problem(429, "request.rate_limited", "Too many requests", "Wait for as long as Retry-After says; RateLimit says how many are left.");

public sealed record StorageBusy()
    : Problem(503, "storage.unavailable", "The storage does not answer", "Try again in a moment.");

public sealed record InternalFailure()
    : Problem(500, "internal", "Something went wrong on our side", "The failure is logged under the trace id.");
