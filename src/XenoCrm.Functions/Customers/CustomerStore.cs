using System.Net;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Customers;

/// <summary>
/// Customers as stored. Every write under an ETag, and every write through <see cref="Derive"/>, so that derived fields
/// and segment membership are right the moment it returns. Creating customers and changing what identifies them is the
/// <see cref="CustomerWriter"/>'s.
/// </summary>
public sealed class CustomerStore(CosmosDatabase database, ISegmentTagger tagger, TimeProvider clock)
{
    public const string ContainerName = "customers";

    /// <summary>
    /// What rules and lists ask for is indexed, value by value: each costs request units on every write that changes it.
    /// The partition key is named because Cosmos does not index it by itself. Lists sort by one value and the id.
    /// </summary>
    public static readonly ContainerDefinition Definition = new(
        ContainerName,
        "/customerId",
        [
            "/customerId/?", "/type/?",
            "/externalId/?", "/firstName/?", "/lastName/?", "/email/?", "/phone/?", "/phoneUsable/?",
            "/city/?", "/region/?", "/country/?", "/postalCode/?", "/company/?", "/language/?", "/timeZone/?", "/birthday/?",
            "/tags/[]/?", "/source/?", "/createdAt/?", "/updatedAt/?", "/attributes/*",
            .. CustomerNormalizer.Channels.Select(channel => $"/consent/{channel}/state/?"),
            "/totalSpend/?", "/orderCount/?", "/averageOrderValue/?", "/firstOrderAt/?", "/lastOrderAt/?",
            "/visits/?", "/lastVisitAt/?", "/lastActiveAt/?", "/categories/*",
            "/engagement/sent/?", "/engagement/delivered/?", "/engagement/opened/?", "/engagement/clicked/?",
            "/engagement/lastOpenedAt/?", "/engagement/lastClickedAt/?",
            "/rfm/recency/?", "/rfm/frequency/?", "/rfm/monetary/?", "/rfm/segment/?",
            "/segmentIds/[]/?", "/search/[]/?", "/sortName/?",
            "/deletingAt/?",

            // Of orders.
            "/sortKey/?", "/changeKey/?", "/amountKey/?", "/orderNumber/?", "/status/?", "/items/[]/category/?", "/credit/campaignId/?", "/compared/[]/campaignId/?",
        ],
        [.. CustomerSort.Paths.Select(path => new[] { path, "/id" })]);

    private const int OccupiedAtOnce = 200;

    /// <summary>An answer of some 750 KB, which lies in memory three times while it is taken apart.</summary>
    private const int ReadAtOnce = 500;

    private readonly Container container = database.Container(ContainerName);

    /// <summary>Null when there is no such customer (any more).</summary>
    /// <exception cref="ProblemException">It was merged into another: the problem says into which.</exception>
    public async Task<Versioned<Customer>?> ReadAsync(string id, CancellationToken cancellation)
    {
        var slot = await ReadSlotAsync(id, cancellation);
        slot?.ThrowIfMerged();
        return slot is { Customer: { } customer, ETag: var etag } ? new(customer, etag) : null;
    }

    /// <summary>As <see cref="ReadAsync"/>, or the customer that it was merged into.</summary>
    public async Task<Versioned<Customer>?> ReadFollowingAsync(string id, CancellationToken cancellation)
    {
        var slot = await ReadSlotAsync(id, cancellation);
        while (slot?.Into is { } into)
        {
            slot = await ReadSlotAsync(into, cancellation);
        }

        return slot is { Customer: { } customer, ETag: var etag } ? new(customer, etag) : null;
    }

    /// <summary>Why there is no customer under an id: it was merged into another, or there is none.</summary>
    public async Task<ProblemException> MissingAsync(string id, CancellationToken cancellation)
    {
        (await ReadSlotAsync(id, cancellation))?.ThrowIfMerged();
        return new CustomerNotFound(id).ToException();
    }

