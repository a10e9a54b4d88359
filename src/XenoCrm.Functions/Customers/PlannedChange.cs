using System.Text.Json;

namespace XenoCrm.Customers;

/// <summary>What is to be done with a draft.</summary>
internal enum Intent
{
    /// <summary>Create the customer, or overlay the one it is.</summary>
    Upsert,

    /// <summary>Create it; it is an error when it exists.</summary>
    Create,

    /// <summary>Give the customer <see cref="RowToWrite.TargetId"/> this profile.</summary>
    Replace,

    /// <summary>Put back what an import changed of the customer, where it still is what the import made of it.</summary>
    TakeBack,

    /// <summary>Remove the customer that an import created, if nobody has touched it since.</summary>
    Remove,
}

/// <param name="Row">1-based number in the file or list; the <see cref="WriteJournal"/> knows the row by it.</param>
/// <param name="IfMatch">Replace only under this ETag; null: whatever it is now.</param>
/// <param name="Written">To take back or remove: what the import wrote.</param>
internal sealed record RowToWrite(
    CustomerDraft Draft, IdentityKeys Keys, long Row, Intent Intent = Intent.Upsert, string? TargetId = null, string? IfMatch = null, JournalItem? Written = null)
{
    /// <summary>What takes a line of an import's journal back.</summary>
    public static RowToWrite Undo(JournalLine line, AddressHasher hasher)
    {
        var item = line.Items![0];
        var none = new CustomerDraft();
        if (item.Fields is not { } fields)
        {
            return new(none, hasher.KeysOf(none), line.FirstRow, Intent.Remove, line.CustomerId, Written: item);
        }

        string? Before(string name) => fields.GetValueOrDefault(name)?.Before?.GetString();

        // A number is a key only if it was usable; where that did not change with it, both are.
        var isUsable = !fields.TryGetValue("phoneUsable", out var usable) || usable.Before is { ValueKind: JsonValueKind.True };
        var keys = hasher.KeysOf(new CustomerDraft { ExternalId = Before("externalId"), Email = Before("email"), Phone = Before("phone"), PhoneUsable = isUsable });
        return new(none, keys, line.FirstRow, Intent.TakeBack, line.CustomerId, Written: item);
    }
}

/// <summary>One customer that a plan creates or changes.</summary>
internal sealed class PlannedChange(string id, Customer? before, string? etag, IdentityKeys? keys)
{
    public string Id { get; } = id;

    /// <summary>As stored; null when it is to be created.</summary>
    public Customer? Before { get; } = before;

    public string? ETag { get; } = etag;

    /// <summary>As it is to be; null until the first row made it.</summary>
    public Customer? After { get; set; } = before;

    /// <summary>Of <see cref="Before"/>; null when it is to be created.</summary>
    public IdentityKeys? KeysBefore { get; } = keys;

    /// <summary>Of <see cref="After"/>.</summary>
    public IdentityKeys? Keys { get; set; } = keys;

    /// <summary>Keys to make this customer's: each with the ETag of the dead item it takes the place of, or null.</summary>
    public List<(Identity Identity, string? ETag)> Claims { get; } = [];

    /// <summary>Minted ids to be voided first, because their keys go to this customer.</summary>
    public HashSet<string> Voids { get; } = [];

    /// <summary>The rows it stands for, and what each does.</summary>
    public List<(int Index, WriteResult Result)> Rows { get; } = [];

    /// <summary>The customer becomes a void.</summary>
    public bool IsRemoval { get; set; }

    /// <summary>Its number in the journal; null: it has no journal.</summary>
    public long? Entry { get; set; }

    public bool IsDirty => IsRemoval || !ReferenceEquals(Before, After);

    /// <summary>Keys that it has, or claims on the way, and will not carry.</summary>
    public IEnumerable<string> Dropped =>
        Claims.Select(c => c.Identity.Id).Concat(KeysBefore?.All ?? []).Where(key => IsRemoval || (IsDirty && !Keys!.Contains(key)));

    /// <summary>Nothing is to be written for it.</summary>
    public bool IsSettled => !IsDirty && Claims.Count == 0 && Voids.Count == 0;
}
