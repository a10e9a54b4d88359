using System.Collections.Concurrent;
using System.Security.Cryptography;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <param name="Row">1-based number in the file or list; ascending within a run and from run to run.</param>
public sealed record OrderRow(OrderDraft Draft, long Row);

/// <param name="Source">Where new orders come from.</param>
/// <param name="Journal">Of a run of an import: repeating it changes nothing, and it can be undone.</param>
/// <param name="CreateMissingCustomers">A customer that is not found is created from its reference, else the row fails.</param>
/// <param name="MayRepeatHistory">
/// A status that the order has had before counts as not said: lists of several steps of one order are sent again. Else it is refused.
/// </param>
public sealed record OrderOptions(string Source, WriteJournal? Journal = null, bool CreateMissingCustomers = false, bool MayRepeatHistory = false);

/// <summary>
/// Creates and updates a run of orders. Per customer one transaction holds the orders and the customer's new totals, under
/// the customer's ETag: there is no moment, and no crash point, at which they differ. Orders are taken for new and
/// created; if one exists (409) or the customer has changed (412) nothing of the transaction happened, both are read and
/// it is tried again. One request per customer and run, and two reads per thousand rows.
/// </summary>
public sealed class OrderWriter(
    OrderStore orders, CustomerStore customers, CustomerWriter writer, AddressHasher hasher, CustomerTurns turns, TimeProvider clock)
{
    private readonly OrderCustomers owners = new(customers, writer, hasher);

    /// <summary>The gateway keeps 50 connections.</summary>
    internal const int Parallel = 48;

    /// <summary>Rows that change nothing fill no transaction, but what they are compared with must be read.</summary>
    internal const int MaxRowsAtOnce = 200;

    internal const int MaxRounds = 300;

    /// <summary>Of customers that are created from an order's reference.</summary>
    internal const string CustomerSource = "order";

    /// <returns>One result per row, in order; <see cref="WriteResult.CustomerId"/> is the order's customer.</returns>
    public async Task<IReadOnlyList<WriteResult>> UpsertAsync(IReadOnlyList<OrderRow> rows, OrderOptions options, CancellationToken cancellation)
    {
        if (options.Journal is { } journal)
        {
            return await new JournaledOrders(orders, customers, owners, turns, clock, rows, options, journal).WriteAsync(cancellation);
        }

        var results = new WriteResult[rows.Count];
        var left = Enumerable.Range(0, rows.Count).ToList();
        for (var round = 0; left.Count > 0; round++)
        {
            if (round == MaxRounds)
            {
                left.ForEach(i => results[i] = WriteResult.Failed(OrderCodes.Busy, "The customer kept changing or disappearing: try again."));
                break;
            }

            if (round > 0)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(round, 5)), cancellation);
            }

            left = await RoundAsync(rows, left, options, results, cancellation);
        }

        return results;
    }

    /// <returns>Rows whose customer disappeared meanwhile: their reference must be resolved again.</returns>
    private async Task<List<int>> RoundAsync(IReadOnlyList<OrderRow> rows, List<int> pending, OrderOptions options, WriteResult[] results, CancellationToken cancellation)
    {
        var found = await owners.FindAsync(rows, pending, options, results, cancellation);
        var groups = pending.Where(i => found.ContainsKey(i)).GroupBy(i => found[i].Value.Id).Select(g => (Customer: found[g.First()], Rows: g.ToList()));
        var left = new ConcurrentBag<int>(pending.Where(i => !found.ContainsKey(i) && results[i] is null));
        await System.Threading.Tasks.Parallel.ForEachAsync(
            groups,
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
            async (group, token) =>
            {
                foreach (var index in await WriteAsync(rows, group.Rows, group.Customer, options, results, token))
                {
                    left.Add(index);
                }
            });
        return [.. left.Order()];
    }

    /// <summary>One customer's rows, a transaction at a time.</summary>
    /// <returns>The rows that are left because the customer is gone.</returns>
    private async Task<List<int>> WriteAsync(
        IReadOnlyList<OrderRow> rows, List<int> group, Versioned<Customer> customer, OrderOptions options, WriteResult[] results, CancellationToken cancellation)
    {
        using var turn = await turns.TakeAsync(customer.Value.Id, cancellation);
        if (!turn.HasWaited)
        {
            return await WriteInTurnAsync(rows, group, customer, [], options, results, cancellation);
        }

        return await orders.ReadAsync(customer.Value.Id, group.Take(MaxRowsAtOnce).Select(i => rows[i].Draft.OrderNumber), cancellation) is { } current
            ? await WriteInTurnAsync(rows, group, current.Customer, current.Orders, options, results, cancellation)
            : group;
    }

    private async Task<List<int>> WriteInTurnAsync(
        IReadOnlyList<OrderRow> rows, List<int> group, Versioned<Customer> customer, Dictionary<string, Versioned<Order>> known,
        OrderOptions options, WriteResult[] results, CancellationToken cancellation)
    {
        for (var (next, attempt) = (0, 0); next < group.Count; attempt++)
        {
            if (attempt > 1)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(attempt, 5)), cancellation);
            }

            var plan = new OrderPlan(customer, known, options, clock.GetUtcNow());
            var end = next;
            while (end < group.Count && end < next + MaxRowsAtOnce && plan.TryAdd(group[end], rows[group[end]]))
            {
                end++;
            }

            if (await TryStoreAsync(plan, cancellation) is { } stored)
            {
                foreach (var (index, result) in plan.Results)
                {
                    results[index] = result;
                }

                (customer, known, next, attempt) = (stored, [], end, 0);
                continue;
            }

            // One request tells both what was in the way and what to go on from.
            var numbers = group[next..end].Select(i => rows[i].Draft.OrderNumber);
            if (attempt == MaxRounds || await orders.ReadAsync(customer.Value.Id, numbers, cancellation) is not { } current)
            {
                return group[next..];
            }

            (customer, known) = (current.Customer, current.Orders);
        }

        return [];
    }

    /// <summary>Takes back what a journal line of an import did to orders, one line of a customer after the other.</summary>
    internal Task<IReadOnlyList<(long Row, WriteResult Result)>> UndoAsync(IReadOnlyList<JournalLine> lines, WriteJournal journal, CancellationToken cancellation) =>
        new UndoneOrders(orders, customers, writer, clock, lines, journal).WriteAsync(cancellation);

    /// <returns>The customer as stored now, or null when something was not as it was read.</returns>
    private async Task<Versioned<Customer>?> TryStoreAsync(OrderPlan plan, CancellationToken cancellation)
    {
        if (!plan.HasWrites)
        {
            return plan.Before;
        }

        var before = plan.Before;
        var after = plan.After;
        if (after is null)
        {
            if (await orders.ReadAllAsync(before.Value.Id, cancellation) is not { } all || all.Customer.ETag != before.ETag)
            {
                return null;
            }

            after = plan.SumUp(all.Orders.Values.Select(o => o.Value));
        }

        await customers.RefreshSegmentsAsync(cancellation);
        var customer = customers.Derive(after);
        return await orders.TryWriteAsync(customer, before.ETag, plan.Writes, [], cancellation) is { } etag ? new(customer, etag) : null;
    }
}
