using System.Text.Json;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>
/// What is stored under a customer's id, for good: the customer; a void (the mark that there is none and never will be,
/// left by a deletion, an erasure and by the settlement of a race, see <see cref="CustomerWriter"/>); or where it was
/// merged into. While a merge is under way the customer is <em>frozen</em>: its item holds it as it was, and nobody
/// changes it or its orders but the merge.
/// </summary>
/// <param name="Customer">Null unless it is one.</param>
/// <param name="Into">The customer that this one is, or is being, merged into.</param>
/// <param name="Frozen">As it was when its merge began; null when the merge is done.</param>
/// <param name="Removed">What an erasure has removed from under this id.</param>
/// <param name="Remains">The marks of imports on what is not a customer any more: a row that had its effect before has had it.</param>
internal sealed record CustomerSlot(
    string Id, Customer? Customer, string ETag, string? Into = null, Customer? Frozen = null, RemovedCounts? Removed = null, IReadOnlyList<ImportMark>? Remains = null)
{
    public const string VoidType = "void";
    public const string MergingType = "merging";
    public const string MergedType = "merged";

    private IdentityKeys? keys;

    public bool IsFrozen => Frozen is not null;

    public IReadOnlyList<ImportMark> Marks => (Customer ?? Frozen)?.Imports ?? Remains ?? [];

    /// <summary>The customer's; hashed once.</summary>
    public IdentityKeys Keys(AddressHasher hasher) => keys ??= hasher.KeysOf(Customer!);

    /// <exception cref="ProblemException">It was merged into another; or is being, which is not to be waited for in a request.</exception>
    public void ThrowIfMerged()
    {
        if (IsFrozen)
        {
            throw new CustomerMerging(Id) { RetryAfterSeconds = 2 }.ToException();
        }

        if (Into is not null)
        {
            throw new CustomerMerged(Id, Into) { Moved = (Id, Into) }.ToException();
        }
    }

    /// <summary>What an id leads to by now: itself, or the end of its merges; the first that is frozen, should one be.</summary>
    /// <param name="slots">As <see cref="CustomerStore.ReadSlotsAsync"/> reads them.</param>
    public static CustomerSlot? Follow(IReadOnlyDictionary<string, CustomerSlot> slots, string id)
    {
        var slot = slots.GetValueOrDefault(id);
        while (slot is { IsFrozen: false, Into: { } into })
        {
            slot = slots.GetValueOrDefault(into);
        }

        return slot;
    }

    public static CustomerSlot From(JsonElement item)
    {
        var id = item.GetProperty("id").GetString()!;
        var etag = item.GetProperty("_etag").GetString()!;
        return item.GetProperty("type").GetString() switch
        {
            Customers.Customer.TypeName => new(id, item.Deserialize<Customer>(Json.Options)!, etag),
            MergingType => new(id, null, etag, item.GetProperty("into").GetString(), item.GetProperty("frozen").Deserialize<Customer>(Json.Options)),
            MergedType => new(id, null, etag, item.GetProperty("into").GetString(), Remains: RemainsOf(item)),
            _ => new(
                id, null, etag, Removed: item.TryGetProperty("removed", out var removed) ? removed.Deserialize<RemovedCounts>(Json.Options) : null, Remains: RemainsOf(item)),
        };
    }

    private static IReadOnlyList<ImportMark>? RemainsOf(JsonElement item) =>
        item.TryGetProperty("imports", out var marks) ? marks.Deserialize<IReadOnlyList<ImportMark>>(Json.Options) : null;

    /// <param name="deletingAt">Orders of the customer are left: see <c>DeleteCustomer</c>.</param>
    public static MemoryStream Void(
        string id, DateTimeOffset at, IReadOnlyList<ImportMark>? imports = null, RemovedCounts? removed = null, DateTimeOffset? deletingAt = null) =>
        CustomerStore.Serialize(new { id, customerId = id, type = VoidType, at, imports, removed, deletingAt });

    public static MemoryStream Merging(Customer customer, string into, DateTimeOffset at) =>
        CustomerStore.Serialize(new { id = customer.Id, customerId = customer.Id, type = MergingType, into, at, frozen = customer });

    public static MemoryStream Merged(string id, string into, DateTimeOffset at, IReadOnlyList<ImportMark>? imports = null) =>
        CustomerStore.Serialize(new { id, customerId = id, type = MergedType, into, at, imports });
}

/// <summary>How much of what an erasure has removed.</summary>
public sealed record RemovedCounts(
    int Orders, int ProfileFields, int Attributes, int Tags, int ConsentAnswers, int PastEvents, int Visits, int Segments);
