using System.Text.Json;
using XenoCrm.Platform;

namespace XenoCrm.Accounts;

/// <summary>
/// Where use cases say what they changed, for the audit entry of the request they run in. Outside of an audited request
/// (a queue, a timer) it does nothing.
/// </summary>
public static class AuditTrail
{
    private static readonly AsyncLocal<AuditNotes?> Current = new();

    /// <summary>Kept up by the store itself.</summary>
    private static readonly HashSet<string> Unsaid = new(StringComparer.Ordinal) { "id", "kind", "updatedAt", "updatedBy", "ttl", "stamp", "version" };

    internal static AuditNotes Begin() => Current.Value = new AuditNotes();

    /// <summary>These had a value before and have another now.</summary>
    public static void Changed(IEnumerable<string> fields)
    {
        foreach (var field in fields)
        {
            Current.Value?.Add(field, before: true, after: true);
        }
    }

    /// <summary>Notes the names of the members in whose values the two differ.</summary>
    /// <param name="before">Null: it was created.</param>
    /// <param name="after">Null: it was deleted.</param>
    public static void Changed<T>(T? before, T? after)
        where T : class
    {
        if (Current.Value is not { } notes)
        {
            return;
        }

        var (old, current) = (MembersOf(before), MembersOf(after));
        foreach (var name in old.Keys.Union(current.Keys).Where(n => !Unsaid.Contains(n)))
        {
            var (was, had) = (old.GetValueOrDefault(name), old.ContainsKey(name));
            var (isNow, has) = (current.GetValueOrDefault(name), current.ContainsKey(name));
            if (had != has || !JsonElement.DeepEquals(was, isNow))
            {
                notes.Add(name, had, has);
            }
        }
    }

    private static Dictionary<string, JsonElement> MembersOf<T>(T? value)
        where T : class => value is null
            ? []
            : JsonSerializer.SerializeToElement(value, Json.Options).EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
}

/// <summary>What was said of one request; by several threads where it does things at once.</summary>
internal sealed class AuditNotes
{
    private const int Most = 100;

    private readonly SortedSet<string> before = new(StringComparer.Ordinal);
    private readonly SortedSet<string> after = new(StringComparer.Ordinal);

    public IReadOnlyList<string>? Before => Copy(before);

    public IReadOnlyList<string>? After => Copy(after);

    public void Add(string name, bool before, bool after)
    {
        lock (this.before)
        {
            if (before && this.before.Count < Most)
            {
                this.before.Add(name);
            }

            if (after && this.after.Count < Most)
            {
                this.after.Add(name);
            }
        }
    }

    private string[]? Copy(SortedSet<string> names)
    {
        lock (before)
        {
            return names.Count == 0 ? null : [.. names];
        }
    }
}
