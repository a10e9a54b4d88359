using System.Collections.Concurrent;
using System.Security.Cryptography;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>
/// One run of an import of orders: as <see cref="OrderWriter"/>, with everything planned and in the run's journal before
/// any of it is written, and a mark on the customer in each transaction that tells whether it was
/// (<see cref="WriteJournal"/>). Orders are taken for new first; where that was wrong, or somebody was faster, all of those
/// customers are read and planned again, once together and from then on each in its customer's turn.
/// </summary>
internal sealed class JournaledOrders(
    OrderStore orders, CustomerStore customers, OrderCustomers owners, CustomerTurns turns, TimeProvider clock,
    IReadOnlyList<OrderRow> rows, OrderOptions options, WriteJournal journal)
{
    private const int RoundsTogether = 2;

    private readonly WriteResult[] results = new WriteResult[rows.Count];

    /// <summary>One customer's rows and what is planned for them: a chain of transactions.</summary>
    private sealed class Group(Versioned<Customer> customer, List<int> indices)
    {
        public Versioned<Customer> Customer { get; set; } = customer;

        public Dictionary<string, Versioned<Order>> Known { get; set; } = [];

        public List<int> Rows { get; } = indices;

        public List<(OrderPlan Plan, long? Entry)> Plans { get; } = [];
    }

    public async Task<IReadOnlyList<WriteResult>> WriteAsync(CancellationToken cancellation)
    {
        var left = Enumerable.Range(0, rows.Count).ToList();
        for (var round = 0; left.Count > 0; round++)
        {
            if (round == OrderWriter.MaxRounds)
            {
                left.ForEach(i => results[i] = WriteResult.Failed(OrderCodes.Busy, "The customer kept changing or disappearing: try again."));
                await journal.StoreAsync([JournalLine.Of(null, left.Select(i => (rows[i].Row, results[i])))], cancellation);
                break;
            }

            if (round > 0)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(round, 5)), cancellation);
            }

            left = await RoundAsync(await SettleAsync(left, cancellation), round, cancellation);
        }

        await journal.CompleteAsync(cancellation);
        return results;
    }

    /// <summary>Gives rows that have had their effect the result they had.</summary>
    /// <returns>The others.</returns>
    private async Task<List<int>> SettleAsync(List<int> left, CancellationToken cancellation)
    {
        if (!journal.IsRepeated)
        {
            return left;
        }

        var ids = left.SelectMany(i => journal.DecisionsOf(null, rows[i].Row)).SelectMany(d => d.Upon).Select(u => u.CustomerId).ToHashSet();
        var slots = await customers.ReadSlotsAsync(ids, cancellation);
        foreach (var index in left)
        {
            if (journal.HappenedOf(null, rows[index].Row, slots) is { } decision)
            {
                journal.Settle(null, rows[index].Row, decision);
                results[index] = decision.Result;
            }
        }

        return [.. left.Where(i => results[i] is null)];
    }

    /// <returns>The rows that are left to do.</returns>
    private async Task<List<int>> RoundAsync(List<int> pending, int round, CancellationToken cancellation)
    {
        var found = await owners.FindAsync(rows, pending, options, results, cancellation);
        var unknown = pending.Where(i => results[i] is not null).ToList();
        var groups = pending.Where(found.ContainsKey).GroupBy(i => found[i].Value.Id).Select(g => new Group(found[g.First()], [.. g])).ToList();
        var left = new ConcurrentBag<int>(pending.Where(i => !found.ContainsKey(i) && results[i] is null));
        void Leave(IEnumerable<int> indices)
        {
            foreach (var index in indices)
            {
                left.Add(index);
            }
        }

        if (round < RoundsTogether)
        {
            if (round > 0)
            {
                await ForEachAsync(groups, (group, token) => TryReadAsync(group, token), cancellation);
            }

            groups.ForEach(Plan);
            await JournalAsync(groups, unknown, cancellation);
            await ForEachAsync(groups, async (group, token) => Leave(await StoreAsync(group, token)), cancellation);
        }
        else
        {
            await JournalAsync([], unknown, cancellation);
            await ForEachAsync(
                groups,
                async (group, token) =>
                {
                    using var turn = await turns.TakeAsync(group.Customer.Value.Id, token);
                    if (await TryReadAsync(group, token))
                    {
                        Plan(group);
                        await JournalAsync([group], [], token);
                    }

                    Leave(await StoreAsync(group, token));
                },
                cancellation);
        }

        return [.. left.Order()];
    }

    /// <returns>False when the customer is gone: its rows must find another.</returns>
    private async Task<bool> TryReadAsync(Group group, CancellationToken cancellation)
    {
        if (await orders.ReadAsync(group.Customer.Value.Id, group.Rows.Select(i => rows[i].Draft.OrderNumber), cancellation) is not { } current)
        {
            return false;
        }

        (group.Customer, group.Known) = (current.Customer, current.Orders);
        return true;
    }

    /// <summary>
    /// As many transactions as can be planned without knowing what the one before was stored as: not beyond one that needs
    /// all orders to sum up, and not an order twice.
    /// </summary>
    private void Plan(Group group)
    {
        var customer = group.Customer;
        for (var next = 0; next < group.Rows.Count;)
        {
            var plan = new OrderPlan(customer, group.Known, options, clock.GetUtcNow());
            var first = next;
            while (next < group.Rows.Count && next < first + OrderWriter.MaxRowsAtOnce
                && !group.Plans.Exists(p => p.Plan.Changes(rows[group.Rows[next]].Draft.OrderNumber))
                && plan.TryAdd(group.Rows[next], rows[group.Rows[next]]))
            {
                next++;
            }

            if (next == first)
            {
                return;
            }

            group.Plans.Add((plan, null));
            if (plan.After is null)
            {
                return;
            }

            customer = customer with { Value = plan.After };
        }
    }

    private async Task JournalAsync(IReadOnlyList<Group> groups, List<int> unknown, CancellationToken cancellation)
    {
        var lines = new List<JournalLine>();
        var entries = new List<(Group Group, int Plan, int Line)>();
        var decided = unknown.Select(i => (Index: i, Result: results[i])).ToList();
        foreach (var group in groups)
        {
            int? written = null;
            for (var i = 0; i < group.Plans.Count; i++)
            {
                var plan = group.Plans[i].Plan;
                if (plan.HasWrites)
                {
                    written = lines.Count;
                    entries.Add((group, i, lines.Count));
                    lines.Add(LineOf(plan.Results) with { CustomerId = group.Customer.Value.Id, Items = plan.Items });
                }
                else if (written is { } before)
                {
                    // Decided on what the transaction before makes of the customer.
                    lines.Add(LineOf(plan.Results) with { Upon = [before] });
                }
                else
                {
                    decided.AddRange(plan.Results);
                }
            }
        }

        if (decided.Count > 0)
        {
            lines.Add(LineOf(decided));
        }

        if (lines.Count > 0)
        {
            var number = await journal.StoreAsync(lines, cancellation);
            entries.ForEach(e => e.Group.Plans[e.Plan] = (e.Group.Plans[e.Plan].Plan, number + e.Line));
        }
    }

    private JournalLine LineOf(IEnumerable<(int Index, WriteResult Result)> decided) => JournalLine.Of(null, decided.Select(d => (rows[d.Index].Row, d.Result)));

    /// <returns>The rows that are left.</returns>
    private async Task<IEnumerable<int>> StoreAsync(Group group, CancellationToken cancellation)
    {
        var etag = group.Customer.ETag;
        var marks = group.Customer.Value.Imports;
        var done = 0;
        foreach (var (plan, entry) in group.Plans)
        {
            if (entry is { } number)
            {
                if (await SumUpAsync(plan, etag, cancellation) is not { } after)
                {
                    break;
                }

                await customers.RefreshSegmentsAsync(cancellation);
                marks = ImportMark.Add(marks, journal.Import, journal.Run, number);
                if (await orders.TryWriteAsync(customers.Derive(after with { Imports = marks }), etag, plan.Writes, [], cancellation) is not { } stored)
                {
                    break;
                }

                etag = stored;
            }

            foreach (var (index, result) in plan.Results)
            {
                results[index] = result;
            }

            done += plan.Results.Count;
        }

        return group.Rows.Skip(done);
    }

    /// <returns>The customer with its new totals; null when somebody has changed it.</returns>
    private async Task<Customer?> SumUpAsync(OrderPlan plan, string etag, CancellationToken cancellation)
    {
        if (plan.After is { } after)
        {
            return after;
        }

        return await orders.ReadAllAsync(plan.Before.Value.Id, cancellation) is { } all && all.Customer.ETag == etag
            ? plan.SumUp(all.Orders.Values.Select(o => o.Value)) : null;
    }

    private static Task ForEachAsync(IEnumerable<Group> groups, Func<Group, CancellationToken, Task> action, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            groups,
            new ParallelOptions { MaxDegreeOfParallelism = OrderWriter.Parallel, CancellationToken = cancellation },
            async (group, token) => await action(group, token));
}
