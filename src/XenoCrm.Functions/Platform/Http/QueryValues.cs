using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>Values in the query of a request.</summary>
public static class QueryValues
{
    /// <summary>One of the names of an enum, ignoring case; null when absent. Numbers are no names.</summary>
    public static T? Choice<T>(this HttpRequest request, string name)
        where T : struct, Enum =>
        request.Query[name].ToString() is not { Length: > 0 } text ? null
        : Enum.TryParse<T>(text, ignoreCase: true, out var value) && char.IsLetter(text[0]) && Enum.IsDefined(value) ? value
        : throw RequestInvalid.At("/" + name, "One of " + string.Join(", ", Enum.GetNames<T>().Select(n => char.ToLowerInvariant(n[0]) + n[1..])) + " is expected.").ToException();

    /// <summary>Text; null when absent or empty.</summary>
    public static string? Text(this HttpRequest request, string name) => request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>An IANA time zone; null when absent.</summary>
    public static TimeZoneInfo? Zone(this HttpRequest request, string name) =>
        request.Text(name) is not { } id ? null
        : TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone
        : throw RequestInvalid.At("/" + name, "An IANA time zone is expected, such as Europe/Zurich.").ToException();

    /// <summary>Whether CSV is asked for: by <c>?format=csv</c>, or by the header Accept.</summary>
    public static bool WantsCsv(this HttpRequest request) => request.Text("format") is null or "csv" or "json"
        ? request.AcceptsCsv()
        : throw RequestInvalid.At("/format", "csv or json is expected.").ToException();

    /// <summary>As <see cref="WantsCsv"/>, of any request: what the format is worth is not judged.</summary>
    public static bool AcceptsCsv(this HttpRequest request) => request.Text("format") is { } format
        ? format == "csv"
        : MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted) && accepted.Any(a => a.MediaType.Equals("text/csv", StringComparison.OrdinalIgnoreCase));
}
