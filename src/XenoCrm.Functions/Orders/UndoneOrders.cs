using System.Collections.Concurrent;
using System.Security.Cryptography;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Orders;

/// <summary>
/// Takes back what the transactions of one run of an import did to orders, the latest first: what was created is deleted
/// and what was changed put back, where it still is as the import left it. Each is one transaction with the customer's
/// totals over the orders that remain. With a journal and marks of its own, so that it can be repeated like an import.
/// Orders that a merge has moved are taken back where they are now.
/// </summary>
internal sealed class UndoneOrders(OrderStore orders, CustomerStore customers, CustomerWriter writer, TimeProvider clock, IReadOnlyList<JournalLine> lines, WriteJournal journal)
{
    private readonly Dictionary<long, WriteResult> results = [];

    private sealed record Plan(
        JournalLine Line, Versioned<Customer>? Customer, IReadOnlyList<Order> All, List<(Order Order, string? ETag)> Writes, List<(string Id, string ETag)> Deletes,
        List<(long Row, WriteResult Result)> Results)
    {
        public bool HasWrites => Writes.Count + Deletes.Count > 0;
    }

    /// <returns>For each order of each line the row it was written for, and updated (put back, or deleted by its code), or unchanged with the reason.</returns>
    public async Task<IReadOnlyList<(long Row, WriteResult Result)>> WriteAsync(CancellationToken cancellation)
    {
        var left = lines.ToList();
        for (var round = 0; left.Count > 0; round++)
        {
            if (round > 0)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(1, 4 << Math.Min(round, 5)), cancellation);
            }

