using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Delivery;

public sealed class BatchStore(CosmosDatabase database)
{
    public static readonly ContainerDefinition Definition =
        new("deliveries", "/id", ["/campaignId/?", "/state/?", "/unrecorded/?", "/uncertain/?", "/recipients/[]/c/?"], []);

    /// <summary>Up to so many writes go as single requests at once: the bulk client would wait 100 ms for others to join them.</summary>
    private const int FewWrites = 3;

    private readonly Lock gate = new();
    private double typicalWrite;

    private readonly Container direct = database.Container(Definition.Name);
    private readonly Container bulk = database.BulkContainer(Definition.Name);

    /// <summary>What a replacement of a batch is charged of late, in request units.</summary>
    public double TypicalWrite
    {
        get
        {
            lock (gate)
            {
                return typicalWrite;
            }
        }
    }

    /// <summary>Creates what does not exist; what exists stays as it is.</summary>
    public async Task CreateManyAsync(IReadOnlyCollection<Batch> batches, CancellationToken cancellation)
    {
        var container = For(batches.Count);
        await Task.WhenAll(batches.Select(async batch =>
        {
            using var answer = await container.CreateItemStreamAsync(Serialize(batch), new PartitionKey(batch.Id), cancellationToken: cancellation);
            Charge(answer, container);
            if (answer.StatusCode != HttpStatusCode.Conflict)
            {
                answer.EnsureSuccessStatusCode();
            }
        }));
    }

    /// <summary>Those that exist, in the order asked for, in one request.</summary>
    public async Task<IReadOnlyList<Versioned<Batch>>> ReadManyAsync(IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        if (ids.Count == 0)
        {
            return [];
        }

        using var answer = await direct.ReadManyItemsStreamAsync([.. ids.Select(id => (id, new PartitionKey(id)))], cancellationToken: cancellation);
        var found = (await CosmosPages.ReadAsync<Batch>(answer, cancellation)).ToDictionary(b => b.Value.Id);
        return [.. ids.Where(found.ContainsKey).Select(id => found[id])];
    }

    /// <summary>Replaces each under its ETag.</summary>
    /// <returns>For each, the new ETag, or null when someone else was faster or it is gone.</returns>
    public async Task<string?[]> TryReplaceManyAsync(IReadOnlyCollection<Versioned<Batch>> batches, CancellationToken cancellation)
    {
        var container = For(batches.Count);
        return await Task.WhenAll(batches.Select(async batch =>
        {
            var (value, etag) = batch;
            using var answer = await container.ReplaceItemStreamAsync(
                Serialize(value), value.Id, new PartitionKey(value.Id), new() { IfMatchEtag = etag }, cancellation);
            Charge(answer, container);
            if (answer.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.NotFound)
            {
                return null;
            }

            answer.EnsureSuccessStatusCode();
            lock (gate)
            {
                typicalWrite += (answer.Headers.RequestCharge - typicalWrite) / (typicalWrite == 0 ? 1 : 32);
            }

            return answer.Headers.ETag;
        }));
    }

    /// <summary>
    /// Applies <paramref name="change"/> to each batch until it is stored, starting from what the caller has read. It runs
    /// again on what another writer stored meanwhile, and returns null to leave the batch as it is.
    /// </summary>
    /// <returns>What is stored afterwards. A batch that does not exist any more is left out.</returns>
    public async Task<IReadOnlyList<Versioned<Batch>>> ChangeAsync(
        IReadOnlyList<Versioned<Batch>> batches, Func<Batch, Batch?> change, CancellationToken cancellation)
    {
        var done = new List<Versioned<Batch>>(batches.Count);
        for (var attempt = 0; batches.Count > 0; attempt++)
        {
            if (attempt > 0)
            {
                // Who lost against a writer that is itself in the middle of a run of writes does better not to hurry.
                await Task.Delay(Math.Min(5 * attempt, 50), cancellation);
                batches = await ReadManyAsync([.. batches.Select(b => b.Value.Id)], cancellation);
            }

            var changed = new List<Versioned<Batch>>(batches.Count);
            foreach (var batch in batches)
            {
                if (change(batch.Value) is { } next)
                {
                    changed.Add(new(next, batch.ETag));
                }
                else
                {
                    done.Add(batch);
                }
            }

            var etags = await TryReplaceManyAsync(changed, cancellation);
            done.AddRange(changed.Zip(etags).Where(c => c.Second is not null).Select(c => new Versioned<Batch>(c.First.Value, c.Second!)));
            batches = [.. changed.Zip(etags).Where(c => c.Second is null).Select(c => c.First)];
        }

        return done;
    }

