namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>
/// The service may answer with a page that has no items and yet a continuation: when a page's time or units are used up
/// before anything was found. Code that takes an empty page for the end works here and fails there; with this switched on,
/// an empty page comes before each page.
/// </summary>
internal static class EmptyPages
{
    private const string Mark = "~";

    /// <summary>True when an empty page is due, with the continuation that leads to the real one.</summary>
    public static bool Due(ref string? continuation)
    {
        if (continuation is not null && continuation.StartsWith(Mark, StringComparison.Ordinal))
        {
            continuation = continuation.Length == Mark.Length ? null : continuation[Mark.Length..];
            return false;
        }

        continuation = Mark + continuation;
        return true;
    }
}