    internal async Task<CustomerSlot?> ReadSlotAsync(string id, CancellationToken cancellation)
    {
        if (!Ids.CanBe(id))
        {
            return null;
        }

        using var answer = await container.ReadItemStreamAsync(id, new PartitionKey(id), cancellationToken: cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        answer.EnsureSuccessStatusCode();
        using var document = await JsonDocument.ParseAsync(answer.Content, cancellationToken: cancellation);
        var slot = CustomerSlot.From(document.RootElement);
        if (slot.Customer is { } customer)
        {
            AuditTrail.Read(id, customer);
        }

        return slot;
    }

    /// <summary>Any number of customers in one request per thousand; missing ones are left out. In no particular order.</summary>
    public async Task<IReadOnlyList<Versioned<Customer>>> ReadManyAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var found = new List<Versioned<Customer>>(ids.Count);
        foreach (var slot in (await ReadSlotsAsync(ids, cancellation)).Values)
        {
            if (slot.Customer is { } customer)
            {
                found.Add(new(customer, slot.ETag));
            }
        }

        return found;
    }

    /// <summary>
    /// Replaces what was read under <paramref name="etag"/>, with derived fields and segments recomputed. What identifies
    /// the customer must be as it was read.
    /// </summary>
    /// <returns>The new ETag, or null when someone else was faster: read again and repeat.</returns>
    public async Task<string?> TryReplaceAsync(Customer customer, string etag, CancellationToken cancellation)
    {
        await tagger.RefreshAsync(cancellation);
        return await TryReplaceDerivedAsync(Derive(customer), etag, cancellation);
    }

