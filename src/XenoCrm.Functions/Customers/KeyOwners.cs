using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

internal enum OwnerKind
{
    /// <summary>Nobody, or nobody any more.</summary>
    None,

    /// <summary>A customer that carries the key, or will when this plan is carried out.</summary>
    Customer,

    /// <summary>Claimed to create a customer that does not exist yet.</summary>
    Pending,

    /// <summary>Claimed for a change of a customer that has not happened yet.</summary>
    Busy,

    /// <summary>Depends on a change of this plan, or on a merge that is under way: decided when that is stored.</summary>
    Later,

    /// <summary>A person who was erased.</summary>
    Erased,
}

/// <param name="Inherited">The key is one of a customer that was merged into this one.</param>
/// <param name="By">The change of this plan that makes it so; null: it is stored.</param>
internal readonly record struct Owner(OwnerKind Kind, string? CustomerId, bool Inherited = false, PlannedChange? By = null);

/// <summary>Whose a key is, by what was read and what a plan does so far: the states are told at <see cref="CustomerWriter"/>.</summary>
/// <param name="changes">What the plan does to customers, by id.</param>
/// <param name="claimed">The keys that it gives to customers.</param>
internal sealed class KeyOwners(
    AddressHasher hasher,
    IReadOnlyDictionary<string, Versioned<Identity>> identities,
    IReadOnlyDictionary<string, CustomerSlot> slots,
    IReadOnlySet<(string Key, string CustomerId, string? For)> ownClaims,
    Dictionary<string, PlannedChange> changes,
    Dictionary<string, PlannedChange> claimed)
{
    public Owner Of(string? key)
    {
        if (key is null)
        {
            return default;
        }

        var identity = identities.GetValueOrDefault(key);
        if (claimed.TryGetValue(key, out var planned))
        {
            return new(planned.Keys!.Contains(key) ? OwnerKind.Customer : OwnerKind.Later, planned.Id, By: planned);
        }

        if (identity is null)
        {
            return default;
        }

        if (identity.Value.Erased is not null)
        {
            return new(OwnerKind.Erased, null);
        }

        var id = identity.Value.CustomerId;
        if (!slots.TryGetValue(id, out var slot))
        {
            return new(changes.ContainsKey(id) ? OwnerKind.Later : OwnerKind.Pending, id);
        }

        if (slot.Into is not null)
        {
            while (slot is { IsFrozen: false, Into: { } into })
            {
                slot = slots[into];
            }

            return slot.IsFrozen ? new(OwnerKind.Later, slot.Id)
                : slot.Customer is { } heir && (heir.Inherits(key) || slot.Keys(hasher).Contains(key)) ? new(OwnerKind.Customer, slot.Id, heir.Inherits(key))
                : default;
        }

        if (slot.Customer is null)
        {
            return default;
        }

        if (slot.Keys(hasher).Contains(key))
        {
            var leaves = changes.TryGetValue(id, out var change) && (change.IsRemoval || !change.Keys!.Contains(key));
            return new(leaves ? OwnerKind.Later : OwnerKind.Customer, id);
        }

        // A claim of our own, left from the round before, is in nobody's way.
        return identity.Value.For == slot.ETag && !ownClaims.Contains(identity.Value.Claim) ? new(OwnerKind.Busy, id) : default;
    }
}
