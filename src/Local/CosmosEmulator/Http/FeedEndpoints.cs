using System.Buffers;
using System.Globalization;
using System.Text;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>The read feed (all items in order of insertion) and the change feed (newest version of each item, in order of change).</summary>
internal sealed class FeedEndpoints(Store store, ThroughputLimit? limit, EmulatorOptions options)
{
    private const int MaxPageItems = 1_000;
    private const int MaxPageBytes = 4 * 1024 * 1024;

    /// <summary>A feed of one partition looks at every change: a page ends after so many, so that it cannot take for ever.</summary>
    private const int MaxLookedAt = 200_000;

    public async ValueTask ReadFeed(Exchange exchange, Container container)
    {
        var source = new ContainerSource(store, container, Scope.Of(exchange, container));
        var continuation = exchange.Continuation();
        if (options.EmptyPages && EmptyPages.Due(ref continuation))
        {
            await FeedBody.RespondEmpty(exchange, container, continuation!);
            return;
        }

        var after = 0L;
        if (continuation is { } token && !long.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            throw new EmulatorException(400, "The continuation token is not one of this feed.");
        }

        var limitOfItems = Limit(exchange);
        var page = new List<ReadOnlyMemory<byte>>();
        long bytes = 0;
        var more = false;
        foreach (var item in source.Scan(after))
        {
            if (page.Count == limitOfItems || bytes > MaxPageBytes)
            {
                more = true;
                break;
            }

            page.Add(item.Json);
            bytes += item.Json.Length;
            after = item.Rid;
        }

        if (more)
        {
            exchange.SetHeader("x-ms-continuation", after.ToString(CultureInfo.InvariantCulture));
        }

        await Respond(exchange, container, page, bytes);
    }

    public async ValueTask ChangeFeed(Exchange exchange, Container container)
    {
        var mode = exchange.Header("A-IM")!;
        if (!mode.Equals("Incremental Feed", StringComparison.OrdinalIgnoreCase) && !mode.Equals("Incremental feed", StringComparison.OrdinalIgnoreCase))
        {
            throw new EmulatorException(400, $"The change feed mode '{mode}' is not supported: this emulator has the latest version mode (A-IM: Incremental Feed).");
        }

        var view = container.View;
        var scope = Scope.Of(exchange, container);
        var (after, since) = Start(exchange, view);
        var changes = view.Changes;
        var limitOfItems = Limit(exchange);
        var page = new List<ReadOnlyMemory<byte>>();
        long bytes = 0;
        var now = store.UnixNow;
        var looked = 0;
        var done = true;
        foreach (var change in changes.Ascending(changes.Rank(new ChangeBound(after)), changes.Count))
        {
            if (page.Count == limitOfItems || bytes > MaxPageBytes || looked++ == MaxLookedAt)
            {
                done = false;
                break;
            }

            after = change.Lsn;
            var version = change.Item.At(view.Lsn);
            if (scope.Includes(change.Item) && version.Timestamp >= since && !version.IsExpired(view.Definition.DefaultTtl, now))
            {
                page.Add(WithLsn(version));
                bytes += version.Json.Length;
            }
        }

        // The etag is the continuation. When all was looked at it may advance over what was not for this reader.
        exchange.SetHeader("etag", string.Create(CultureInfo.InvariantCulture, $"\"{(done && page.Count == 0 ? Math.Max(view.Lsn, after) : after)}\""));
        if (page.Count == 0)
        {
            exchange.SetHeader("x-ms-item-count", "0");
            Charge(exchange, 0);
            await exchange.Respond(304);
            return;
        }

        await Respond(exchange, container, page, bytes);
    }

    private static (long After, long Since) Start(Exchange exchange, ContainerView view)
    {
        if (exchange.Header("If-None-Match") is { Length: > 0 } continuation)
        {
            return continuation == "*"
                ? (view.Lsn, 0)
                : long.TryParse(continuation.Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var lsn)
                    ? (lsn, 0)
                    : throw new EmulatorException(400, "If-None-Match is not a continuation of this change feed.");
        }

        if (exchange.Header("If-Modified-Since") is { Length: > 0 } since)
        {
            return DateTimeOffset.TryParse(since, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                ? (0, time.ToUnixTimeSeconds())
                : throw new EmulatorException(400, "If-Modified-Since is not a date.");
        }

        return (0, 0);
    }

    /// <summary>The estimator of the change feed processor reads _lsn.</summary>
    private static byte[] WithLsn(ItemVersion version)
    {
        var suffix = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $",\"_lsn\":{version.Lsn}}}"));
        var json = new byte[version.Json.Length - 1 + suffix.Length];
        version.Json.AsSpan(0, version.Json.Length - 1).CopyTo(json);
        suffix.CopyTo(json, version.Json.Length - 1);
        return json;
    }

    private static int Limit(Exchange exchange) => exchange.MaxItemCount() is > 0 and var count ? Math.Min(count, MaxPageItems) : MaxPageItems;

    private async ValueTask Respond(Exchange exchange, Container container, List<ReadOnlyMemory<byte>> page, long bytes)
    {
        var body = new ArrayBufferWriter<byte>((int)bytes + page.Count + 128);
        FeedBody.Write(body, container.Rid, "Documents", page);
        exchange.SetHeader("x-ms-item-count", page.Count.ToString(CultureInfo.InvariantCulture));
        Charge(exchange, bytes);
        await exchange.Respond(200, body.WrittenMemory);
    }

    private void Charge(Exchange exchange, long bytes)
    {
        var charge = RequestCharge.Feed(bytes);
        exchange.SetCharge(charge);
        limit?.Spend(charge);
    }
}
