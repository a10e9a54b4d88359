using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>
/// Decides, from what was read and without touching storage, what rows that may mean the same customer do to it. The
/// rows are folded in their order, so that a customer with many rows is written once.
/// </summary>
internal sealed class CustomerPlan(
    AddressHasher hasher,
    IReadOnlyDictionary<string, Versioned<Identity>> identities,
    IReadOnlyDictionary<string, CustomerSlot> slots,
    IReadOnlySet<string> minted,
    IReadOnlySet<(string Key, string CustomerId, string? For)> ownClaims,
    Func<string> newId,
    UpsertOptions options,
    DateTimeOffset now)
{
    private readonly Dictionary<string, PlannedChange> changes = [];
    private readonly Dictionary<string, PlannedChange> claimed = [];

    private KeyOwners Owners => field ??= new(hasher, identities, slots, ownClaims, changes, claimed);

    public IReadOnlyCollection<PlannedChange> Changes => changes.Values;

    /// <summary>Of the customers to be removed those that have orders.</summary>
    public IReadOnlySet<string> Occupied { get; init; } = new HashSet<string>();

    /// <summary>Rows that fail, if changes of this plan are stored that they fail because of.</summary>
    public List<(int Index, WriteResult Result, IReadOnlyList<PlannedChange> Upon)> Failures { get; } = [];

    /// <summary>Customers whose half-made claims stand in the way (see <see cref="CustomerWriter"/>).</summary>
    public List<Versioned<Customer>> Blockers { get; } = [];

    /// <returns>False when the row, and what follows it, must wait for the next round.</returns>
    public bool TryAdd(int index, RowToWrite row)
    {
        var external = Owners.Of(row.Keys.External);
        var email = Owners.Of(row.Keys.Email);
        var phone = Owners.Of(row.Keys.Phone);
        if (external.Kind == OwnerKind.Later || email.Kind == OwnerKind.Later || phone.Kind == OwnerKind.Later)
        {
            return false;
        }

        if (Block(row.Keys.External, external) | Block(row.Keys.Email, email) || (row.TargetId is { } id && slots.GetValueOrDefault(id) is { IsFrozen: true }))
        {
            return false;
        }

        if (row.Intent is Intent.TakeBack or Intent.Remove)
        {
            return TryUndo(index, row, external, email, phone);
        }

        if (IsErased(row, external, email, phone))
        {
            Failures.Add((index, WriteResult.Failed(CustomerErased.CodeName, CustomerErased.Message), []));
            return true;
        }

        if (FindTarget(row, external, email, phone, out var failure) is not { } change)
        {
            Failures.Add((index, failure!, [.. new[] { external.By, email.By }.OfType<PlannedChange>().Distinct()]));
            return true;
        }

        if (row.Intent == Intent.Create && change.After is not null)
        {
            Failures.Add((index, WriteResult.Failed(CustomerExists.CodeName, "A customer with this external id, email or phone exists.") with { CustomerId = change.Id }, change.IsDirty ? [change] : []));
            return true;
        }

        if (row.Intent == Intent.Upsert && change.After is { } known && CustomerChange.HasTooManyAttributes(known, row.Draft))
        {
            Failures.Add((index, WriteResult.Failed(
                CustomerNormalizer.TooManyAttributes, $"With these the customer would have more than {CustomerNormalizer.MaxAttributes} attributes."), change.IsDirty ? [change] : []));
            return true;
        }

        // Else the systems that two merged customers came from would take turns in giving the one their ids.
        if (row.Intent == Intent.Upsert && change.After is { } target && (external.Inherited || email.Inherited))
        {
            row = row with { Draft = row.Draft with { ExternalId = external.Inherited ? target.ExternalId : row.Draft.ExternalId, Email = email.Inherited ? target.Email : row.Draft.Email } };
        }

        Claim(change, row.Keys.External, external);
        Claim(change, row.Keys.Email, email);
        Claim(change, row.Keys.Phone, phone, shared: true);
        Apply(change, index, row);
        return true;
    }

    /// <summary>
    /// A phone is weaker: who shares the number of someone who was erased keeps it, but nobody gets it anew.
    /// </summary>
    private bool IsErased(RowToWrite row, Owner external, Owner email, Owner phone)
    {
        if (external.Kind == OwnerKind.Erased || email.Kind == OwnerKind.Erased)
        {
            return true;
        }

        if (phone.Kind != OwnerKind.Erased)
        {
            return false;
        }

        var target = row.TargetId ?? (external.Kind == OwnerKind.Customer ? external.CustomerId : email.Kind == OwnerKind.Customer ? email.CustomerId : null);
        return target is null || !slots.TryGetValue(target, out var slot) || slot.Customer is null || !slot.Keys(hasher).Contains(row.Keys.Phone!);
    }

    private bool Block(string? key, Owner owner)
    {
        if (key is null || owner.Kind != OwnerKind.Busy)
        {
            return false;
        }

        var slot = slots[owner.CustomerId!];
        Blockers.Add(new(slot.Customer!, slot.ETag));
        return true;
    }

    private PlannedChange? FindTarget(RowToWrite row, Owner external, Owner email, Owner phone, out WriteResult? failure)
    {
        failure = null;
        if (row.Intent == Intent.Replace)
        {
            return FindReplaced(row, external, email, ref failure);
        }

        if (external.Kind == OwnerKind.Customer)
        {
            if (email.Kind == OwnerKind.Customer && email.CustomerId != external.CustomerId)
            {
                failure = Conflict("The external id belongs to one customer and the email to another.");
                return null;
            }

            return Existing(external.CustomerId!);
        }

        if (email.Kind == OwnerKind.Customer)
        {
            var owner = Existing(email.CustomerId!);
            // With the same one, it was given after the keys were read: this plan's claim of it fails, and the next round sees both.
            if (row.Keys.External is { } wanted && owner.After!.ExternalId is not null && hasher.KeysOf(owner.After).External != wanted)
            {
                failure = Conflict("The email belongs to a customer with another external id.");
                return null;
            }

            return owner;
        }

        if (external.Kind == OwnerKind.Pending || email.Kind == OwnerKind.Pending)
        {
            // Everybody who sees both takes the same one, the smaller; the other is voided.
            var id = external.Kind != OwnerKind.Pending ? email.CustomerId!
                : email.Kind != OwnerKind.Pending || string.CompareOrdinal(external.CustomerId, email.CustomerId) < 0 ? external.CustomerId!
                : email.CustomerId!;
            return New(id);
        }

        if (phone.Kind == OwnerKind.Customer && Existing(phone.CustomerId!) is { } candidate && IsCompatible(candidate.After!, row.Draft))
        {
            return candidate;
        }

        var adopts = phone.Kind == OwnerKind.Pending && row.Keys.External is null && row.Keys.Email is null;
        return New(adopts ? phone.CustomerId! : newId());
    }

    private PlannedChange? FindReplaced(RowToWrite row, Owner external, Owner email, ref WriteResult? failure)
    {
        if (slots.GetValueOrDefault(row.TargetId!) is { Into: { } into })
        {
            failure = WriteResult.Failed(CustomerMerged.CodeName, "The customer was merged into another.") with { CustomerId = into };
        }
        else if (!slots.TryGetValue(row.TargetId!, out var slot) || slot.Customer is null)
        {
            failure = WriteResult.Failed(CustomerNotFound.CodeName, "There is no such customer.");
        }
        else if (row.IfMatch is not null && row.IfMatch != slot.ETag)
        {
            failure = WriteResult.Failed(Stale, "The customer has changed since it was read.");
        }
        else if ((external.Kind == OwnerKind.Customer && external.CustomerId != row.TargetId) || (email.Kind == OwnerKind.Customer && email.CustomerId != row.TargetId))
        {
            failure = Conflict("The external id or the email belongs to another customer.");
        }

        return failure is null ? Existing(row.TargetId!) : null;
    }

    internal const string Stale = "request.etag_stale";

    private static WriteResult Conflict(string message) => WriteResult.Failed(IdentityConflict.CodeName, message);

    /// <summary>A phone is often shared. It means the same person only when nothing stronger says otherwise.</summary>
    private static bool IsCompatible(Customer owner, CustomerDraft draft) =>
        (draft.ExternalId is null || owner.ExternalId is null)
        && (draft.Email is null || owner.Email is null || string.Equals(draft.Email, owner.Email, StringComparison.OrdinalIgnoreCase));

    private PlannedChange Existing(string id)
    {
        if (!changes.TryGetValue(id, out var change))
        {
            var slot = slots[id];
            changes[id] = change = new(id, slot.Customer, slot.ETag, slot.Keys(hasher));
        }

        return change;
    }

    private PlannedChange New(string id) => changes[id] = new(id, null, null, null);

    private void Claim(PlannedChange change, string? key, Owner owner, bool shared = false)
    {
        if (key is null || owner.Kind is OwnerKind.Customer or OwnerKind.Busy or OwnerKind.Erased)
        {
            return;
        }

        if (owner.Kind == OwnerKind.Pending && owner.CustomerId != change.Id)
        {
            // Somebody else is about to own a phone that may be shared: let them.
            if (shared && !minted.Contains(owner.CustomerId!))
            {
                return;
            }

            change.Voids.Add(owner.CustomerId!);
        }

        var item = identities.GetValueOrDefault(key);
        var isClaimed = item?.Value.CustomerId == change.Id && item.Value.For == change.ETag;
        if (!isClaimed)
        {
            change.Claims.Add((new(key, change.Id, change.ETag), item?.ETag));
        }

        claimed[key] = change;
    }

    private void Apply(PlannedChange change, int index, RowToWrite row)
    {
        if (change.After is null)
        {
            change.After = CustomerChange.New(change.Id, row.Draft, options.Source, now, options.SaidAt) with { RequestId = options.RequestId };
            change.Keys = row.Keys;
            change.Rows.Add((index, new(WriteOutcome.Created, change.Id)));
            return;
        }

        var doubts = row.Intent == Intent.Replace ? null : CustomerChange.Kept(change.After, row.Draft);
        var after = row.Intent == Intent.Replace
            ? CustomerChange.Replace(change.After, row.Draft, options.Source, options.SaidAt ?? now)
            : CustomerChange.Overlay(change.After, row.Draft, options.Source, options.SaidAt ?? now);
        if (ReferenceEquals(after, change.After))
        {
            change.Rows.Add((index, new(WriteOutcome.Unchanged, change.Id, Doubts: doubts)));
            return;
        }

        var keys = hasher.KeysOf(after, row.Keys, change.Keys);
        change.After = Lose(after, change.Keys!, keys);
        change.Keys = keys;
        change.Rows.Add((index, new(WriteOutcome.Updated, change.Id, Doubts: doubts)));
    }

    private static Customer Lose(Customer after, IdentityKeys had, IdentityKeys has) =>
        had.All.Where(key => !has.Contains(key)).ToList() is { Count: > 0 } lost
            ? after with { FormerKeys = [.. (after.FormerKeys ?? []).Concat(lost).Distinct().TakeLast(Customer.MaxFormerKeys)] }
            : after;

    /// <returns>As <see cref="TryAdd"/>.</returns>
    private bool TryUndo(int index, RowToWrite row, Owner external, Owner email, Owner phone)
    {
        WriteResult Left(string code, string message) => new(WriteOutcome.Unchanged, row.TargetId, code, message);

        if (slots.GetValueOrDefault(row.TargetId!)?.Customer is null)
        {
            var isMerged = slots.GetValueOrDefault(row.TargetId!)?.Into is not null;
            Failures.Add((index, isMerged ? Left(UndoCodes.Merged, "The customer is part of another now.") : Left(UndoCodes.Gone, "The customer does not exist any more."), []));
            return true;
        }

        var change = Existing(row.TargetId!);
        if (change.IsRemoval)
        {
            return false; // decided when it is gone
        }

        if (row.Intent == Intent.Remove)
        {
            var reason = Occupied.Contains(change.Id) ? Left(UndoCodes.HasOrders, "It has orders.")
                : IsTouched(change.After!, row.Written!) ? Left(UndoCodes.Changed, "It was changed, visited or written to after the import.")
                : null;
            change.IsRemoval = reason is null;
            change.Rows.Add((index, reason ?? new(WriteOutcome.Updated, change.Id, UndoCodes.Deleted)));
            return true;
        }

        var (after, left) = TakeBack(change, row, external, email, phone);
        if (ReferenceEquals(after, change.After))
        {
            change.Rows.Add((index, Left(UndoCodes.Changed, $"Changed after the import: {string.Join(", ", left)}.")));
            return true;
        }

        var keys = hasher.KeysOf(after, row.Keys, change.Keys);
        foreach (var (key, owner, shared) in new[] { (row.Keys.External, external, false), (row.Keys.Email, email, false), (row.Keys.Phone, phone, true) })
        {
            if (key is not null && keys.Contains(key))
            {
                Claim(change, key, owner, shared);
            }
        }

        (change.After, change.Keys) = (Lose(after, change.Keys!, keys), keys);
        change.Rows.Add((index, left.Count == 0
            ? new(WriteOutcome.Updated, change.Id)
            : new(WriteOutcome.Updated, change.Id, UndoCodes.Partly, $"Changed after the import and left: {string.Join(", ", left)}.")));
        return true;
    }

    /// <summary>A key that means somebody else by now stays with them.</summary>
    private static (Customer After, IReadOnlyList<string> Left) TakeBack(PlannedChange change, RowToWrite row, Owner external, Owner email, Owner phone)
    {
        var taken = new HashSet<string>();
        bool IsTaken(Owner owner) => owner.Kind == OwnerKind.Erased || (owner.Kind is OwnerKind.Customer or OwnerKind.Pending && owner.CustomerId != change.Id);
        if (IsTaken(external))
        {
            taken.Add("externalId");
        }

        if (IsTaken(email))
        {
            taken.Add("email");
        }

        if (phone.Kind is OwnerKind.Pending or OwnerKind.Erased && IsTaken(phone))
        {
            taken.Add("phone");
        }

        var result = CustomerFields.Profile.TakeBack(change.After!, row.Written!.Fields!, taken);
        return result.After.HasIdentity ? result : (change.After!, [.. row.Written.Fields!.Keys]);
    }

    private static bool IsTouched(Customer customer, JournalItem written) =>
        customer.Visits > 0 || customer.OrderCount > 0 || customer.Messages.Count > 0 || customer.Contacts?.Count > 0 || customer.Engagement != new Engagement() || customer.Merged is not null || customer.Merging is not null
        || CustomerFields.Profile.Print(customer) != written.Print;
}