    /// <summary>Batches with unknown messages that one of these vendors may have.</summary>
    public Task<List<string>> UncertainAsync(IReadOnlyList<string> vendors, int limit, CancellationToken cancellation)
    {
        var any = string.Join(" OR ", vendors.Select((_, i) => $"ARRAY_CONTAINS(c.vendors, @vendor{i})"));
        var query = new QueryDefinition($"SELECT TOP {limit} VALUE c.id FROM c WHERE c.uncertain = true AND ({any})");
        for (var i = 0; i < vendors.Count; i++)
        {
            query.WithParameter($"@vendor{i}", vendors[i]);
        }

        return QueryAsync<string>(query, cancellation);
    }

    /// <summary>How many batches of the campaign have messages to send now, and how many others have some for later.</summary>
    /// <remarks>In one query: a batch that goes from one to the other meanwhile is in one of the two, and not in neither.</remarks>
    public async Task<(int Ready, int Waiting)> CountOpenAsync(string campaignId, CancellationToken cancellation)
    {
        var query = Where("SELECT c.state AS state, COUNT(1) AS count FROM c", campaignId, $" AND {IsOpen} GROUP BY c.state");
        var counts = (await QueryAsync<StateCount>(query, cancellation)).ToLookup(c => c.State == BatchState.Waiting, c => c.Count);
        return (counts[false].Sum(), counts[true].Sum());
    }

    private const string IsOpen = "c.state IN ('queued', 'sending', 'waiting')";

    private sealed record StateCount(BatchState State, int Count);

    /// <summary>Messages that the vendor took and that did not fail, by the place of their variant, and those of them for which a condition over <c>r</c> holds; null: none is asked for.</summary>
    public async Task<IReadOnlyDictionary<int, (int Sent, int Successes)>> CountVariantsAsync(string campaignId, string? success, CancellationToken cancellation)
    {
        var sent = CountAsync("true");
        var successes = success is null ? [] : await CountAsync(success);
        return (await sent).ToDictionary(s => s.Key, s => (s.Value, successes.GetValueOrDefault(s.Key)));

        async Task<Dictionary<int, int>> CountAsync(string condition)
        {
            var query = Where($"SELECT r.v ?? 0 AS variant, COUNT(1) AS count FROM c JOIN r IN c.recipients", campaignId, $" AND IS_DEFINED(r.a) AND r.s NOT IN ('failed', 'bounced') AND {condition} GROUP BY r.v ?? 0");
            return (await QueryAsync<VariantCount>(query, cancellation)).GroupBy(c => c.Variant).ToDictionary(c => c.Key, c => c.Sum(n => n.Count));
        }
    }

    private sealed record VariantCount(int Variant, int Count);

    /// <summary>The numbers of the batches that have messages to send, now or later, ascending.</summary>
    public async Task<IReadOnlyList<int>> OpenNumbersAsync(string campaignId, CancellationToken cancellation)
    {
        var query = Where("SELECT VALUE c.number FROM c", campaignId, $" AND {IsOpen}");
        return [.. (await QueryAsync<int>(query, cancellation)).Order()];
    }

    /// <summary>As <see cref="RetryFailed.IsRetryable"/>, of <c>r</c> in the campaign's batches.</summary>
    private static readonly string Retryable =
        $"r.s = 'failed' AND NOT IS_DEFINED(r.a) AND (r.r IN ('{Reasons.Poison}', '{Reasons.NotTaken}') OR r.n > {Sender.MaxDeferrals.ToString(System.Globalization.CultureInfo.InvariantCulture)})";

