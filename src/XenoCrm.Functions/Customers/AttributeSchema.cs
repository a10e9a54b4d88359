using System.Collections.Frozen;
using System.Text.Json;
using System.Text.RegularExpressions;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <param name="Label">What people call it; the key when absent.</param>
/// <param name="Since">When it was first used or declared.</param>
/// <param name="Declared">False: the type is that of the first value.</param>
/// <param name="Change">What is about to become of it: no values are taken until then.</param>
public sealed record AttributeDefinition(AttributeType Type, string? Label, DateTimeOffset Since, bool Declared, AttributeChange? Change = null);

/// <param name="To">The type it is to have; null: it is to be removed.</param>
/// <param name="At">When that was asked for; it takes a minute.</param>
public sealed record AttributeChange(AttributeType? To, DateTimeOffset At);

/// <summary>All attributes of the workspace: one small item, so that a run of customers needs one read and new keys one write.</summary>
public sealed record AttributeSchemaItem : IWorkspaceItem
{
    public const string KindName = "attributes";
    public const string TheId = "customers";

    public string Id => TheId;
    public string Kind => KindName;
    public IReadOnlyDictionary<string, AttributeDefinition> Keys { get; init; } = new Dictionary<string, AttributeDefinition>();
}

/// <summary>The schema at one moment; the same instance as long as nothing is known to have changed.</summary>
public sealed class AttributeTypes(IReadOnlyDictionary<string, AttributeDefinition> keys)
{
    public static readonly AttributeTypes None = new(new Dictionary<string, AttributeDefinition>());

    public FrozenDictionary<string, AttributeDefinition> Keys { get; } = keys.ToFrozenDictionary();

    public AttributeType? TypeOf(string key) => Keys.TryGetValue(key, out var definition) ? definition.Type : null;
}

/// <summary>
/// The types of custom attributes: a key has the type it was declared with, or that of its first value, for good as long
/// as a customer carries it. Every value is brought into its type's one form before it is stored, so that rules compare
/// dates as dates whatever their spelling was.
/// </summary>
public sealed partial class AttributeSchema(CosmosDatabase database, TimeProvider clock) : IDisposable
{
    /// <summary>A rule or a form with more is not used by people any more; a file whose keys are data would fill it.</summary>
    public const int MaxKeys = 500;

    public const int MaxLabel = 100;

    /// <summary>Keys only come: what is cached stays right; a change is announced first (<see cref="ChangeAttribute"/>).</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(10);

    private readonly WorkspaceStore<AttributeSchemaItem> store = new(database, AttributeSchemaItem.KindName);
    private readonly SemaphoreSlim gate = new(1, 1);
    private volatile State current = new(AttributeTypes.None, null, null);

    private sealed record State(AttributeTypes Types, string? ETag, long? ReadAt);

    /// <summary>What is in memory: see <see cref="RefreshAsync"/>.</summary>
    public AttributeTypes Types => current.Types;

    public static bool IsKey(string key) => Key().IsMatch(key);

