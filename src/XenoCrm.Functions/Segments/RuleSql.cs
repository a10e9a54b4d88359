using System.Text;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>
/// Collects a condition over the alias <c>c</c>. Values become parameters; only names that the rule's author chose
/// (categories, attributes) get into the text, as escaped string literals.
/// </summary>
public sealed class RuleSql
{
    private readonly Dictionary<string, object?> parameters = [];

    public StringBuilder Text { get; } = new();

    /// <summary>Adds a parameter and returns its name.</summary>
    public string Add(object value)
    {
        var name = $"@r{parameters.Count}";
        parameters.Add(name, value);
        return name;
    }

    public CustomerFilter ToFilter() => new(Text.ToString(), parameters);

    /// <summary>
    /// A property with any name: <c>c.categories["Home \u0026 Garden"]</c>. All but plain ASCII is escaped, so neither quotes
    /// nor line ends nor the encoding of the text matter.
    /// </summary>
    public static string Property(string of, string name)
    {
        var text = new StringBuilder(of).Append("[\"");
        foreach (var c in name)
        {
            if (char.IsAsciiLetterOrDigit(c) || c is ' ' or '_' or '-' or '.')
            {
                text.Append(c);
            }
            else
            {
                text.Append($"\\u{(int)c:x4}");
            }
        }

        return text.Append("\"]").ToString();
    }
}
