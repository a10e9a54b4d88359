using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Scores are exact quintiles, equal for equal values, written only where they change, whatever happens in between.</summary>
public sealed class RfmTests : IAsyncLifetime
{
    private SegmentWorld world = null!;

    public async ValueTask InitializeAsync() => world = await SegmentWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public void Every_combination_has_a_name_and_every_name_a_combination()
    {
        var names = from r in Enumerable.Range(1, 5) from f in Enumerable.Range(1, 5) from m in Enumerable.Range(1, 5) select RfmScores.NameOf(r, f, m);
        names.Distinct().ShouldBe(RfmScores.Names, ignoreOrder: true);
        RfmScores.NameOf(5, 5, 5).ShouldBe("Champions");
        RfmScores.NameOf(5, 1, 1).ShouldBe("New Customers");
        RfmScores.NameOf(1, 5, 5).ShouldBe("Can't Lose Them");
        RfmScores.NameOf(1, 1, 1).ShouldBe("Lost");
        RfmScores.NameOf(2, 1, 2).ShouldBe("Hibernating");
        RfmScores.NameOf(3, 4, 3).ShouldBe("Loyal Customers");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8191)]
    [InlineData(8192)]
    [InlineData(123_456_789)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(-8193)]
    [InlineData(-123_456_789)]
    public void Amounts_fall_into_groups_that_keep_their_order(long spend)
    {
        var group = RfmMeasure.GroupOf(spend);
        var width = RfmMeasure.WidthOf(spend);
        group.ShouldBeLessThanOrEqualTo(spend);
        (spend - group).ShouldBeLessThan(width);
        RfmMeasure.GroupOf(group).ShouldBe(group);
        RfmMeasure.WidthOf(group).ShouldBe(width);
        RfmMeasure.GroupOf(group + (width - 1)).ShouldBe(group);
        ((double)width).ShouldBeLessThanOrEqualTo(Math.Max(1, Math.Abs((double)spend) / 4096));
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(2, 2300)]
    public async Task Scores_are_those_of_a_sort_of_all_customers(int seed, int count)
    {
        var customers = Random(seed, count);
        await world.PutAsync(customers);
        await RunAsync();

        var bounds = (
            R: SortedBounds(customers.Where(c => c.OrderCount > 0).Select(c => (long)RfmScores.DayOf(c.LastOrderAt!.Value))),
            F: SortedBounds(customers.Where(c => c.OrderCount > 0).Select(c => (long)c.OrderCount)),
            M: SortedBounds(customers.Where(c => c.OrderCount > 0).Select(c => c.TotalSpend)));
        foreach (var customer in await AllAsync())
        {
            if (customer.OrderCount == 0)
            {
                customer.Rfm.ShouldBeNull();
                continue;
            }

            var rfm = customer.Rfm.ShouldNotBeNull();
            var expected = (Score(bounds.R, RfmScores.DayOf(customer.LastOrderAt!.Value)), Score(bounds.F, customer.OrderCount), Score(bounds.M, customer.TotalSpend));
            (rfm.Recency, rfm.Frequency, rfm.Monetary).ShouldBe(expected);
            rfm.Segment.ShouldBe(RfmScores.NameOf(rfm.Recency, rfm.Frequency, rfm.Monetary));
        }

        var view = await world.Get<ReadRfm>().HandleAsync(default);
        view.Run.State.ShouldBe(RfmState.Done);
        view.Customers.ShouldBe(customers.Count(c => c.OrderCount > 0));
        view.Spend.ShouldBe(customers.Where(c => c.OrderCount > 0).Sum(c => c.TotalSpend) / 100m);
        view.Segments.Sum(s => s.Customers).ShouldBe(view.Customers);
        view.Segments.Sum(s => s.Share).ShouldBeInRange(0.999m, 1.001m);
        view.Bounds!.Monetary.ShouldBe(bounds.M.Select(b => b / 100m));
        view.Bounds.Frequency.ShouldBe(bounds.F);
        foreach (var segment in view.Segments)
        {
            segment.Customers.ShouldBe((await AllAsync()).Count(c => c.Rfm?.Segment == segment.Name), segment.Name);
        }
    }

    [Fact]
    public async Task Equal_values_score_the_same_and_a_second_run_writes_nothing()
    {
        // Two thirds have bought once, for the same, on the same day.
        await world.PutAsync(Enumerable.Range(0, 90).Select(i => Buyer(i, i < 60 ? 1 : i, i < 60 ? 4990 : i * 1000, i < 60 ? 100 : 1)));
        await RunAsync();
        var customers = await AllAsync();
        customers.Take(60).Select(c => c.Rfm! with { At = default }).Distinct().Count().ShouldBe(1);
        customers[0].Rfm!.Frequency.ShouldBe(1);

        // A third bought on the last day: equally recent, they reach over the last bound and score 4.
        customers[89].Rfm.ShouldNotBeNull().Recency.ShouldBe(4);
        (customers[89].Rfm!.Frequency, customers[89].Rfm!.Monetary, customers[89].Rfm!.Segment).ShouldBe((5, 5, "Loyal Customers"));

        var etags = (await world.Customers.PageAsync(CustomerFilter.All, null, 100, default)).ToDictionary(c => c.Value.Id, c => c.ETag);
        world.Clock.Advance(TimeSpan.FromDays(1));
        await RunAsync();
        foreach (var (customer, etag) in await world.Customers.PageAsync(CustomerFilter.All, null, 100, default))
        {
            etag.ShouldBe(etags[customer.Id]);
        }

        (await world.Get<ReadRfm>().HandleAsync(default)).Run.Changed.ShouldBe(0);
    }

    [Fact]
    public async Task Segments_with_scores_follow_and_who_has_no_orders_any_more_loses_them()
    {
        await world.PutAsync(Enumerable.Range(0, 50).Select(i => Buyer(i, i + 1, i * 1000, 100 - i)));
        var champions = await world.CreateAsync(Rules.OneJson("rfm.segment", "=", "\"champions\""));
        var latest = await world.CreateAsync(Rules.OneJson("rfm.recency", ">=", "5"));
        await world.RunQueueAsync();
        (await world.TaggedAsync(champions.Id)).ShouldBeEmpty();

        await RunAsync();
        (await world.TaggedAsync(latest.Id)).ShouldBe(Enumerable.Range(40, 10).Select(Id));
        (await world.TaggedAsync(champions.Id)).ShouldBe((await AllAsync()).Where(c => c.Rfm!.Segment == "Champions").Select(c => c.Id));
        (await world.ReadAsync(latest.Id)).Members.ShouldBe(0, "it was counted before");
        (await world.RunQueueAsync()).ShouldBe(2);
        (await world.ReadAsync(latest.Id)).Members.ShouldBe(10);

        // The last one has cancelled all orders: its write keeps the scores, the next run takes them away.
        var (customer, etag) = await world.CustomerAsync(Id(49));
        await world.Customers.TryReplaceAsync(customer with { OrderCount = 0, TotalSpend = 0, LastOrderAt = null }, etag, default);
        await RunAsync();
        var after = (await world.CustomerAsync(Id(49))).Value;
        after.Rfm.ShouldBeNull();
        after.SegmentIds.ShouldBeEmpty();
        (await world.TaggedAsync(latest.Id)).ShouldBe(Enumerable.Range(40, 9).Select(Id));
    }

    [Fact]
    public async Task A_run_that_dies_goes_on_and_writes_in_between_are_kept()
    {
        var customers = Random(3, 3000);
        await world.PutAsync(customers);
        await world.Get<RfmJob>().StartAsync(default);
        var message = world.Queue.TakeNextRfm().ShouldNotBeNull();
        using var death = new CancellationTokenSource();
        world.CustomerWrites.HoldAfter(1);
        var run = world.Get<RfmJob>().HandleAsync(message, death.Token);
        while (!run.IsCompleted && !(await AllAsync()).Any(c => c.Rfm is not null))
        {
            await Task.Delay(5);
        }

        await death.CancelAsync();
        world.CustomerWrites.GoOn();
        await Should.ThrowAsync<OperationCanceledException>(run);
        (await AllAsync()).Count(c => c.Rfm is null && c.OrderCount > 0).ShouldBeGreaterThan(0);

        // While it is down customers are written; after three minutes the timer sends the message that was lost.
        var written = (await AllAsync()).Where(c => c.OrderCount > 0).Take(20).Select(c => c.Id).ToHashSet();
        foreach (var id in written)
        {
            var (customer, etag) = await world.CustomerAsync(id);
            (await world.Customers.TryReplaceAsync(customer with { Visits = 77 }, etag, default)).ShouldNotBeNull();
        }

        world.Queue.TakeNextRfm().ShouldBeNull();
        await world.Get<RfmJob>().ResumeAsync(default);
        world.Queue.TakeNextRfm().ShouldBeNull("it may still be at work");
        world.Clock.Advance(RfmJob.Stuck);
        (await world.Get<RfmJob>().StartAsync(default)).RunId.ShouldNotBe(message.RunId, "a run that died does not block the next");
        await world.Get<RfmJob>().HandleAsync(message, default);
        (await world.Get<ReadRfm>().HandleAsync(default)).Run.State.ShouldNotBe(RfmState.Done, "a message of a former run does nothing");
        world.Queue.TakeNextRfm().ShouldNotBeNull();
        world.Clock.Advance(RfmJob.Stuck);
        await world.Get<RfmJob>().ResumeAsync(default);
        await DeliverAsync(deliveries: 2);

        var all = await AllAsync();
        all.ShouldAllBe(c => (c.Rfm != null) == (c.OrderCount > 0));
        all.Where(c => c.Visits == 77).Select(c => c.Id).ShouldBe(written, ignoreOrder: true);
        var view = await world.Get<ReadRfm>().HandleAsync(default);
        view.Run.State.ShouldBe(RfmState.Done);
        view.Segments.Sum(s => s.Customers).ShouldBe(all.Count(c => c.Rfm is not null));
    }

    [Fact]
    public async Task A_run_goes_on_in_pieces_and_is_one_at_a_time()
    {
        await world.PutAsync(Random(4, 3500));
        var first = await world.Get<RfmJob>().StartAsync(default);
        (await world.Get<RfmJob>().StartAsync(default)).RunId.ShouldBe(first.RunId);
        world.Clock.Tick = TimeSpan.FromSeconds(10);
        (await DeliverAsync(deliveries: 1)).ShouldBeGreaterThan(1);
        world.Clock.Tick = TimeSpan.FromTicks(1);
        var all = await AllAsync();
        all.ShouldAllBe(c => (c.Rfm != null) == (c.OrderCount > 0));
        var view = await world.Get<ReadRfm>().HandleAsync(default);
        view.Segments.Sum(s => s.Customers).ShouldBe(all.Count(c => c.Rfm is not null));
        view.Run.Checked.ShouldBe(view.Customers);
    }

    [Fact]
    public async Task Nobody_with_orders_is_no_failure()
    {
        await world.PutAsync([Rules.Customer()]);
        await RunAsync();
        var view = await world.Get<ReadRfm>().HandleAsync(default);
        view.Run.State.ShouldBe(RfmState.Done);
        (view.Customers, view.Bounds).ShouldBe((0, null));
    }

    private static string Id(int number) => $"{number:x32}";

    private static Customer Buyer(int number, int orders, long spend, int daysAgo) => Rules.Customer(c => c with
    {
        Id = Id(number), OrderCount = orders, TotalSpend = spend, LastOrderAt = orders == 0 ? null : Rules.Now.AddDays(-daysAgo).AddMinutes(-number),
    });

    private static List<Customer> Random(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var orders = random.Next(4) == 0 ? 0 : (int)Math.Pow(2, random.NextDouble() * 6);
            var spend = random.Next(5) == 0 ? 4990 : (long)Math.Exp(random.NextDouble() * 18) - 500;
            return Buyer(i, orders, orders == 0 ? 0 : spend, random.Next(900));
        })];
    }

    /// <summary>By sorting: value at rank ⌈k·n/5⌉.</summary>
    private static long[] SortedBounds(IEnumerable<long> values)
    {
        var sorted = values.Order().ToList();
        return [.. Enumerable.Range(1, 4).Select(k => sorted[(int)Math.Ceiling(k * sorted.Count / 5m) - 1])];
    }

    private static int Score(long[] bounds, long value) => 1 + bounds.Count(b => b < value);

    private async Task<List<Customer>> AllAsync() => [.. (await world.Customers.PageAsync(CustomerFilter.All, null, 10_000, default)).Select(c => c.Value)];

    private async Task RunAsync()
    {
        await world.Get<RfmJob>().StartAsync(default);
        await DeliverAsync(deliveries: 1);
    }

    private async Task<int> DeliverAsync(int deliveries)
    {
        var count = 0;
        for (; world.Queue.TakeNextRfm() is { } message; count++)
        {
            for (var i = 0; i < deliveries; i++)
            {
                await world.Get<RfmJob>().HandleAsync(message, default);
            }
        }

        return count;
    }
}