    /// <summary>How many messages failed for a passing reason.</summary>
    public async Task<int> CountRetryableAsync(string campaignId, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT VALUE COUNT(1) FROM c JOIN r IN c.recipients WHERE c.campaignId = @campaign AND {Retryable}").WithParameter("@campaign", campaignId);
        return (await QueryAsync<int>(query, cancellation)).Sum();
    }

    /// <summary>The numbers of the batches with such messages, ascending.</summary>
    public async Task<IReadOnlyList<int>> RetryableNumbersAsync(string campaignId, CancellationToken cancellation)
    {
        var query = new QueryDefinition($"SELECT DISTINCT VALUE c.number FROM c JOIN r IN c.recipients WHERE c.campaignId = @campaign AND {Retryable}").WithParameter("@campaign", campaignId);
        return [.. (await QueryAsync<int>(query, cancellation)).Distinct().Order()];
    }

    /// <summary>Batches whose customers are to be told of something, and that nothing has been written to for <paramref name="quiet"/>.</summary>
    public Task<List<string>> UnrecordedAsync(int limit, TimeSpan quiet, CancellationToken cancellation) => QueryAsync<string>(
        new QueryDefinition($"SELECT TOP {limit} VALUE c.id FROM c WHERE c.unrecorded = true AND c._ts * 1000 <= GetCurrentTimestamp() - @quiet")
            .WithParameter("@quiet", (long)quiet.TotalMilliseconds),
        cancellation);

    /// <param name="campaignId">Null: over all campaigns.</param>
    public async Task<BatchSums> SumAsync(string? campaignId, CancellationToken cancellation) =>
        BatchSums.Of(await QueryAsync<Dictionary<string, JsonElement>>(Where($"SELECT {BatchSums.Columns} FROM c", campaignId), cancellation));

    public Task<IReadOnlyDictionary<string, BatchSums>> SumByCampaignAsync(CancellationToken cancellation) => SumByAsync("c.campaignId", "true", cancellation);

    /// <summary>Of these campaigns; one without batches is not in it.</summary>
    public Task<IReadOnlyDictionary<string, BatchSums>> SumByCampaignAsync(IReadOnlyCollection<string> campaignIds, CancellationToken cancellation) =>
        SumByAsync("c.campaignId", "ARRAY_CONTAINS(@ids, c.campaignId)", cancellation, campaignIds);

    /// <summary>Of batches that only one vendor has got messages of.</summary>
    public Task<IReadOnlyDictionary<string, BatchSums>> SumByVendorAsync(CancellationToken cancellation) => SumByAsync("c.vendors[0]", "ARRAY_LENGTH(c.vendors) = 1", cancellation);

    public IAsyncEnumerable<Batch> OfSeveralVendorsAsync(CancellationToken cancellation) => ReadAllAsync(new("SELECT * FROM c WHERE ARRAY_LENGTH(c.vendors) > 1"), cancellation);

    /// <summary>What the campaign's recipients add up to, by an expression over <c>r</c> in <c>c</c>.</summary>
    public async Task<IReadOnlyList<(JsonElement Key, BatchSums Sums)>> GroupRecipientsAsync(string campaignId, string key, string condition, CancellationToken cancellation) =>
        [.. (await QueryAsync<Dictionary<string, JsonElement>>(
            Where($"SELECT {key} AS k, {BatchSums.RecipientColumns} FROM c JOIN r IN c.recipients", campaignId, $" AND {condition} GROUP BY {key}"), cancellation))
            .Select(r => (r.GetValueOrDefault("k"), BatchSums.OfRecipients(r)))];

