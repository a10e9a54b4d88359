using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Imports;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Idempotency;

namespace XenoCrm.Privacy;

/// <summary>
/// Erases a person: nothing that says who they were is left, and neither an import nor a request brings them back.
/// <list type="number">
/// <item>The record says what is to be done, before anything is: from here on <see cref="FinishAsync"/> brings it to its end.</item>
/// <item>The keys become tombstones and the addresses suppressed, while the customer is still there: from here on whatever
/// means the person by a key fails. If the customer were removed first, its keys would be free for a moment. What another
/// customer has now, a former email or a number they share, stays theirs and is written to.</item>
/// <item>The customer becomes a void, under the ETag of what was looked at, with as many of its orders as a transaction
/// holds and the counts of what goes. Has anyone written it meanwhile (its id is enough for orders and visits), it is
/// looked at again: it may have got another address. After this nobody can write it or its orders.</item>
/// <item>The rest of the orders goes.</item>
/// <item>The record becomes the certificate.</item>
/// </list>
/// Each step is safe to repeat, by any number of processes at once. There is no way back: no code removes a tombstone.
/// </summary>
public sealed class EraseCustomer(
    WorkspaceStore<Erasure> erasures, CustomerStore customers, CustomerWriter writer, OrderStore orders, MergeCustomers merges,
    SuppressionStore suppressions, BatchStore batches, StoredRequests requests, AddressHasher hasher, IOptions<ImportOptions> imports, TimeProvider clock)
{
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(30);

    /// <summary>What is left after this the timer does.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(20);

    /// <returns>The certificate, the same when the customer was erased before; the record of an erasure that is running when there was too much for one turn.</returns>
    public async Task<Erasure> HandleAsync(string customerId, string requestedBy, CancellationToken cancellation)
    {
        if (await erasures.ReadAsync(customerId, cancellation) is { Value.State: ErasureState.Done } done)
        {
            return done.Value;
        }

        if (await erasures.ReadAsync(customerId, cancellation) is null)
        {
            var customer = await customers.ReadAsync(customerId, cancellation) ?? throw await customers.MissingAsync(customerId, cancellation);
            var begun = new Erasure { Id = customerId, State = ErasureState.Running, CreatedAt = clock.GetUtcNow(), RequestedBy = requestedBy, CustomerIds = [customerId] };
            await erasures.TryCreateAsync(WithPerson(begun, customer.Value), cancellation);
        }

        return await RunAsync(customerId, cancellation);
    }

    /// <summary>Blocks the addresses of somebody who is no customer.</summary>
    public async Task<Erasure> HandleAsync(CustomerDraft person, string requestedBy, CancellationToken cancellation)
    {
        var keys = hasher.KeysOf(person).All.ToList();
        var id = "address-" + string.Join('-', keys.Select(k => k[(k.IndexOf(':', StringComparison.Ordinal) + 1)..]));
        if ((await erasures.ReadAsync(id, cancellation))?.Value is { State: ErasureState.Done } done)
        {
            return done;
        }

        if ((await writer.FindAsync(keys, cancellation)).Values.FirstOrDefault() is { } customer)
        {
            throw new ErasureOfCustomer(customer.Value.Id).ToException();
        }

        await erasures.TryCreateAsync(
            new()
            {
                Id = id, State = ErasureState.Running, CreatedAt = clock.GetUtcNow(), RequestedBy = requestedBy, Keys = keys,
                Addresses = [.. AddressesOf(person.Email, person.Phone, hasher.KeysOf(person), null)],
            }, cancellation);
        return await RunAsync(id, cancellation);
    }

    /// <summary>Goes on with erasures whose process has ended.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        var query = new Microsoft.Azure.Cosmos.QueryDefinition("SELECT * FROM c WHERE c.state = 'running' AND c.createdAt < @before")
            .WithParameter("@before", Platform.UtcTimeConverter.Write(clock.GetUtcNow() - Abandoned));
        var left = new List<string>();
        await foreach (var erasure in erasures.QueryAsync(query, cancellation))
        {
            left.Add(erasure.Value.Id);
        }

        foreach (var id in left)
        {
            await RunAsync(id, cancellation);
        }
    }

    private async Task<Erasure> RunAsync(string id, CancellationToken cancellation)
    {
        var erasure = (await erasures.ReadAsync(id, cancellation))!.Value;
        if (erasure.CustomerIds.Count == 0)
        {
            return await FinishAsync(await BlockAsync(erasure, null, cancellation), null, cancellation);
        }

        var since = clock.GetTimestamp();
        var isBlocked = false;
        for (var round = 0; clock.GetElapsedTime(since) < Turn; round++)
        {
            if (round > 0)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(round, 5)), cancellation);
            }

            var current = erasure.CustomerIds[^1];
            if (await orders.ReadNewestAsync(current, OrderPlan.MaxOrders, cancellation) is not { } found)
            {
                var slot = await customers.ReadSlotAsync(current, cancellation);
                if (slot?.Into is { } into)
                {
                    // Merged before the keys were tombstones: the person is the other one now, or in a moment.
                    erasure = slot.IsFrozen ? erasure : await NoteAsync(id, e => e with { CustomerIds = [.. e.CustomerIds.Append(into).Distinct()] }, cancellation);
                    continue;
                }

                // A plain deletion may have come first, and freed the keys: what the certificate says is blocked is blocked.
                erasure = await BlockAsync(erasure, null, cancellation);
                while (await orders.DeleteSomeOrphansAsync(current, cancellation))
                {
                    if (clock.GetElapsedTime(since) >= Turn)
                    {
                        return erasure;
                    }
                }

                foreach (var customerId in erasure.CustomerIds)
                {
                    await requests.ForgetAsync(customerId, cancellation);
                }

                return await FinishAsync(erasure, slot?.Removed, cancellation);
            }

            var customer = found.Customer.Value;
            if (customer.Merging is not null)
            {
                await merges.SettleAsync(found.Customer, cancellation);
                continue;
            }

            // Once, and when somebody has changed what the person is known by: else those who keep writing are always faster.
            var person = WithPerson(erasure, customer);
            if (!isBlocked || person.Keys.Count > erasure.Keys.Count || person.Addresses.Count > erasure.Addresses.Count || person.CustomerIds.Count > erasure.CustomerIds.Count)
            {
                erasure = await NoteAsync(id, e => WithPerson(e, customer), cancellation);
                var blocked = await BlockAsync(erasure, customer, cancellation);
                if (blocked.KeysOfOthers.Count > erasure.KeysOfOthers.Count || blocked.AddressesOfOthers.Count > erasure.AddressesOfOthers.Count)
                {
                    // While the customer is there: afterwards nobody knows the number to look for.
                    erasure = await NoteAsync(id, e => WithOthers(e, blocked), cancellation);
                }

                isBlocked = true;
            }

            // An order that comes after it was counted changes the customer's ETag.
            var removed = Count(customer, found.Orders.Count < OrderPlan.MaxOrders ? found.Orders.Count : await orders.CountAsync(current, cancellation));
            await orders.TryVoidAsync(
                found.Customer, CustomerSlot.Void(current, clock.GetUtcNow(), customer.Imports, removed), found.Orders.Values.Select(o => (o.Value.Id, o.ETag)), cancellation);
        }

        return erasure;
    }

    /// <summary>Everything that the person is or was known by. Nothing is ever taken out of the record.</summary>
    private Erasure WithPerson(Erasure erasure, Customer customer)
    {
        var keys = hasher.KeysOf(customer).All
            .Concat(customer.FormerKeys ?? [])
            .Concat((customer.Merged ?? []).SelectMany(m => m.Keys));
        var push = SendRules.Address(customer, Channel.Push);

        // The hash of an email is the same in its key: former ones are blocked too, though nobody knows them any more.
        var emails = keys.Where(k => k.StartsWith("email:", StringComparison.Ordinal)).Select(k => new ErasedAddress(Channel.Email.Name(), k["email:".Length..], k));
        return erasure with
        {
            CustomerIds = [.. (customer.Merged ?? []).Select(m => m.Id).Concat(erasure.CustomerIds).Where(i => i != customer.Id).Distinct(), customer.Id],
            Keys = [.. erasure.Keys.Union(keys)],
            Addresses = [.. erasure.Addresses.Union(AddressesOf(customer.Email, customer.Phone, hasher.KeysOf(customer), push)).Union(emails)],
        };
    }

    private IEnumerable<ErasedAddress> AddressesOf(string? email, string? phone, IdentityKeys keys, string? push)
    {
        ErasedAddress Of(Channel channel, string address, string? key) => new(channel.Name(), hasher.Hash(channel, address), key);
        return new[]
        {
            email is null ? null : Of(Channel.Email, email, keys.Email), phone is null ? null : Of(Channel.Sms, phone, keys.Phone),
            phone is null ? null : Of(Channel.WhatsApp, phone, keys.Phone), push is null ? null : Of(Channel.Push, push, null),
        }.OfType<ErasedAddress>();
    }

    /// <param name="customer">As it is now; null when it is gone, and who shares its number has been noted.</param>
    /// <returns>With what is another's.</returns>
    private async Task<Erasure> BlockAsync(Erasure erasure, Customer? customer, CancellationToken cancellation)
    {
        var others = await writer.EraseKeysAsync(erasure.Keys, erasure.CustomerIds.ToHashSet(), erasure.CreatedAt, cancellation);

        // The number's key names only its first owner. It is a tombstone by now: nobody gets the number anew.
        var shared = customer is { PhoneUsable: true, Phone: { } phone } && (await customers.IdsByPhoneAsync(phone, cancellation)).Except(erasure.CustomerIds).Any()
            ? hasher.Phone(phone) : null;
        erasure = erasure with
        {
            KeysOfOthers = [.. erasure.KeysOfOthers.Union(others)],
            AddressesOfOthers = [.. erasure.AddressesOfOthers.Union(erasure.Addresses.Where(a => a.Key is { } key && (others.Contains(key) || key == shared)))],
        };
        foreach (var address in erasure.Addresses.Except(erasure.AddressesOfOthers))
        {
            var channel = Enum.GetValues<Channel>().Single(c => c.Name() == address.Channel);
            await suppressions.EraseAsync(new(address.Hash, channel, Suppression.ErasedReason, erasure.CreatedAt, "erasure"), cancellation);
        }

        return erasure;
    }

    private static Erasure WithOthers(Erasure erasure, Erasure found) => erasure with
    {
        KeysOfOthers = [.. erasure.KeysOfOthers.Union(found.KeysOfOthers)],
        AddressesOfOthers = [.. erasure.AddressesOfOthers.Union(found.AddressesOfOthers)],
    };

    private static RemovedCounts Count(Customer c, int orders) => new(
        orders,
        ProfileFields: new object?[] { c.ExternalId, c.FirstName, c.LastName, c.Email, c.Phone, c.City, c.Region, c.Country, c.PostalCode, c.Company, c.Language, c.TimeZone, c.Birthday, c.Source }.Count(v => v is not null),
        Attributes: c.Attributes.Count, Tags: c.Tags.Count, ConsentAnswers: c.Consent.Count, PastEvents: c.Past.Count, Visits: c.Visits, Segments: c.SegmentIds.Count);

    private async Task<Erasure> NoteAsync(string id, Func<Erasure, Erasure> change, CancellationToken cancellation) =>
        (await erasures.UpdateAsync(id, e => e.State == ErasureState.Done ? null : change(e), cancellation))!.Value;

    private async Task<Erasure> FinishAsync(Erasure erasure, RemovedCounts? removed, CancellationToken cancellation)
    {
        var messages = 0;
        foreach (var customer in erasure.CustomerIds)
        {
            messages += await batches.CountMessagesAsync(customer, cancellation);
        }

        var now = clock.GetUtcNow();
        var remains = new List<RemainingData>
        {
            new("keyed hashes of external id, email and phone", "so that the person is never imported or created again", Count: erasure.Keys.Count - erasure.KeysOfOthers.Count),
            new("keyed hashes of addresses", "so that they are never written to again", Count: erasure.Addresses.Count - erasure.AddressesOfOthers.Count),
            new("files, row errors and journals of imports, which may hold rows of the person", "to account for and undo imports", now + imports.Value.FileRetention),
        };
        if (erasure.CustomerIds.Count > 0)
        {
            remains.Add(new("an empty item under each customer id", "so that the id never means anyone else", Count: erasure.CustomerIds.Count));
        }

        if (erasure.AddressesOfOthers.Count > 0)
        {
            remains.Add(new("addresses that another customer has now", "they are that customer's, who is still written to", Count: erasure.AddressesOfOthers.Count));
        }

        if (messages > 0)
        {
            remains.Add(new("messages: customer id, state, times, events with their user agents, the keyed hash of the address and its domain where others have it too, without content", "so that the figures of campaigns stay right", Count: messages));
        }

        return await NoteAsync(erasure.Id, e => WithOthers(e, erasure) with { State = ErasureState.Done, FinishedAt = now, Removed = removed, Remains = remains }, cancellation);
    }
}
