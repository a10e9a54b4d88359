using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>Tags follow the rules: on writes at once, on changes of rules and of time soon, whatever happens in between.</summary>
public sealed class SegmentRebuildTests : IAsyncLifetime
{
    private static readonly string Spenders = Rules.OneJson("totalSpend", ">=", "100");

    private SegmentWorld world = null!;

    public async ValueTask InitializeAsync() => world = await SegmentWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public async Task A_write_carries_the_right_tags_at_once()
    {
        var segment = await world.CreateAsync(Spenders);
        await world.PutAsync([Spender(1, 0)]);

        (await WriteAsync(1, c => c with { TotalSpend = 100_00 })).SegmentIds.ShouldBe([segment.Id]);
        (await WriteAsync(1, c => c with { TotalSpend = 99_99 })).SegmentIds.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_rule_reaches_the_customers_there_are_and_touches_only_those()
    {
        await world.PutAsync(Enumerable.Range(0, 1300).Select(i => Spender(i, i % 2 == 0 ? 200 : 1)));
        var bystander = await world.CustomerAsync(Id(1));
        var segment = await world.CreateAsync(Spenders);
        segment.State.ShouldBe(SegmentState.Building);

        await world.RunQueueAsync();

        (await world.TaggedAsync(segment.Id)).ShouldBe(Enumerable.Range(0, 650).Select(i => Id(i * 2)));
        var built = await world.ReadAsync(segment.Id);
        built.State.ShouldBe(SegmentState.Ready);
        built.Members.ShouldBe(650);
        (await world.CustomerAsync(Id(1))).ETag.ShouldBe(bystander.ETag);

        var members = await world.Get<ListSegments>().MembersAsync(segment.Id, new(200, null), default);
        members.Items.Count.ShouldBe(200);
        members.Items[0].TotalSpend.ShouldBe(200);
        members.Next.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_changed_rule_takes_tags_away_too()
    {
        await world.PutAsync(Enumerable.Range(0, 20).Select(i => Spender(i, i * 10)));
        var segment = await world.CreateAsync(Spenders);
        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).Count.ShouldBe(10);

        await ReplaceAsync(segment.Id, Rules.OneJson("totalSpend", "<", "30"));
        (await world.ReadAsync(segment.Id)).State.ShouldBe(SegmentState.Building);
        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(0), Id(1), Id(2)]);
        (await world.ReadAsync(segment.Id)).State.ShouldBe(SegmentState.Ready);
    }

    [Fact]
    public async Task A_new_name_alone_asks_for_no_rebuild()
    {
        var segment = await world.CreateAsync(Spenders);
        await world.RunQueueAsync();
        var (view, _) = await world.Get<SaveSegment>().ReplaceAsync(segment.Id, new("Other", null, JsonElement.Parse(Spenders)), "*", default);
        view.State.ShouldBe(SegmentState.Ready);
        (await world.RunQueueAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_rebuild_goes_on_in_pieces_and_may_be_delivered_twice()
    {
        await world.PutAsync(Enumerable.Range(0, 1700).Select(i => Spender(i, i % 3 == 0 ? 1 : 200, i % 5 == 0 ? ["other"] : [])));
        var segment = await world.CreateAsync(Spenders);

        // Each look at the stopwatch takes most of the budget, so an invocation does a page or two.
        world.Clock.Tick = TimeSpan.FromSeconds(30);
        (await world.RunQueueAsync(deliveries: 2)).ShouldBeGreaterThan(4);
        world.Clock.Tick = TimeSpan.FromTicks(1);
        (await world.TaggedAsync(segment.Id)).ShouldBe(Enumerable.Range(0, 1700).Where(i => i % 3 != 0).Select(Id));
    }

    [Fact]
    public async Task A_rebuild_that_dies_goes_on_when_its_message_returns()
    {
        await world.PutAsync(Enumerable.Range(0, 1700).Select(i => Spender(i, 200)));
        var segment = await world.CreateAsync(Spenders);
        var message = world.Queue.TakeNext().ShouldNotBeNull();
        using var death = new CancellationTokenSource();
        world.CustomerWrites.HoldAfter(1);
        var rebuild = world.Get<SegmentRebuild>().HandleAsync(message, death.Token);
        while (!rebuild.IsCompleted && (await world.TaggedAsync(segment.Id)).Count == 0)
        {
            await Task.Delay(5);
        }

        await death.CancelAsync();
        world.CustomerWrites.GoOn();
        await Should.ThrowAsync<OperationCanceledException>(rebuild);
        (await world.TaggedAsync(segment.Id)).Count.ShouldBeLessThan(1700);

        await world.Get<SegmentRebuild>().HandleAsync(message, default);
        (await world.TaggedAsync(segment.Id)).Count.ShouldBe(1700);
    }

    [Fact]
    public async Task A_process_with_old_rules_cannot_undo_a_rebuild_for_good()
    {
        await world.PutAsync([Spender(1, 0), Spender(2, 500), Spender(3, 500)]);
        var other = world.NewProcess().GetRequiredService<CustomerStore>();
        await other.RefreshSegmentsAsync(default);

        // The other process computes its writes with the rules of before, and is slow to send them.
        var slow = new List<(Customer, string)>();
        foreach (var i in new[] { 1, 2 })
        {
            var (customer, etag) = await world.CustomerAsync(Id(i));
            slow.Add((other.Derive(customer with { TotalSpend = i == 1 ? 300_00 : 500_00, Visits = 7 }), etag));
        }

        var segment = await world.CreateAsync(Spenders);
        await world.Get<SegmentRebuild>().HandleAsync(world.Queue.TakeNext()!, default);
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(2), Id(3)]);

        // The rebuild has set a tag on 2: the slow write fails on its ETag. 1 was no member, nothing stops the write.
        (await other.TryReplaceDerivedAsync(slow[0].Item1, slow[0].Item2, default)).ShouldNotBeNull();
        (await other.TryReplaceDerivedAsync(slow[1].Item1, slow[1].Item2, default)).ShouldBeNull();
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(2), Id(3)]);

        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(1), Id(2), Id(3)]);
        (await world.ReadAsync(segment.Id)).Members.ShouldBe(3);
    }

    [Fact]
    public async Task Rules_are_read_again_when_they_are_two_seconds_old()
    {
        await world.PutAsync([Spender(1, 500)]);
        var other = world.NewProcess().GetRequiredService<SegmentTagger>();
        await other.RefreshAsync(default);
        var segment = await world.CreateAsync(Spenders);
        var customer = (await world.CustomerAsync(Id(1))).Value;

        await other.RefreshAsync(default);
        other.SegmentsOf(customer).ShouldBeEmpty();
        world.Clock.Advance(SegmentTagger.MaxAge + TimeSpan.FromMilliseconds(1));
        await other.RefreshAsync(default);
        other.SegmentsOf(customer).ShouldBe([segment.Id]);
        SegmentRebuild.Delay.ShouldBeGreaterThan(SegmentTagger.MaxAge);
    }

    [Fact]
    public async Task Writers_and_a_rebuild_at_the_same_time_end_with_the_right_tags()
    {
        const int count = 60;
        await world.PutAsync(Enumerable.Range(0, count).Select(i => Spender(i, 0)));
        var segment = await world.CreateAsync(Spenders);
        var random = new Random(7);
        var plan = Enumerable.Range(0, 600).Select(_ => (random.Next(count), random.Next(200))).ToList();
        var writers = Parallel.ForEachAsync(plan, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (step, cancellation) =>
            await WriteAsync(step.Item1, c => c with { TotalSpend = step.Item2 * 100 }));
        var rules = new[] { Rules.OneJson("totalSpend", "<", "50"), Rules.OneJson("totalSpend", "between", "[20, 150]"), Spenders };
        foreach (var rule in rules)
        {
            await ReplaceAsync(segment.Id, rule);
            await world.RunQueueAsync();
        }

        await writers;
        await world.RunQueueAsync();
        var all = await world.Customers.PageAsync(CustomerFilter.All, null, count, default);
        all.Count.ShouldBe(count);
        all.ShouldAllBe(c => c.Value.SegmentIds.Contains(segment.Id) == c.Value.TotalSpend >= 100_00);
        (await world.ReadAsync(segment.Id)).State.ShouldBe(SegmentState.Ready);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(30)]
    public async Task Tags_are_set_only_on_what_was_read(int count)
    {
        await world.PutAsync(Enumerable.Range(0, count).Select(i => Spender(i, 1)));
        var read = await world.Customers.PageAsync(CustomerFilter.All, null, count, default);
        await WriteAsync(1, c => c with { Visits = 5 });

        var lost = await world.Get<CustomerTags>().WriteAsync([.. read.Select(c => new TagChange(c.Value.Id, c.ETag, ["s"]))], default);
        lost.ShouldBe([Id(1)]);
        var all = await world.Customers.PageAsync(CustomerFilter.All, null, count, default);
        all.ShouldAllBe(c => c.Value.SegmentIds.Count == (c.Value.Id == Id(1) ? 0 : 1));
        all.Single(c => c.Value.Id == Id(1)).Value.Visits.ShouldBe(5);
    }

    [Fact]
    public async Task A_message_of_an_older_rule_does_nothing()
    {
        await world.PutAsync([Spender(1, 500), Spender(2, 1)]);
        var segment = await world.CreateAsync(Spenders);
        var old = world.Queue.TakeNext()!;
        await ReplaceAsync(segment.Id, Rules.OneJson("totalSpend", "<", "30"));
        await world.Get<SegmentRebuild>().HandleAsync(old, default);
        (await world.TaggedAsync(segment.Id)).ShouldBeEmpty();
        (await world.ReadAsync(segment.Id)).State.ShouldBe(SegmentState.Building);
        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(2)]);
    }

    [Fact]
    public async Task A_deleted_segment_is_gone_at_once_and_its_tags_soon()
    {
        await world.PutAsync(Enumerable.Range(0, 30).Select(i => Spender(i, 500)));
        var segment = await world.CreateAsync(Spenders);
        await world.RunQueueAsync();

        await world.Get<DeleteSegment>().HandleAsync(segment.Id, "*", default);
        (await Should.ThrowAsync<ProblemException>(() => world.ReadAsync(segment.Id))).Problem.ShouldBeOfType<SegmentNotFound>();
        (await world.Get<ListSegments>().PageAsync(new(10, null), default)).Items.ShouldBeEmpty();
        (await WriteAsync(1, c => c)).SegmentIds.ShouldBeEmpty();

        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).ShouldBeEmpty();
        (await world.Get<WorkspaceStore<Segment>>().ReadAsync(segment.Id, default)).ShouldBeNull();
        (await world.Get<WorkspaceStore<SegmentBuild>>().ReadAsync(segment.Id, default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_stale_ETag_changes_nothing()
    {
        var (segment, etag) = await world.Get<SaveSegment>().CreateAsync(new("A", null, JsonElement.Parse(Spenders)), default);
        await world.RunQueueAsync();

        // What the service finds out about a segment is no change of it.
        var (_, second) = await world.Get<SaveSegment>().ReplaceAsync(segment.Id, new("B", null, JsonElement.Parse(Spenders)), etag, default);
        (await Should.ThrowAsync<ProblemException>(() => world.Get<SaveSegment>().ReplaceAsync(segment.Id, new("C", null, JsonElement.Parse(Spenders)), etag, default)))
            .Problem.Status.ShouldBe(412);
        (await Should.ThrowAsync<ProblemException>(() => world.Get<DeleteSegment>().HandleAsync(segment.Id, etag, default))).Problem.Status.ShouldBe(412);
        (await world.ReadAsync(segment.Id)).Name.ShouldBe("B");
        await world.Get<DeleteSegment>().HandleAsync(segment.Id, second, default);
    }

    [Fact]
    public async Task Time_alone_moves_customers_out()
    {
        await world.PutAsync([Spender(1, 1) with { LastOrderAt = Rules.Now.AddDays(-29) }, Spender(2, 1) with { LastOrderAt = Rules.Now.AddDays(-5) }]);
        var recent = await world.CreateAsync(Rules.OneJson("lastOrderAt", "inLast", "\"P30D\""));
        await world.RunQueueAsync();
        (await world.TaggedAsync(recent.Id)).Count.ShouldBe(2);

        world.Clock.Advance(TimeSpan.FromDays(2));
        await world.Get<SegmentSchedule>().RunAsync(default);
        await world.RunQueueAsync();
        (await world.TaggedAsync(recent.Id)).ShouldBe([Id(2)]);

        await world.Get<SegmentSchedule>().RunAsync(default);
        (await world.RunQueueAsync()).ShouldBe(0, "it was built a moment ago");
    }

    [Fact]
    public async Task A_change_whose_message_was_lost_is_found_by_the_timer()
    {
        await world.PutAsync([Spender(1, 500)]);
        var segment = await world.CreateAsync(Spenders);
        world.Queue.TakeNext().ShouldNotBeNull();
        await world.Get<SegmentSchedule>().RunAsync(default);
        (await world.RunQueueAsync()).ShouldBe(0, "it may still be on its way");

        world.Clock.Advance(TimeSpan.FromMinutes(5));
        await world.Get<SegmentSchedule>().RunAsync(default);
        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(1)]);
        (await world.ReadAsync(segment.Id)).State.ShouldBe(SegmentState.Ready);
    }

    [Fact]
    public async Task Every_segment_is_gone_over_once_an_hour()
    {
        var segment = await world.CreateAsync(Spenders);
        await world.RunQueueAsync();
        await world.PutAsync([Spender(1, 500), Spender(2, 1, [segment.Id])]);
        world.Clock.Advance(TimeSpan.FromHours(1));
        await world.Get<SegmentSchedule>().RunAsync(default);
        await world.RunQueueAsync();
        (await world.TaggedAsync(segment.Id)).ShouldBe([Id(1)]);
    }

    [Fact]
    public async Task Segments_of_segments_follow()
    {
        await world.PutAsync([Spender(1, 500), Spender(2, 500) with { City = "Bern" }, Spender(3, 1) with { City = "Bern" }]);
        var spenders = await world.CreateAsync(Spenders);
        var local = await world.CreateAsync($$"""
            { "combinator": "and", "rules": [
              { "field": "segments", "operator": "contains", "value": "{{spenders.Id}}" }, { "field": "city", "operator": "=", "value": "bern" } ] }
            """);
        await world.RunQueueAsync();
        (await world.TaggedAsync(local.Id)).ShouldBe([Id(2)]);
        (await WriteAsync(3, c => c with { TotalSpend = 500_00 })).SegmentIds.ShouldBe([spenders.Id, local.Id], ignoreOrder: true);

        await ReplaceAsync(spenders.Id, Rules.OneJson("totalSpend", ">", "1000"));
        await world.RunQueueAsync();
        (await world.TaggedAsync(local.Id)).ShouldBeEmpty();

        (await Should.ThrowAsync<ProblemException>(() => world.Get<DeleteSegment>().HandleAsync(spenders.Id, "*", default))).Problem.ShouldBeOfType<SegmentInUse>();
        (await Should.ThrowAsync<ProblemException>(() => ReplaceAsync(spenders.Id, Rules.OneJson("segments", "contains", $"\"{local.Id}\"")))).Problem.ShouldBeOfType<SegmentCycle>();
        (await Should.ThrowAsync<ProblemException>(() => ReplaceAsync(spenders.Id, Rules.OneJson("segments", "contains", $"\"{spenders.Id}\"")))).Problem.ShouldBeOfType<SegmentCycle>();
        (await Should.ThrowAsync<ProblemException>(() => world.CreateAsync(Rules.OneJson("segments", "contains", "\"none\"")))).Problem.ShouldBeOfType<RuleInvalid>();
    }

    [Fact]
    public async Task A_preview_counts_exactly_and_shows_twenty()
    {
        await world.PutAsync(Enumerable.Range(0, 40).Select(i => Spender(i, i * 10)));
        var preview = await world.Get<PreviewSegment>().HandleAsync(new(JsonElement.Parse(Spenders)), default);
        preview.Count.ShouldBe(30);
        preview.Sample.Count.ShouldBe(20);
        preview.Sample.ShouldAllBe(m => m.Customer.TotalSpend >= 100 && m.Because.Single().Field == "totalSpend" && m.Because.Single().Actual!.Equals(m.Customer.TotalSpend));
    }

    [Fact]
    public async Task An_audience_is_the_rule_at_its_instant()
    {
        await world.PutAsync([Spender(1, 1) with { LastOrderAt = Rules.Now.AddDays(-29) }]);
        var segment = await world.CreateAsync(Rules.OneJson("lastOrderAt", "inLast", "\"P30D\""));
        var now = await world.Get<SegmentAudience>().FilterAsync(segment.Id, Rules.Now, default);
        var later = await world.Get<SegmentAudience>().FilterAsync(segment.Id, Rules.Now.AddDays(2), default);
        (await world.Customers.PageIdsAsync(now, null, 10, default)).ShouldBe([Id(1)]);
        (await world.Customers.PageIdsAsync(later, null, 10, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_explanation_shows_each_rule_the_value_and_the_answer()
    {
        await world.PutAsync([Spender(1, 50) with { City = "Bern" }]);
        var segment = await world.CreateAsync("""
            { "combinator": "or", "rules": [
              { "field": "totalSpend", "operator": ">", "value": 100 },
              { "combinator": "and", "not": true, "rules": [ { "field": "city", "operator": "=", "value": "BERN" }, { "field": "company", "operator": "notNull" } ] } ] }
            """);
        await world.RunQueueAsync();
        var explained = await world.Get<ExplainSegment>().HandleAsync(segment.Id, Id(1), default);
        explained.Member.ShouldBeTrue();
        var json = JsonSerializer.Serialize(explained.Rule, Platform.Json.Options);
        json.ShouldBe(
            """{"passed":true,"combinator":"or","not":false,"rules":[{"passed":false,"field":"totalSpend","operator":">","value":100,"actual":50.00},"""
            + """{"passed":true,"combinator":"and","not":true,"rules":[{"passed":true,"field":"city","operator":"=","value":"BERN","actual":"Bern"},"""
            + """{"passed":false,"field":"company","operator":"notNull"}]}]}""");
        (await Should.ThrowAsync<ProblemException>(() => world.Get<ExplainSegment>().HandleAsync(segment.Id, "nobody", default))).Problem.Status.ShouldBe(404);
    }

    [Fact]
    public async Task An_explanation_knows_categories_segments_and_what_decides()
    {
        await world.PutAsync([Spender(1, 500) with { Categories = new Dictionary<string, CategoryTotals> { ["Home & Garden"] = new(3, 80_00, Rules.Now) } }]);
        var spenders = await world.CreateAsync(Spenders);
        var segment = await world.CreateAsync($$"""
            { "combinator": "and", "rules": [
              { "field": "segments", "operator": "contains", "value": "{{spenders.Id}}" },
              { "combinator": "or", "rules": [
                { "field": "categories.Home & Garden.count", "operator": ">=", "value": 3 }, { "field": "categories.Books.spend", "operator": ">", "value": 5 } ] },
              { "combinator": "or", "not": true, "rules": [ { "field": "city", "operator": "=", "value": "Bern" }, { "field": "visits", "operator": ">", "value": 3 } ] } ] }
            """);

        // Before any rebuild: the tags are not there, the answer is.
        var explained = await world.Get<ExplainSegment>().HandleAsync(segment.Id, Id(1), default);
        (explained.Member, explained.Rule.Passed).ShouldBe((false, true));
        explained.Rule.Rules![0].Actual.ShouldBeAssignableTo<IEnumerable<string>>()!.ShouldContain(spenders.Id);
        explained.Because.Select(b => (b.Field, b.Passed)).ShouldBe(
            [("segments", true), ("categories.Home & Garden.count", true), ("city", false), ("visits", false)], "the books decide nothing");

        await WriteAsync(1, c => c with { TotalSpend = 0, Visits = 5 });
        explained = await world.Get<ExplainSegment>().HandleAsync(segment.Id, Id(1), default);
        explained.Rule.Passed.ShouldBeFalse();
        explained.Because.Select(b => (b.Field, b.Passed)).ShouldBe([("segments", false), ("visits", true)]);
    }

    [Fact]
    public async Task A_preview_says_whom_each_channel_reaches_and_at_what_price()
    {
        Consent Said(ConsentState state) => new(state, Rules.Now, "api");
        await world.PutAsync(
        [
            Spender(1, 500) with { Email = "a@example.com", Phone = "+41446681800", PhoneUsable = true },
            Spender(2, 500) with { Email = "b@example.com", Consent = new Dictionary<string, Consent> { ["email"] = Said(ConsentState.Withdrawn), ["sms"] = Said(ConsentState.Granted) } },
            Spender(3, 500) with { Phone = "044 668", PhoneUsable = false, Attributes = Rules.Attributes("""{ "pushToken": "t" }""") },
            Spender(4, 500) with { Email = "d@example.com", Consent = new Dictionary<string, Consent> { ["email"] = Said(ConsentState.Granted) } },
            Spender(5, 1) with { Email = "e@example.com" },
        ]);
        async Task<string> EstimateAsync(ServiceProvider process) => string.Join(' ',
            (await process.GetRequiredService<PreviewSegment>().HandleAsync(new(JsonElement.Parse(Spenders)), default)).Channels.Select(c => FormattableString.Invariant($"{c.Channel}:{c.Reachable}:{c.Cost}")));
        (await EstimateAsync(world.NewProcess(new() { ["Prices:Email"] = "0.0004", ["Prices:Sms"] = "0.0079" }))).ShouldBe("email:2:0.0008 sms:1:0.0079 whatsapp:1: push:1:");
        (await EstimateAsync(world.NewProcess(new() { ["Delivery:RequireConsent"] = "true" }))).ShouldBe("email:1: sms:0: whatsapp:0: push:0:");
    }

    private static string Id(int number) => $"{number:x32}";

    private static Customer Spender(int number, int spend, string[]? tags = null) =>
        Rules.Customer(c => c with { Id = Id(number), TotalSpend = spend * 100L, SegmentIds = tags ?? [] });

    private async Task<Customer> WriteAsync(int number, Func<Customer, Customer> change)
    {
        while (true)
        {
            var (customer, etag) = await world.CustomerAsync(Id(number));
            if (await world.Customers.TryReplaceAsync(change(customer), etag, default) is not null)
            {
                return (await world.CustomerAsync(Id(number))).Value;
            }
        }
    }

    private async Task ReplaceAsync(string id, string rule) =>
        await world.Get<SaveSegment>().ReplaceAsync(id, new("Test", null, JsonElement.Parse(rule)), "*", default);
}
