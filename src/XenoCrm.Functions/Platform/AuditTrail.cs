using System.Collections.Concurrent;
using System.Text.Json;

namespace XenoCrm.Platform;

/// <summary>
/// What an audited request changes: stores say what they read and what they wrote, and the names of the members that differ
/// become part of the request's audit entry. So a use case need not think of it, and none can forget it. Only names are
/// kept, never a value. Outside of an audited request (a queue, a timer) it does nothing.
/// </summary>
public static class AuditTrail
{
    private static readonly AsyncLocal<AuditNotes?> Current = new();

    /// <summary>Kept up by the stores themselves.</summary>
    private static readonly HashSet<string> Unsaid = new(StringComparer.Ordinal)
    {
        "id", "kind", "updatedAt", "updatedBy", "ttl", "stamp", "version", "requestId", "search", "sortName", "sortKey", "changeKey", "amountKey",
    };

    internal static AuditNotes Begin() => Current.Value = new AuditNotes();

    /// <summary>Whether anybody wants to know.</summary>
    public static bool IsOn => Current.Value is not null;

    /// <summary>A store has read an item, with which what is written later is compared.</summary>
    public static void Read<T>(string id, T item)
        where T : class => Current.Value?.Remember(typeof(T), id, item);

    /// <summary>Whether the request is audited, and what is stored under the id was not read in it.</summary>
    public static bool Wants<T>(string id)
        where T : class => Current.Value is { } notes && notes.Known(typeof(T), id) is null;

    /// <summary>A store has created an item.</summary>
    public static void Created<T>(string id, T item)
        where T : class
    {
        Changed(null, item);
        Read(id, item);
    }

    /// <summary>A store has replaced an item that it had read.</summary>
    public static void Replaced<T>(string id, T item)
        where T : class
    {
        if (Current.Value?.Known(typeof(T), id) is T before)
        {
            Changed(before, item);
            Read(id, item);
        }
    }

    /// <summary>A store has deleted an item; what it was is known only where it had been read.</summary>
    public static void Deleted<T>(string id)
        where T : class
    {
        if (Current.Value?.Known(typeof(T), id) is T before)
        {
            Changed(before, null);
        }
    }

    /// <summary>Notes the names of the members in whose values the two differ.</summary>
    /// <param name="before">Null: it was created.</param>
    /// <param name="after">Null: it was deleted.</param>
    public static void Changed<T>(T? before, T? after)
        where T : class
    {
        if (Current.Value is not { } notes || !notes.MayCompare())
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

    /// <summary>Members that have a value: an empty list or object is none.</summary>
    private static Dictionary<string, JsonElement> MembersOf<T>(T? value)
        where T : class => value is null
            ? []
            : JsonSerializer.SerializeToElement(value, Json.Options).EnumerateObject().Where(p => !IsEmpty(p.Value)).ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };
}

/// <summary>What was said of one request; by several threads where it does things at once.</summary>
internal sealed class AuditNotes
{
    private const int MaxNames = 100;

    /// <summary>Items of one request that are compared and remembered. A file of 20,000 rows changes the same fields in its first thousand, and comparing costs some 20 µs an item.</summary>
    private const int MaxItems = 1000;

    private readonly SortedSet<string> before = new(StringComparer.Ordinal);
    private readonly SortedSet<string> after = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(Type, string), object> known = new();
    private int compared;

    public IReadOnlyList<string>? Before => Copy(before);

    public IReadOnlyList<string>? After => Copy(after);

    public bool MayCompare() => Volatile.Read(ref compared) < MaxItems && Interlocked.Increment(ref compared) <= MaxItems;

    public object? Known(Type type, string id) => known.GetValueOrDefault((type, id));

    public void Remember(Type type, string id, object item)
    {
        if (known.Count < MaxItems || known.ContainsKey((type, id)))
        {
            known[(type, id)] = item;
        }
    }

    public void Add(string name, bool before, bool after)
    {
        lock (this.before)
        {
            if (before && this.before.Count < MaxNames)
            {
                this.before.Add(name);
            }

            if (after && this.after.Count < MaxNames)
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