    /// <summary>At most one read every <see cref="MaxAge"/>.</summary>
    public async ValueTask<AttributeTypes> RefreshAsync(CancellationToken cancellation)
    {
        if (current.ReadAt is { } at && clock.GetElapsedTime(at) <= MaxAge)
        {
            return current.Types;
        }

        await gate.WaitAsync(cancellation);
        try
        {
            return current.ReadAt is { } read && clock.GetElapsedTime(read) <= MaxAge ? current.Types : (await ReadAsync(cancellation)).Types;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>As it is stored now.</summary>
    public async Task<AttributeTypes> ReadNowAsync(CancellationToken cancellation) => (await ReadAsync(cancellation)).Types;

    /// <summary>
    /// Brings the attributes of a run of drafts into the form of their types. Keys that are new get the type that their
    /// values in this run suggest, all in one write, before any customer is written: a crash leaves a key without customers.
    /// </summary>
    /// <param name="fromText">The values come from a file: what they are decides the type, not how JSON spells them.</param>
    /// <param name="imagined">Of a rehearsal: what its earlier runs would have registered, and what this one would. Null: new keys are registered.</param>
    /// <returns>For each draft, in order: the draft to write, and what does not fit. Drafts without attributes cost nothing.</returns>
    public async ValueTask<IReadOnlyList<(CustomerDraft Draft, IReadOnlyList<FieldIssue> Issues)>> ApplyAsync(
        IReadOnlyList<CustomerDraft> drafts, bool fromText, IDictionary<string, AttributeDefinition>? imagined, CancellationToken cancellation)
    {
        if (drafts.All(d => d.Attributes is not { Count: > 0 }))
        {
            return [.. drafts.Select(d => (d, (IReadOnlyList<FieldIssue>)[]))];
        }

        var types = With(await RefreshAsync(cancellation), imagined);
        var isFull = false;
        while (Missing(drafts, types, fromText) is { Count: > 0 } missing && !isFull)
        {
            // What this process has in memory may be older than what another has registered.
            var state = await ReadAsync(cancellation);
            var known = With(state.Types, imagined);
            foreach (var key in missing.Keys.Where(known.Keys.ContainsKey).ToList())
            {
                missing.Remove(key);
            }

            isFull = known.Keys.Count + missing.Count > MaxKeys;
            var added = missing.Take(Math.Max(0, MaxKeys - known.Keys.Count))
                .Select(m => KeyValuePair.Create(m.Key, new AttributeDefinition(m.Value, null, clock.GetUtcNow(), Declared: false))).ToList();
            if (imagined is not null)
            {
                added.ForEach(imagined.Add);
                types = With(state.Types, imagined);
            }
            else
            {
                types = added.Count == 0 ? known
                    : await TryWriteAsync(known.Keys.Concat(added).ToDictionary(), state.ETag, cancellation) ? current.Types
                    : types;
            }
        }

        return [.. drafts.Select(draft => Apply(draft, types, fromText))];
    }

    /// <summary>Compare-and-swap of the whole schema.</summary>
    /// <param name="change">Gets the keys as they are and returns them as they are to be, or null to leave them.</param>
    public async Task<AttributeTypes> ChangeAsync(
        Func<IReadOnlyDictionary<string, AttributeDefinition>, ValueTask<IReadOnlyDictionary<string, AttributeDefinition>?>> change, CancellationToken cancellation)
    {
        while (true)
        {
            var state = await ReadAsync(cancellation);
            if (await change(state.Types.Keys) is not { } keys)
            {
                return current.Types;
            }

            if (await TryWriteAsync(keys, state.ETag, cancellation))
            {
                foreach (var key in keys.Keys.Union(state.Types.Keys.Keys))
                {
                    AuditTrail.Changed(state.Types.Keys.GetValueOrDefault(key), keys.GetValueOrDefault(key));
                }

                return current.Types;
            }
        }
    }

    public void Dispose() => gate.Dispose();

    /// <summary>What is registered by now holds, whatever was imagined before.</summary>
    private static AttributeTypes With(AttributeTypes stored, IDictionary<string, AttributeDefinition>? imagined) =>
        imagined is not { Count: > 0 } ? stored : new(stored.Keys.Concat(imagined.Where(i => !stored.Keys.ContainsKey(i.Key))).ToDictionary());

    private async Task<State> ReadAsync(CancellationToken cancellation)
    {
        var readAt = clock.GetTimestamp();
        var item = await store.ReadAsync(AttributeSchemaItem.TheId, cancellation);

        // The same instance for the same content: what was compiled against it needs no second look.
        var types = item is null ? AttributeTypes.None : item.ETag == current.ETag ? current.Types : new AttributeTypes(item.Value.Keys);
        return current = new(types, item?.ETag, readAt);
    }

    private async Task<bool> TryWriteAsync(IReadOnlyDictionary<string, AttributeDefinition> keys, string? etag, CancellationToken cancellation)
    {
        var item = new AttributeSchemaItem { Keys = keys };
        var readAt = clock.GetTimestamp();
        var written = etag is null ? await store.TryCreateAsync(item, cancellation) : await store.TryReplaceAsync(item, etag, cancellation);
        if (written is null)
        {
            return false;
        }

        current = new(new(keys), written, readAt);
        return true;
    }

    private static Dictionary<string, AttributeType> Missing(IReadOnlyList<CustomerDraft> drafts, AttributeTypes types, bool fromText)
    {
        var missing = new Dictionary<string, AttributeType>();
        foreach (var (key, value) in drafts.SelectMany(d => d.Attributes ?? NoAttributes))
        {
            if (value.ValueKind != JsonValueKind.Null && types.TypeOf(key) is null)
            {
                var type = AttributeValues.Suggest(value, fromText);
                missing[key] = missing.TryGetValue(key, out var before) ? AttributeValues.Unite(before, type, fromText) : type;
            }
        }

        return missing;
    }

    private static (CustomerDraft Draft, IReadOnlyList<FieldIssue> Issues) Apply(CustomerDraft draft, AttributeTypes types, bool fromText)
    {
        Dictionary<string, JsonElement>? changed = null;
        List<FieldIssue>? issues = null;
        foreach (var (key, value) in draft.Attributes ?? NoAttributes)
        {
            if (value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (!types.Keys.TryGetValue(key, out var definition))
            {
                (issues ??= []).Add(new($"attributes/{key}", AttributeKeysFull.CodeName, $"There are {MaxKeys} attributes already; remove one that is not used."));
            }
            else if (definition.Change is not null)
            {
                (issues ??= []).Add(new($"attributes/{key}", AttributeChanging.CodeName, AttributeChanging.Message));
            }
            else if (AttributeValues.Normalize(definition.Type, value, fromText, out var problem) is not { } stored)
            {
                (issues ??= []).Add(new($"attributes/{key}", AttributeTypeConflict.CodeName, problem!));
            }
            else if (stored.ValueKind != value.ValueKind || !JsonElement.DeepEquals(stored, value))
            {
                (changed ??= new(draft.Attributes!))[key] = stored;
            }
        }

        return (changed is null ? draft : draft with { Attributes = changed }, issues ?? (IReadOnlyList<FieldIssue>)[]);
    }

    private static readonly Dictionary<string, JsonElement> NoAttributes = [];

    [GeneratedRegex(@"^\p{L}[\p{L}\p{Nd}_\-]{0,63}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Key();
}