    /// <summary>As <see cref="TryReplaceAsync"/>, for what <see cref="Derive"/> has gone over already.</summary>
    internal async Task<string?> TryReplaceDerivedAsync(Customer customer, string etag, CancellationToken cancellation)
    {
        using var content = Serialize(customer);
        using var answer = await container.ReplaceItemStreamAsync(
            content, customer.Id, new PartitionKey(customer.Id), new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false }, cancellation);
        if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return null;
        }

        answer.EnsureSuccessStatusCode();
        AuditTrail.Replaced(customer.Id, customer);
        return answer.Headers.ETag;
    }

    /// <summary>Replaces whatever is stored under the id, as <see cref="CustomerSlot"/> writes it.</summary>
    internal async Task<bool> TryReplaceSlotAsync(string id, MemoryStream content, string etag, CancellationToken cancellation)
    {
        using var body = content;
        using var answer = await container.ReplaceItemStreamAsync(body, id, new PartitionKey(id), new() { IfMatchEtag = etag, EnableContentResponseOnWrite = false }, cancellation);
        if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
        {
            return false;
        }

        answer.EnsureSuccessStatusCode();
        return true;
    }

    /// <summary>Customers that have this number, which people share: an identity names only the first of them.</summary>
    internal async Task<IReadOnlyList<string>> IdsByPhoneAsync(string e164, CancellationToken cancellation)
    {
        var query = new QueryDefinition("SELECT VALUE c.id FROM c WHERE c.type = 'customer' AND c.phone = @phone").WithParameter("@phone", e164);
        using var pages = container.GetItemQueryIterator<string>(query);
        var ids = new List<string>();
        while (pages.HasMoreResults)
        {
            ids.AddRange(await pages.ReadNextAsync(cancellation));
        }

        return ids;
    }

    /// <summary>Customers whose merge began before that time and is not done.</summary>
    internal Task<IReadOnlyList<string>> FrozenBeforeAsync(DateTimeOffset before, CancellationToken cancellation) =>
        IdsBeforeAsync($"c.type = '{CustomerSlot.MergingType}' AND c.at < @before", before, cancellation);

    /// <summary>Customers that were deleted before that time and have orders left.</summary>
    internal Task<IReadOnlyList<string>> VoidsWithOrdersAsync(DateTimeOffset before, CancellationToken cancellation) =>
        IdsBeforeAsync("c.deletingAt < @before", before, cancellation);

    private async Task<IReadOnlyList<string>> IdsBeforeAsync(string where, DateTimeOffset before, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT TOP 200 VALUE c.id FROM c WHERE {where}").WithParameter("@before", UtcTimeConverter.Write(before));
        using var pages = container.GetItemQueryIterator<string>(query);
        var ids = new List<string>();
        while (pages.HasMoreResults)
        {
            ids.AddRange(await pages.ReadNextAsync(cancellation));
        }

        return ids;
    }

    /// <summary>
    /// Sets messages, engagement and the segments that follow from it, each under the ETag the customer was read with.
    /// <see cref="Customer.UpdatedAt"/> stays: nobody has edited the customer.
    /// </summary>
    /// <returns>The ids of those that someone else changed or removed meanwhile.</returns>
    public Task<IReadOnlyList<string>> SetMessagesAsync(
        IReadOnlyCollection<(Versioned<Customer> Before, Customer After)> changes, CancellationToken cancellation) =>
        PatchManyAsync(
            [.. changes.Select(change =>
            {
                var segments = tagger.SegmentsOf(change.After);
                List<PatchOperation> operations = [PatchOperation.Set("/messages", change.After.Messages), PatchOperation.Set("/engagement", change.After.Engagement)];
                if (!segments.SequenceEqual(change.Before.Value.SegmentIds))
                {
                    operations.Add(PatchOperation.Set("/segmentIds", segments));
                }

                return (change.Before, (IReadOnlyList<PatchOperation>)operations);
            })],
            cancellation);

    /// <summary>Sets what counts for the caps, each under the ETag the customer was read with. Nothing else of the customer follows from it.</summary>
    /// <returns>The ids of those that someone else changed or removed meanwhile.</returns>
    public Task<IReadOnlyList<string>> SetContactsAsync(IReadOnlyCollection<(Versioned<Customer> Customer, IReadOnlyList<Contact> Contacts)> changes, CancellationToken cancellation) =>
        PatchManyAsync([.. changes.Select(c => (c.Customer, (IReadOnlyList<PatchOperation>)[PatchOperation.Set("/contacts", c.Contacts)]))], cancellation);

    private async Task<IReadOnlyList<string>> PatchManyAsync(
        IReadOnlyCollection<(Versioned<Customer> Customer, IReadOnlyList<PatchOperation> Operations)> changes, CancellationToken cancellation)
    {
        // A group that never fills would wait 100 ms for nothing.
        var to = changes.Count > 20 ? database.BulkContainer(ContainerName) : container;
        var kept = await Task.WhenAll(changes.Select(async change =>
        {
            var id = change.Customer.Value.Id;
            using var answer = await to.PatchItemStreamAsync(
                id, new PartitionKey(id), change.Operations, new() { IfMatchEtag = change.Customer.ETag, EnableContentResponseOnWrite = false }, cancellation);
            if (to != container)
            {
                RequestCharges.Add(answer.Headers.RequestCharge);
            }

            if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
            {
                return id;
            }

            answer.EnsureSuccessStatusCode();
            return null;
        }));
        return [.. kept.OfType<string>()];
    }

    /// <summary>
    /// The one place that recomputes what follows from the rest: average, last activity, time of change, search terms, segments.
    /// Every write path calls it last. The rules must be recent: see <see cref="RefreshSegmentsAsync"/>.
    /// </summary>
    public Customer Derive(Customer customer)
    {
        var derived = customer with
        {
            AverageOrderValue = customer.OrderCount > 0
                ? (long)decimal.Round((decimal)customer.TotalSpend / customer.OrderCount, 0, MidpointRounding.ToEven)
                : null,
            LastActiveAt = Later(customer.LastOrderAt, customer.LastVisitAt),
            UpdatedAt = clock.GetUtcNow(),
            Search = CustomerSearch.TermsOf(customer),
            SortName = CustomerSearch.SortNameOf(customer),
        };
        return derived with { SegmentIds = tagger.SegmentsOf(derived) };
    }

    /// <summary>The customer with the segments that follow from it, where nobody has edited it. As <see cref="Derive"/>, else.</summary>
    public Customer Tagged(Customer customer) => customer with { SegmentIds = tagger.SegmentsOf(customer) };

    /// <summary>Once before a run of calls to <see cref="Derive"/>.</summary>
    public ValueTask RefreshSegmentsAsync(CancellationToken cancellation) => tagger.RefreshAsync(cancellation);

    public async Task<long> CountAsync(CustomerFilter filter, CancellationToken cancellation)
    {
        var total = 0L;
        await foreach (var count in QueryAsync<long>("SELECT VALUE COUNT(1) FROM c WHERE {0}", filter, null, cancellation))
        {
            total += count.Value;
        }

        return total;
    }

    /// <summary>Some of them, in no particular order.</summary>
    public async Task<IReadOnlyList<Customer>> SampleAsync(CustomerFilter filter, int count, CancellationToken cancellation)
    {
        var sample = new List<Customer>(count);
        await foreach (var customer in QueryAsync<Customer>($"SELECT TOP {count} * FROM c WHERE {{0}}", filter, null, cancellation))
        {
            sample.Add(customer.Value);
        }

        return sample;
    }

    /// <summary>
    /// The ids after <paramref name="afterId"/> in id order: by key and not by a continuation token, so that a page can be
    /// asked for again after a crash and whatever changes meanwhile. Fewer than <paramref name="limit"/>: it was the last.
    /// </summary>
    public async Task<IReadOnlyList<string>> PageIdsAsync(CustomerFilter filter, string? afterId, int limit, CancellationToken cancellation)
    {
        var page = new List<string>(limit);
        await foreach (var id in QueryAsync<string>($"SELECT TOP {limit} VALUE c.id FROM c WHERE c.id > @after AND {{0}} ORDER BY c.id", filter, afterId ?? "", cancellation))
        {
            page.Add(id.Value);
        }

        return page;
    }

    /// <summary>As <see cref="PageIdsAsync"/>, whole customers.</summary>
    public async Task<IReadOnlyList<Versioned<Customer>>> PageAsync(CustomerFilter filter, string? afterId, int limit, CancellationToken cancellation)
    {
        var page = new List<Versioned<Customer>>(limit);
        await foreach (var customer in QueryAsync<Customer>($"SELECT TOP {limit} * FROM c WHERE c.id > @after AND {{0}} ORDER BY c.id", filter, afterId ?? "", cancellation))
        {
            page.Add(customer);
        }

        return page;
    }

    /// <summary>One page in an order of <see cref="CustomerSort"/>.</summary>
    /// <param name="orderBy">Without the keywords: <c>c.totalSpend DESC, c.id DESC</c>.</param>
    internal async Task<IReadOnlyList<Customer>> SortedPageAsync(CustomerFilter filter, string orderBy, int limit, CancellationToken cancellation)
    {
        var page = new List<Customer>(limit);
        await foreach (var customer in QueryAsync<Customer>($"SELECT TOP {limit} * FROM c WHERE {{0}} ORDER BY {orderBy}", filter, null, cancellation))
        {
            page.Add(customer.Value);
        }

        return page;
    }

    /// <summary>What is stored under each id, and under those that they were merged into; nothing: it is not in the answer.</summary>
    internal async Task<Dictionary<string, CustomerSlot>> ReadSlotsAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var slots = new Dictionary<string, CustomerSlot>(ids.Count);
        for (var missing = ids; missing.Count > 0; missing = [.. slots.Values.Select(s => s.Into).OfType<string>().Where(into => !slots.ContainsKey(into)).Distinct()])
        {
            await ReadSlotsAsync(missing, slots, cancellation);
            foreach (var id in missing.Where(id => !slots.ContainsKey(id)))
            {
                // Nobody is merged into what was never there; should it be so, there is nobody.
                if (!ids.Contains(id))
                {
                    slots[id] = new(id, null, "");
                }
            }
        }

        return slots;
    }

    private Task ReadSlotsAsync(IReadOnlyCollection<string> ids, Dictionary<string, CustomerSlot> slots, CancellationToken cancellation) =>
        CosmosPages.ReadManyAsync(
            container,
            ids,
            ReadAtOnce,
            element =>
            {
                var slot = CustomerSlot.From(element);
                slots[slot.Id] = slot;
            },
            cancellation);

    /// <summary>Those of the customers that have anything in their partition beside themselves.</summary>
    internal async Task<HashSet<string>> OccupiedAsync(IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var occupied = new HashSet<string>();
        foreach (var chunk in ids.Chunk(OccupiedAtOnce))
        {
            var query = new QueryDefinition("SELECT VALUE c.customerId FROM c WHERE ARRAY_CONTAINS(@ids, c.customerId) AND c.id != c.customerId").WithParameter("@ids", chunk);
            using var pages = container.GetItemQueryStreamIterator(query);
            while (pages.HasMoreResults)
            {
                occupied.UnionWith((await CosmosPages.ReadAsync<string>(pages, cancellation)).Select(v => v.Value));
            }
        }

        return occupied;
    }

    internal static MemoryStream Serialize<T>(T item) => new(JsonSerializer.SerializeToUtf8Bytes(item, Json.Options));

    private async IAsyncEnumerable<Versioned<T>> QueryAsync<T>(
        string sql, CustomerFilter filter, string? position, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var pages = container.GetItemQueryStreamIterator(filter.ToQuery(sql, position));
        while (pages.HasMoreResults)
        {
            foreach (var item in await CosmosPages.ReadAsync<T>(pages, cancellation))
            {
                yield return item;
            }
        }
    }

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null || b > a ? b : a;
}
