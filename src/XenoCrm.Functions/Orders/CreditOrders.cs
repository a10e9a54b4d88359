using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>
/// Writes what customers know of their messages, and with it, in one transaction, the orders that are put down to another
/// message by that: an order may be known before the click that it followed.
/// </summary>
public sealed class CreditOrders(OrderStore orders, CustomerStore customers, Attribution attribution)
{
    /// <summary>As <see cref="CustomerStore.SetMessagesAsync"/>.</summary>
    public async Task<IReadOnlyList<string>> SetMessagesAsync(IReadOnlyCollection<(Versioned<Customer> Before, Customer After)> changes, CancellationToken cancellation)
    {
        // Who has not ordered since, as most have not, costs nothing here.
        var ordered = changes.Where(c => c.After.LastOrderAt >= FirstNews(c.Before.Value, c.After)).ToList();
        if (ordered.Count == 0)
        {
            return await customers.SetMessagesAsync(changes, cancellation);
        }

        var left = new List<(Versioned<Customer> Before, Customer After)>(changes.Except(ordered));
        var missed = new List<string>();
        foreach (var some in ordered.Chunk(OrderWriter.Parallel))
        {
            await Task.WhenAll(some.Select(async change =>
            {
                var news = await ChangedAsync(change.Before.Value.Id, FirstNews(change.Before.Value, change.After)!.Value, change.After.Messages, cancellation);
                var isMissed = news.Count > 0 && await TryWriteAsync(change.Before, customers.Tagged(change.After), news, change.After.Messages, cancellation) is null;
                lock (left)
                {
                    if (news.Count == 0)
                    {
                        left.Add(change);
                    }
                    else if (isMissed)
                    {
                        missed.Add(change.Before.Value.Id);
                    }
                }
            }));
        }

        return [.. await customers.SetMessagesAsync(left, cancellation), .. missed];
    }

    /// <summary>Replaces a customer that knows other messages from now on.</summary>
    /// <param name="messages">That its orders are put down to: those it is to know, and others that it has no room for.</param>
    /// <returns>The new ETag; null when it was changed meanwhile.</returns>
    internal async Task<string?> TryReplaceAsync(Versioned<Customer> before, Customer after, IReadOnlyList<CustomerMessage> messages, CancellationToken cancellation)
    {
        var news = messages.Count > 0 ? await ChangedAsync(after.Id, messages.Min(Since), messages, cancellation) : [];
        if (news.Count == 0)
        {
            return await customers.TryReplaceAsync(after, before.ETag, cancellation);
        }

        await customers.RefreshSegmentsAsync(cancellation);
        return await TryWriteAsync(before, customers.Derive(after), news, messages, cancellation);
    }

    /// <summary>The customer is written last: what a crash leaves undone is found again, because the customer does not know the messages yet.</summary>
    private async Task<string?> TryWriteAsync(
        Versioned<Customer> before, Customer after, IReadOnlyList<Versioned<Order>> changed, IReadOnlyList<CustomerMessage> messages, CancellationToken cancellation)
    {
        var etag = (string?)before.ETag;
        for (var next = 0; next < changed.Count && etag is not null;)
        {
            var (bytes, count) = (0, 0);
            while (next + count < changed.Count && count < OrderPlan.MaxOrders && (bytes += OrderStore.SizeOf(changed[next + count].Value)) <= OrderStore.MaxBytes | count == 0)
            {
                count++;
            }

            var some = changed.Skip(next).Take(count).Select(o => (o.Value, (string?)o.ETag));
            next += count;
            etag = await orders.TryWriteAsync(next == changed.Count ? after : before.Value, etag, some, [], cancellation, messages);
        }

        if (etag is not null)
        {
            AuditTrail.Replaced(after.Id, after);
        }

        return etag;
    }

    /// <returns>Orders since then that are put down to something else than they were; as they are stored.</returns>
    private async Task<IReadOnlyList<Versioned<Order>>> ChangedAsync(string customerId, DateTimeOffset since, IReadOnlyList<CustomerMessage> messages, CancellationToken cancellation) =>
        [.. (await orders.ReadSinceAsync(customerId, since, cancellation)).Where(o => !ReferenceEquals(attribution.Credit(o.Value, messages), o.Value))];

    /// <summary>Nothing that is new of the messages concerns orders before that; null: nothing is new.</summary>
    private static DateTimeOffset? FirstNews(Customer before, Customer after)
    {
        var known = before.Messages.ToDictionary(m => m.Id);
        DateTimeOffset? first = null;
        foreach (var message in after.Messages)
        {
            var old = known.GetValueOrDefault(message.Id);
            if (!message.Equals(old))
            {
                var since = old is null || Since(message) < Since(old) ? Since(message) : Since(old);
                first = first is null || since < first ? since : first;
            }
        }

        return first;
    }

    /// <summary>Whatever is known of a message came after it was sent.</summary>
    private static DateTimeOffset Since(CustomerMessage message) => message.SentAt < message.At ? message.SentAt.Value : message.At;
}