            left = await SettleAsync(left, cancellation);
            var plans = new ConcurrentBag<Plan>();
            var owners = await writer.ResolveAsync([.. left.Select(l => l.CustomerId!).Distinct()], cancellation);
            string OwnerOf(JournalLine line) => owners.GetValueOrDefault(line.CustomerId!)?.Value.Id ?? line.CustomerId!;
            await ForEachAsync(left.DistinctBy(OwnerOf), async (line, token) => plans.Add(await PlanAsync(line, OwnerOf(line), token)), cancellation);
            var entries = await JournalAsync([.. plans], cancellation);
            var done = new ConcurrentBag<Plan>();
            await ForEachAsync(
                plans,
                async (plan, token) =>
                {
                    if (await TryStoreAsync(plan, entries.GetValueOrDefault(plan), token))
                    {
                        done.Add(plan);
                    }
                },
                cancellation);
            foreach (var plan in done)
            {
                plan.Results.ForEach(r => results[r.Row] = r.Result);
                left.Remove(plan.Line);
            }
        }

        await journal.CompleteAsync(cancellation);
        return [.. results.Select(r => (r.Key, r.Value))];
    }

    private async Task<List<JournalLine>> SettleAsync(List<JournalLine> left, CancellationToken cancellation)
    {
        if (!journal.IsRepeated)
        {
            return left;
        }

        var slots = await customers.ReadSlotsAsync([.. left.Select(l => l.CustomerId!).Distinct()], cancellation);
        return [.. left.Where(line =>
        {
            foreach (var item in line.Items!)
            {
                if (journal.HappenedOf(null, item.Row!.Value, slots) is not { } decision)
                {
                    return true;
                }

                journal.Settle(null, item.Row.Value, decision);
                results[item.Row.Value] = decision.Result;
            }

            return false;
        })];
    }

    /// <summary>The orders that were written to one customer, by what they were called there, as the one that it is now has them.</summary>
    private static ILookup<string, Versioned<Order>> OrdersOf(CustomerWithOrders? stored, string writtenTo)
    {
        IEnumerable<Versioned<Order>> all = stored?.Orders.Values ?? Enumerable.Empty<Versioned<Order>>();
        if (stored is null || stored.Customer.Value.Id == writtenTo)
        {
            return all.ToLookup(o => o.Value.Id);
        }

        // Moved more than once, an order still has the number that the first move gave it, and says no more where that came from.
        var merged = (stored.Customer.Value.Merged ?? []).Select(m => m.Id).ToHashSet();
        var mark = MergeOrders.MarkOf(writtenTo);
        return all.Where(o => o.Value.MovedFrom is { } from && merged.Contains(from))
            .Select(o => (Order: o, Name: o.Value.MovedNumber ?? o.Value.OrderNumber, IsFirst: o.Value.MovedFrom == writtenTo))
            .Select(o => (o.Order, o.IsFirst, IsMarked: !o.IsFirst && o.Name.EndsWith(mark, StringComparison.Ordinal), o.Name))
            .OrderByDescending(o => o.IsFirst).ThenByDescending(o => o.IsMarked)
            .ToLookup(o => Order.IdOf(o.IsMarked ? o.Name[..^mark.Length] : o.Name), o => o.Order);
    }

    private async Task<Plan> PlanAsync(JournalLine line, string owner, CancellationToken cancellation)
    {
        WriteResult Left(string code, string message) => new(WriteOutcome.Unchanged, owner, code, message);

        var stored = await orders.ReadAllAsync(owner, cancellation);
        var written = OrdersOf(stored, line.CustomerId!);
        var plan = new Plan(line, stored?.Customer, [.. stored?.Orders.Values.Select(o => o.Value) ?? []], [], [], []);
        foreach (var item in line.Items!)
        {
            WriteResult result;
            if (written[item.Id!].FirstOrDefault() is not { } order)
            {
                result = Left(UndoCodes.Gone, "The order does not exist any more.");
            }
            else if (item.Fields is not { } fields)
            {
                var isSame = OrderFields.All.Print(order.Value) == item.Print;
                result = isSame ? new(WriteOutcome.Updated, owner, UndoCodes.Deleted) : Left(UndoCodes.Changed, "The order was changed after the import.");
                if (isSame)
                {
                    plan.Deletes.Add((order.Value.Id, order.ETag));
                }
            }
            else
            {
                var (after, left) = OrderFields.All.TakeBack(order.Value, fields, new HashSet<string>());
                var names = string.Join(", ", left);
                if (ReferenceEquals(after, order.Value))
                {
                    result = Left(UndoCodes.Changed, $"Changed after the import: {names}.");
                }
                else
                {
                    plan.Writes.Add((after with { UpdatedAt = clock.GetUtcNow() }, order.ETag));
                    result = left.Count == 0 ? new(WriteOutcome.Updated, owner)
                        : new(WriteOutcome.Updated, owner, UndoCodes.Partly, $"Changed after the import and left: {names}.");
                }
            }

            plan.Results.Add((item.Row!.Value, result));
        }

        return plan;
    }

    private async Task<Dictionary<Plan, long>> JournalAsync(IReadOnlyList<Plan> plans, CancellationToken cancellation)
    {
        var writes = plans.Where(p => p.HasWrites).ToList();
        var decided = plans.Where(p => !p.HasWrites).SelectMany(p => p.Results).ToList();
        var stored = writes.Select(p => JournalLine.Of(null, p.Results) with { CustomerId = p.Customer!.Value.Id, Items = [] }).ToList();
        if (decided.Count > 0)
        {
            stored.Add(JournalLine.Of(null, decided));
        }

        if (stored.Count == 0)
        {
            return [];
        }

        var number = await journal.StoreAsync(stored, cancellation);
        return writes.Select((plan, i) => (plan, i)).ToDictionary(p => p.plan, p => number + p.i);
    }

    private async Task<bool> TryStoreAsync(Plan plan, long entry, CancellationToken cancellation)
    {
        if (!plan.HasWrites)
        {
            return true;
        }

        var gone = plan.Deletes.Select(d => d.Id).ToHashSet();
        var changed = plan.Writes.ToDictionary(w => w.Order.Id, w => w.Order);
        var remaining = plan.All.Where(o => !gone.Contains(o.Id)).Select(o => changed.GetValueOrDefault(o.Id) ?? o);
        await customers.RefreshSegmentsAsync(cancellation);
        var customer = plan.Customer!;
        var after = OrderTotals.Of(customer.Value, remaining) with { Imports = ImportMark.Add(customer.Value.Imports, journal.Import, journal.Run, entry) };
        return await orders.TryWriteAsync(customers.Derive(after), customer.ETag, plan.Writes, plan.Deletes, cancellation) is not null;
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> action, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            items,
            new ParallelOptions { MaxDegreeOfParallelism = OrderWriter.Parallel, CancellationToken = cancellation },
            async (item, token) => await action(item, token));
}
