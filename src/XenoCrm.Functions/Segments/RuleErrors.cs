namespace XenoCrm.Segments;

/// <summary>What is wrong with a rule: JSON pointer → messages, the first <see cref="Max"/>.</summary>
public sealed class RuleErrors
{
    public const int Max = 20;

    /// <summary>In all lists of a rule together: each becomes a parameter of the query.</summary>
    public const int MaxValues = 2000;

    private readonly Dictionary<string, List<string>> messages = [];
    private int count;
    private int values;

    public bool Any => count > 0;

    public void Add(string pointer, string message)
    {
        if (count++ < Max)
        {
            if (!messages.TryGetValue(pointer, out var list))
            {
                messages.Add(pointer, list = []);
            }

            list.Add(message);
        }
    }

    public void CountValues(int added, string pointer)
    {
        if (values <= MaxValues && (values += added) > MaxValues)
        {
            Add(pointer, $"The lists of a rule have at most {MaxValues} values together.");
        }
    }

    public IReadOnlyDictionary<string, string[]> ToDictionary() => messages.ToDictionary(m => m.Key, m => m.Value.ToArray());
}