    private async Task<IReadOnlyDictionary<string, BatchSums>> SumByAsync(string key, string condition, CancellationToken cancellation, IReadOnlyCollection<string>? ids = null) =>
        (await QueryAsync<Dictionary<string, JsonElement>>(
            new QueryDefinition($"SELECT {key} AS k, {BatchSums.Columns} FROM c WHERE {condition} GROUP BY {key}").WithParameter("@ids", ids ?? []), cancellation))
            .GroupBy(r => r["k"].GetString()!).ToDictionary(r => r.Key, r => BatchSums.Of([.. r]));

    private async IAsyncEnumerable<Batch> ReadAllAsync(QueryDefinition query, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var pages = direct.GetItemQueryStreamIterator(query, requestOptions: new() { MaxItemCount = 200 });
        while (pages.HasMoreResults)
        {
            foreach (var batch in await CosmosPages.ReadAsync<Batch>(pages, cancellation))
            {
                yield return batch.Value;
            }
        }
    }

    public async Task<IReadOnlyDictionary<string, int>> ReasonsAsync(string? campaignId, CancellationToken cancellation)
    {
        var query = Where("SELECT r.reason AS reason, SUM(r[\"count\"]) AS count FROM c JOIN r IN c.reasons", campaignId, " GROUP BY r.reason");
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in await QueryAsync<ReasonCount>(query, cancellation))
        {
            reasons[row.Reason] = reasons.GetValueOrDefault(row.Reason) + row.Count;
        }

        return reasons;
    }

    /// <summary>The batches that hold a message to the customer: by the index of the recipients' ids, whose terms never change after a batch is created.</summary>
    public async Task<IReadOnlyList<string>> IdsOfCustomerAsync(string customerId, CancellationToken cancellation) =>
        await QueryAsync<string>(
            new QueryDefinition("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE r FROM r IN c.recipients WHERE r.c = @customer)").WithParameter("@customer", customerId), cancellation);

    /// <summary>The campaign's batches that hold a message to one of the customers.</summary>
    public async Task<IReadOnlyList<Versioned<Batch>>> OfCustomersAsync(string campaignId, IReadOnlyCollection<string> customerIds, CancellationToken cancellation) =>
        await ReadManyAsync(
            await QueryAsync<string>(
                Where("SELECT VALUE c.id FROM c", campaignId, " AND EXISTS(SELECT VALUE r FROM r IN c.recipients WHERE ARRAY_CONTAINS(@customers, r.c))").WithParameter("@customers", customerIds), cancellation),
            cancellation);

    /// <summary>Over all campaigns.</summary>
    public async Task<int> CountMessagesAsync(string customerId, CancellationToken cancellation) => (await IdsOfCustomerAsync(customerId, cancellation)).Count;

    /// <summary>Batches of the campaign whose recipients are still known.</summary>
    public async Task<IReadOnlyList<string>> RememberedAsync(string campaignId, CancellationToken cancellation) => await QueryAsync<string>(
        new QueryDefinition("SELECT VALUE c.id FROM c WHERE c.campaignId = @campaign AND NOT IS_DEFINED(c.forgotten)").WithParameter("@campaign", campaignId), cancellation);

    private static QueryDefinition Where(string select, string? campaignId, string after = "") => campaignId is null
        ? new QueryDefinition(select + after)
        : new QueryDefinition($"{select} WHERE c.campaignId = @campaign{after}").WithParameter("@campaign", campaignId);

    private async Task<List<T>> QueryAsync<T>(QueryDefinition query, CancellationToken cancellation)
    {
        using var pages = direct.GetItemQueryIterator<T>(query);
        var rows = new List<T>();
        while (pages.HasMoreResults)
        {
            rows.AddRange(await pages.ReadNextAsync(cancellation));
        }

        return rows;
    }

    private void Charge(ResponseMessage answer, Container by)
    {
        if (by == bulk)
        {
            RequestCharges.Add(answer.Headers.RequestCharge);
        }
    }

    private Container For(int writes) => writes <= FewWrites ? direct : bulk;

    private static MemoryStream Serialize(Batch batch) => new(JsonSerializer.SerializeToUtf8Bytes(batch, Json.Options));
}
