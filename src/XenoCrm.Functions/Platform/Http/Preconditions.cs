using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

public static class Preconditions
{
    /// <summary>The If-Match header's ETag, or null when absent or <c>*</c>.</summary>
    public static string? IfMatch(this HttpRequest request) =>
        request.Headers.IfMatch.ToString() is { Length: > 0 } value and not "*" ? value : null;

    /// <summary>As <see cref="IfMatch"/>, where a blind write is not allowed: absent is 428.</summary>
    public static string RequireIfMatch(this HttpRequest request) =>
        request.Headers.IfMatch.ToString() is { Length: > 0 } value ? value : throw new ETagRequired().ToException();
}
