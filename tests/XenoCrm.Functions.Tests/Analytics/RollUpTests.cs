using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Customers;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Analytics;

public sealed class RollUpTests(DeliveryEmulator emulator)
{
    [Fact]
    public async Task An_empty_workspace_has_figures_of_the_same_shape()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        foreach (var zone in new[] { "UTC", "America/St_Johns" })
        {
            var overview = (await harness.OverviewAsync($"?zone={zone}")).ShouldBe(200);
            (overview["orders"].GetInt64(), overview["customers"].GetProperty("total").GetInt64(), overview["series"].GetArrayLength()).ShouldBe((0, 0, 30));
            (overview["revenue"][0].GetProperty("currency").GetString(), overview["revenue"][0].GetProperty("revenue").GetDecimal()).ShouldBe(("USD", 0m));
            overview["campaigns"].GetProperty("byState").EnumerateObject().ShouldAllBe(s => s.Value.GetInt32() == 0);
            overview["messages"].GetProperty("opened").TryGetProperty("value", out _).ShouldBeFalse();
            (await harness.RevenueAsync($"?zone={zone}&interval=week"))["categories"].GetArrayLength().ShouldBe(0);
            (await harness.CompareAsync($"?zone={zone}"))["total"].GetInt32().ShouldBe(0);
            var cohorts = (await harness.CohortsAsync($"?zone={zone}")).ShouldBe(200);
            cohorts["cohorts"].EnumerateArray().Select(c => c.GetProperty("months").GetArrayLength()).ShouldBe(Enumerable.Range(1, 12).Reverse());
            cohorts["average"].GetArrayLength().ShouldBe(12);
        }
    }

    [Theory]
    [InlineData("overview", "?from=2026-02-30", "/from")]
    [InlineData("overview", "?from=2026-02-02&to=2026-02-01", "/from")]
    [InlineData("overview", "?from=2024-01-01&to=2026-02-01", "/from")]
    [InlineData("overview", "?from=1850-01-01&to=1850-02-01", "/to")]
    [InlineData("overview", "?zone=Mars", "/zone")]
    [InlineData("overview", "?fresh=1", "/fresh")]
    [InlineData("revenue", "?interval=hour", "/interval")]
    [InlineData("revenue", "?top=0", "/top")]
    [InlineData("campaigns", "?sort=luck", "/sort")]
    [InlineData("campaigns", "?channel=fax", "/channel")]
    [InlineData("cohorts", "?from=2026", "/from")]
    [InlineData("cohorts", "?to=2999-01", "/from")]
    [InlineData("cohorts", "?from=2019-01&to=2026-02", "/from")]
    public async Task What_is_asked_wrongly_is_said(string route, string query, string pointer)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        (await (route switch
        {
            "overview" => harness.OverviewAsync(query),
            "revenue" => harness.RevenueAsync(query),
            "campaigns" => harness.CompareAsync(query),
            _ => harness.CohortsAsync(query),
        })).ShouldBeProblem(400, "request.invalid", pointer);
    }

    [Fact]
    public async Task What_is_kept_is_answered_with_its_time_and_made_anew_in_the_background_when_it_is_old()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1, 2], c => c with { CreatedAt = harness.Clock.GetUtcNow() });
        var first = (await harness.OverviewAsync()).ShouldBe(200);
        first["customers"].GetProperty("total").GetInt64().ShouldBe(2);

        await harness.AddCustomersAsync([3], c => c with { CreatedAt = harness.Clock.GetUtcNow() });
        var second = (await harness.OverviewAsync()).ShouldBe(200);
        (second["customers"].GetProperty("total").GetInt64(), second["computedAt"].GetString()).ShouldBe((2, first["computedAt"].GetString()));
        harness.Queues.Has(RefreshRollUp.Queue).ShouldBeFalse("It is not old.");

        harness.Clock.Advance(TimeSpan.FromMinutes(16));
        (await harness.OverviewAsync())["customers"].GetProperty("total").GetInt64().ShouldBe(2);
        var asked = harness.Queues.Sent.Count(m => m.Queue == RefreshRollUp.Queue);
        asked.ShouldBeGreaterThan(1);
        await harness.OverviewAsync();
        harness.Queues.Sent.Count(m => m.Queue == RefreshRollUp.Queue).ShouldBe(asked, "It was asked for a moment ago.");
        await harness.RunAsync();
        var third = (await harness.OverviewAsync()).ShouldBe(200);
        (third["customers"].GetProperty("total").GetInt64(), third["customers"].GetProperty("new").GetInt64()).ShouldBe((3, 3));
        third["computedAt"].GetDateTimeOffset().ShouldBeGreaterThan(first["computedAt"].GetDateTimeOffset());

        await harness.AddCustomersAsync([4], c => c with { CreatedAt = harness.Clock.GetUtcNow() });
        (await harness.OverviewAsync("?fresh=true"))["customers"].GetProperty("new").GetInt64().ShouldBe(4);
        (await harness.OverviewAsync())["customers"].GetProperty("new").GetInt64().ShouldBe(4);
    }

    [Fact]
    public async Task Every_night_all_that_is_kept_is_made_anew_whenever_it_dies()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.OverviewAsync("?from=2020-01-05&to=2020-02-10&zone=Europe/Zurich");
        await harness.OverviewAsync("?from=2020-01-05&to=2020-02-10");
        await harness.AddCustomersAsync(Enumerable.Range(1, 5), c => c with { CreatedAt = new(2020, 1, 7, 0, 0, 0, TimeSpan.Zero) });
        for (var at = 1; ; at += 7)
        {
            harness.Clock.Advance(TimeSpan.FromDays(1));
            var night = harness.Clock.GetUtcNow();
            await harness.Create<RefreshFigures>().Daily(null!, default);
            harness.Crash.Arm(at, after: at % 2 == 0);
            var crashed = false;
            await harness.RunAsync(() =>
            {
                crashed = true;
                return Task.CompletedTask;
            });
            var kept = await new WorkspaceStore<RollUp<MonthFigures>>(harness.Get<CosmosDatabase>(), MonthRollUps.KindName).AllAsync(default).Select(r => r.Value).ToListAsync();
            kept.Count(r => r.Life is null).ShouldBeGreaterThanOrEqualTo(14);
            kept.Where(r => r.Life is null).ShouldAllBe(r => r.ComputedAt >= night);
            kept.Where(r => r.Id.StartsWith("Europe:Zurich", StringComparison.Ordinal)).ShouldAllBe(r => r.ComputedAt < night);
            kept.Single(r => r.Id == "UTC.2020-01").Value!.Days.Select(d => (d.Day, d.NewCustomers)).ShouldBe([(7, 5)]);
            if (!crashed)
            {
                break;
            }
        }

        // A message that comes a second time finds it done.
        var count = harness.Meter.Requests;
        var message = new RefreshRollUp(MonthRollUps.KindName, "UTC.2020-01", harness.Clock.GetUtcNow().AddDays(-1));
        await harness.Create<RefreshFigures>().Refresh(message, default);
        (harness.Meter.Requests - count).ShouldBe(1);
    }

    [Fact]
    public async Task Whoever_wants_fresh_figures_shares_only_a_count_that_began_after_they_asked()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var counter = ActivatorUtilities.CreateInstance<SlowCounter>(harness.Provider);
        var first = counter.ReadAsync(["k"], fresh: true, default);
        await counter.Begun.WaitAsync(TestContext.Current.CancellationToken);
        var joined = counter.ReadAsync(["k"], fresh: false, default);
        var later = Enumerable.Range(0, 20).Select(_ => counter.ReadAsync(["k"], fresh: true, default)).ToList();
        counter.Go.Release();
        (await first)[0].Value!.Number.ShouldBe("1");
        // It shares the count or, where looking for a stored one took longer than that, reads what the count stored.
        (await joined)[0].Value!.Number.ShouldBe("1");
        counter.Go.Release();
        (await Task.WhenAll(later)).ShouldAllBe(r => r[0].Value!.Number == "2");
        (await counter.ReadAsync(["k"], fresh: false, default))[0].Value!.Number.ShouldBe("2");
    }

    [Fact]
    public async Task What_was_counted_earlier_never_replaces_what_was_counted_later()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var (slow, fast) = (ActivatorUtilities.CreateInstance<SlowCounter>(harness.Provider), ActivatorUtilities.CreateInstance<SlowCounter>(harness.Provider));
        fast.Name = "fast";
        fast.Go.Release();
        var early = slow.ReadAsync(["k"], fresh: true, default);
        await slow.Begun.WaitAsync(TestContext.Current.CancellationToken);
        harness.Clock.Advance(TimeSpan.FromSeconds(1));
        await fast.ReadAsync(["k"], fresh: true, default);
        slow.Go.Release();
        (await early)[0].Value!.Number.ShouldBe("1");
        (await slow.ReadAsync(["k"], fresh: false, default))[0].Value!.Number.ShouldBe("fast1");
    }

    [Fact]
    public async Task A_failure_is_told_to_all_who_wait_and_the_next_one_tries_again()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var counter = ActivatorUtilities.CreateInstance<SlowCounter>(harness.Provider);
        counter.Fails = true;
        var both = new[] { counter.ReadAsync(["k"], fresh: false, default), counter.ReadAsync(["k"], fresh: false, default) };
        counter.Go.Release(2);
        foreach (var one in both)
        {
            await Should.ThrowAsync<InvalidOperationException>(() => one);
        }

        counter.Fails = false;
        counter.Go.Release();
        (await counter.ReadAsync(["k"], fresh: false, default))[0].Value!.Number.ShouldNotBeNull();
    }

    [Fact]
    public async Task Nobody_waits_longer_than_their_patience_and_what_was_begun_is_kept()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Analytics:Patience", "00:00:00.050"));
        var counter = ActivatorUtilities.CreateInstance<SlowCounter>(harness.Provider);
        var problem = await Should.ThrowAsync<ProblemException>(() => counter.ReadAsync(["k"], fresh: false, default));
        (problem.Problem.Status, problem.Problem.Code, problem.Problem.RetryAfterSeconds).ShouldBe((503, "analytics.computing", 5));
        counter.Go.Release();
        while (await new WorkspaceStore<RollUp<Counted>>(harness.Get<CosmosDatabase>(), "test-counter").ReadAsync("k", default) is null)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        (await counter.ReadAsync(["k"], fresh: false, default))[0].Value!.Number.ShouldBe("1");
    }

    public sealed record Counted(string Number);

    /// <summary>Counts how often it was asked, when it is let go.</summary>
    internal sealed class SlowCounter(RollUpTools tools) : RollUps<Counted>(tools, "test-counter")
    {
        private int count;

        public string Name { get; set; } = "";

        public bool Fails { get; set; }

        public SemaphoreSlim Begun { get; } = new(0);

        public SemaphoreSlim Go { get; } = new(0);

        protected override async Task<Counted> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation)
        {
            var number = Interlocked.Increment(ref count);
            Begun.Release();
            await Go.WaitAsync(cancellation);
            return Fails ? throw new InvalidOperationException("It cannot be counted.") : new($"{Name}{number}");
        }
    }
}
