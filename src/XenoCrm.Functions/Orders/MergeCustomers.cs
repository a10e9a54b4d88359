using System.Security.Cryptography;
using FluentValidation;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Orders;

/// <param name="Into">The customer that stays.</param>
/// <param name="From">The one that becomes part of it.</param>
public sealed record MergeRequest(string Into, string From);

public sealed class MergeValidator : AbstractValidator<MergeRequest>
{
    public MergeValidator()
    {
        RuleFor(r => r.Into).NotEmpty().MaximumLength(100);
        RuleFor(r => r.From).NotEmpty().MaximumLength(100).NotEqual(r => r.Into).WithMessage("A customer is not merged into itself.");
    }
}

/// <param name="Customer">As it is now.</param>
/// <param name="Orders">Orders that came over; 0 when the merge had been made before.</param>
/// <param name="Conflicts">Where both had a value: the other's is gone. Empty when the merge had been made before.</param>
public sealed record MergeResult(CustomerView Customer, string MergedId, int Orders, IReadOnlyList<MergeConflict> Conflicts);

/// <summary>
/// Makes two customers one. They are two partitions and there is no transaction over both, so it goes in steps, each of
/// which is safe to repeat, and after each of which everything that is needed to go on is stored:
/// <list type="number">
/// <item>The customer that stays notes whom it takes in (<see cref="Customer.Merging"/>). Until it drops the note nobody
/// deletes, erases or merges it: whoever wants to finishes this first. So two merges never wait for each other.</item>
/// <item>The other one is frozen (<see cref="CustomerSlot"/>): nobody writes it or its orders any more; writers wait.</item>
/// <item>Orders move, a transaction at a time: copies are created together with the totals, each saying where it came
/// from, then the originals are deleted. A copy that exists is not made again.</item>
/// <item>Profile, consent, visits, engagement and messages are added to the one that stays, and orders are put down to the
/// messages of both; it notes the other's id and keys in the same write (<see cref="Customer.Merged"/>): so it happens once.</item>
/// <item>The other one becomes a redirect. Its keys still lead to its id, and through that to the one that stays.</item>
/// <item>The note is dropped.</item>
/// </list>
/// A frozen customer whose counterpart does not have the note has lost nothing yet and becomes itself again.
/// </summary>
public sealed class MergeCustomers(
    OrderStore orders, CreditOrders credits, CustomerStore customers, CustomerWriter writer, CustomerViews views, AddressHasher hasher, TimeProvider clock)
{
    /// <summary>A step takes milliseconds: after so long nobody is at it.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(10);

    /// <summary>What is left of a merge after this the timer goes on with, or whoever asks again.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(20);

    /// <summary>At most: each is looked for under three numbers. By their size it may be fewer.</summary>
    private const int OrdersAtOnce = 40;

    private const int MaxRounds = 300;

    public async Task<MergeResult> HandleAsync(MergeRequest request, CancellationToken cancellation)
    {
        var (into, from) = (request.Into, request.From);
        for (var round = 0; round < MaxRounds; round++)
        {
            await WaitAsync(round, cancellation);
            var slots = await customers.ReadSlotsAsync([into, from], cancellation);
            var source = slots.GetValueOrDefault(from);
            var target = slots.GetValueOrDefault(into);
            if (source?.Into is not null)
            {
                if (source.IsFrozen)
                {
                    await FinishAsync(from, cancellation);
                    continue;
                }

                return await RepeatedAsync(request, source, slots, cancellation);
            }

            if (target is { IsFrozen: true })
            {
                await FinishAsync(into, cancellation);
                continue;
            }

            if (target?.Into is { } elsewhere)
            {
                throw new MergeRefused(CustomerMerged.CodeName, $"Customer {into} was merged into {elsewhere}: merge into that one.").ToException();
            }

            var other = source?.Customer ?? throw new CustomerNotFound(from).ToException();
            var customer = target?.Customer ?? throw new CustomerNotFound(into).ToException();
            await RefuseErasedAsync(customer, other, cancellation);
            if (other.TotalSpend + customer.TotalSpend > OrderTotals.MaxTotal)
            {
                throw new MergeRefused(OrderCodes.TotalTooLarge, "The total of both would be too large to be exact.").ToException();
            }

            if (other.Categories.Keys.Any(c => !customer.Categories.ContainsKey(c)) && other.Categories.Keys.Union(customer.Categories.Keys).Count() > OrderTotals.MaxCategories)
            {
                throw new MergeRefused(OrderCodes.TooManyCategories, $"Together they would have more than {OrderTotals.MaxCategories} categories.").ToException();
            }

            if (other.Merging is not null)
            {
                await SettleAsync(new(other, source!.ETag), cancellation);
            }
            else if (customer.Merging is { } pending && pending.From != from)
            {
                await SettleAsync(new(customer, target!.ETag), cancellation);
            }
            else if (customer.Merging is null)
            {
                await customers.TryReplaceAsync(customer with { Merging = new(from, clock.GetUtcNow()) }, target!.ETag, cancellation);
            }
            else if (await customers.TryReplaceSlotAsync(from, CustomerSlot.Merging(other, into, clock.GetUtcNow()), source!.ETag, cancellation)
                && await FinishAsync(from, cancellation) is { } moved)
            {
                return new(await ViewAsync(into, cancellation), from, moved, CustomerMerge.Conflicts(customer, other));
            }
        }

        throw new CustomerBusy { RetryAfterSeconds = 2 }.ToException();
    }

    /// <summary>Goes on with merges whose process has ended.</summary>
    public async Task FinishAbandonedAsync(CancellationToken cancellation)
    {
        var failures = new List<Exception>();
        foreach (var id in await customers.FrozenBeforeAsync(clock.GetUtcNow() - Abandoned, cancellation))
        {
            try
            {
                await FinishAsync(id, cancellation);
            }
            catch (ProblemException exception) when (exception.Problem is CustomerMerging)
            {
                // Its turn is over, not the merge.
            }
            catch (Exception exception) when (!cancellation.IsCancellationRequested)
            {
                // The others are not to wait for this one, which is tried again next time.
                failures.Add(new InvalidOperationException($"The merge of {id} could not be finished.", exception));
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    /// <summary>Brings the merge that a customer has noted to its end, or drops the note when there is none.</summary>
    internal async Task SettleAsync(Versioned<Customer> customer, CancellationToken cancellation)
    {
        var pending = customer.Value.Merging!;
        var slot = await customers.ReadSlotAsync(pending.From, cancellation);
        if (slot is { IsFrozen: true })
        {
            await FinishAsync(pending.From, cancellation);
        }
        else if (slot is { Into: not null } || pending.At < clock.GetUtcNow() - Abandoned)
        {
            await customers.TryReplaceAsync(customer.Value with { Merging = null }, customer.ETag, cancellation);
        }
    }

    /// <summary>From wherever the merge of a frozen customer is. Any number may do it at a time.</summary>
    /// <returns>How many orders this call has moved; null when the customer is not, or not any more, to be merged.</returns>
    private async Task<int?> FinishAsync(string from, CancellationToken cancellation)
    {
        var moved = 0;
        var since = clock.GetTimestamp();
        for (var round = 0; ; round++)
        {
            if (moved > 0 && clock.GetElapsedTime(since) > Turn)
            {
                throw new CustomerMerging(from) { RetryAfterSeconds = 15 }.ToException();
            }

            if (round == MaxRounds)
            {
                throw new CustomerBusy { RetryAfterSeconds = 2 }.ToException();
            }

            await WaitAsync(round, cancellation);
            if (await customers.ReadSlotAsync(from, cancellation) is not { Frozen: { } frozen, Into: { } into } slot)
            {
                return round == 0 ? null : moved;
            }

            var target = (await customers.ReadSlotAsync(into, cancellation)) is { Customer: { } c, ETag: var etag } ? new Versioned<Customer>(c, etag) : null;
            if (target?.Value.Merging?.From != from)
            {
                await customers.RefreshSegmentsAsync(cancellation);
                await customers.TryReplaceSlotAsync(from, CustomerStore.Serialize(customers.Derive(frozen)), slot.ETag, cancellation);
                return null;
            }

            if (target.Value.Merged?.Any(m => m.Id == from) != true)
            {
                if (await MoveSomeAsync(target, from, cancellation) is { } some)
                {
                    moved += some;
                    round = some > 0 ? -1 : round;
                    continue;
                }

                var combined = CustomerMerge.Combine(target.Value, frozen, hasher.KeysOf(frozen).All, clock.GetUtcNow());
                if (await credits.TryReplaceAsync(target, combined, [.. target.Value.Messages, .. frozen.Messages], cancellation) is not { } combinedTag)
                {
                    continue;
                }

                target = new(combined, combinedTag);
            }

            if (await customers.TryReplaceSlotAsync(from, CustomerSlot.Merged(from, into, clock.GetUtcNow(), slot.Marks), slot.ETag, cancellation))
            {
                while (target is { Value.Merging: { } pending } && pending.From == from
                    && await customers.TryReplaceAsync(target.Value with { Merging = null }, target.ETag, cancellation) is null)
                {
                    target = await customers.ReadAsync(into, cancellation);
                }

                return moved;
            }
        }
    }

    /// <returns>How many orders left the other customer; null when it has none. 0: somebody was faster.</returns>
    private async Task<int?> MoveSomeAsync(Versioned<Customer> target, string from, CancellationToken cancellation)
    {
        var some = MergeOrders.FitIn(await orders.ReadOrphansAsync(from, OrdersAtOnce, cancellation));
        if (some.Count == 0)
        {
            return null;
        }

        var numbers = some.SelectMany(o => MergeOrders.NumbersOf(o.Value));
        if (await orders.ReadAsync(target.Value.Id, numbers, cancellation) is not { } known || known.Customer.ETag != target.ETag)
        {
            return 0;
        }

        var (after, writes) = MergeOrders.Plan(target.Value, known.Orders, some.Select(o => o.Value));
        if (writes.Count > 0)
        {
            await customers.RefreshSegmentsAsync(cancellation);
            if (after is null)
            {
                if (await orders.ReadAllAsync(target.Value.Id, cancellation) is not { } all || all.Customer.ETag != target.ETag)
                {
                    return 0;
                }

                var written = writes.Select(w => w.Order.OrderNumber).ToHashSet();
                after = OrderTotals.Of(target.Value, all.Orders.Values.Select(o => o.Value).Where(o => !written.Contains(o.OrderNumber)).Concat(writes.Select(w => w.Order)));
            }

            if (await orders.TryWriteAsync(customers.Derive(after), target.ETag, writes, [], cancellation) is null)
            {
                return 0;
            }
        }

        return await orders.TryDeleteOrphansAsync(from, some.Select(o => (o.Value.Id, o.ETag)), cancellation) ? some.Count : 0;
    }

    private async Task<MergeResult> RepeatedAsync(MergeRequest request, CustomerSlot source, Dictionary<string, CustomerSlot> slots, CancellationToken cancellation)
    {
        var now = source;
        while (now.Into is { } next && now.Id != request.Into)
        {
            now = slots[next];
        }

        if (slots[source.Into!] is { Customer: { Merging.From: var noted } customer, ETag: var etag } && noted == request.From)
        {
            // Killed before its last step, which only a note is left of.
            await SettleAsync(new(customer, etag), cancellation);
        }

        return now.Id == request.Into
            ? new(await ViewAsync(request.Into, cancellation), request.From, 0, [])
            : throw new MergeRefused(CustomerMerged.CodeName, $"Customer {request.From} was merged into {source.Into} before.").ToException();
    }

    /// <summary>Who is being erased stays alone: what is merged into them would go with them.</summary>
    private async Task RefuseErasedAsync(Customer into, Customer from, CancellationToken cancellation)
    {
        if (await writer.AnyErasedAsync([.. hasher.KeysOf(into).All, .. hasher.KeysOf(from).All], cancellation))
        {
            throw new MergeRefused(CustomerErased.CodeName, "One of the two is being erased.").ToException();
        }
    }

    private async Task<CustomerView> ViewAsync(string id, CancellationToken cancellation) =>
        views.Of((await customers.ReadFollowingAsync(id, cancellation) ?? throw new CustomerNotFound(id).ToException()).Value);

    private static Task WaitAsync(int round, CancellationToken cancellation) =>
        round < 1 ? Task.CompletedTask : Task.Delay(RandomNumberGenerator.GetInt32(1, 8 << Math.Min(round, 5)), cancellation);
}
