using System.Text.RegularExpressions;

namespace XenoCrm.Delivery;

/// <summary>
/// What a vendor says about a message may name whom it was for (<c>550 no such user maria@example.org</c>). Batches are kept
/// after a person is erased, so that is not stored.
/// </summary>
internal static partial class ReasonText
{
    public static string? WithoutAddresses(string? reason)
    {
        // Most are codes such as not_taken or 30003.
        if (reason is null || (!reason.Contains('@', StringComparison.Ordinal) && reason.Count(char.IsDigit) < 7))
        {
            return reason;
        }

        return Number().Replace(Email().Replace(reason, "(address)"), "(number)");
    }

    [GeneratedRegex("""[^\s<>()\[\]"',;:]+@[^\s<>()\[\]"',;:]+""", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Email();

    /// <summary>Seven digits or more, however they are grouped. Not the parts of <c>5.1.1</c>: a point between single digits groups nothing.</summary>
    [GeneratedRegex("""\+?\d(?:[\s()/-]{0,2}\d){6,}|\+?\d{2,}(?:\.\d{2,}){2,}""", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Number();
}
