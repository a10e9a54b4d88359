using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>Time alone moves customers, to the millisecond, and only those who are moved are looked at.</summary>
public sealed class SegmentClockTests : IAsyncLifetime
{
    private SegmentWorld world = null!;

    public async ValueTask InitializeAsync() => world = await SegmentWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Theory]
    [InlineData("inLast", "P90D", "2026-08-31T12:00:00.000Z", "2026-06-10T08:15:00.123Z", "2026-09-08T08:15:00.124Z")]
    [InlineData("notInLast", "P90D", "2026-08-31T12:00:00.000Z", "2026-06-10T08:15:00.123Z", "2026-09-08T08:15:00.124Z")]
    [InlineData("inLast", "PT12H", "2026-08-31T12:00:00.000Z", "2026-08-31T00:00:00.000Z", "2026-08-31T12:00:00.001Z")]
    [InlineData("inLast", "P1M", "2026-03-15T00:00:00.000Z", "2026-02-28T06:00:00.000Z", "2026-03-28T06:00:00.001Z")]
    [InlineData("inLast", "P1M", "2026-03-30T00:00:00.000Z", "2026-02-28T23:59:59.999Z", "2026-04-01T00:00:00.000Z")]
    [InlineData("inLast", "P1Y", "2024-02-28T23:00:00.000Z", "2023-02-28T23:30:00.000Z", "2024-02-28T23:30:00.001Z")]
    [InlineData("inLast", "P1Y", "2023-03-01T00:00:00.000Z", "2023-02-28T23:59:59.999Z", "2024-03-01T00:00:00.000Z")]
    [InlineData("inLast", "P30D", "2026-08-31T12:00:00.000Z", "2026-09-02T10:00:00.000Z", "2026-09-02T10:00:00.000Z")]
    [InlineData("inLast", "P30D", "2026-08-31T12:00:00.000Z", "2026-09-02T12:00:00.000+02:00", "2026-09-02T10:00:00.000Z")]
    [InlineData("inLast", "P30D", "2026-08-31T12:00:00.000Z", "2026-07-01T00:00:00.000Z", null)]
    [InlineData("anniversaryWithin", "P7D", "2026-08-31T12:00:00.000Z", "1990-09-20T00:00:00.000Z", "2026-09-01T00:00:00.000Z")]
    public async Task The_next_change_is_found_to_the_millisecond(string op, string duration, string now, string lastOrder, string? expected)
    {
        await world.PutAsync([Rules.Customer(c => c with { LastOrderAt = DateTimeOffset.Parse(lastOrder) })]);
        var rule = Rules.One("lastOrderAt", op, $"\"{duration}\"");
        var next = await world.Get<SegmentClock>().NextChangeAsync(rule, DateTimeOffset.Parse(now), default);
        next.ShouldBe(expected is null ? null : DateTimeOffset.Parse(expected));
        if (next is { } at && op != "anniversaryWithin")
        {
            var customer = (await world.CustomerAsync(Rules.Customer().Id)).Value;
            rule.Matches(customer, new(at)).ShouldBe(!rule.Matches(customer, new(at.AddMilliseconds(-1))));
            rule.Matches(customer, new(at.AddMilliseconds(-1))).ShouldBe(rule.Matches(customer, new(DateTimeOffset.Parse(now))));
        }
    }

    /// <summary>Against the rule itself, minute by minute: nobody changes before the moment that was foretold.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Nobody_changes_before_the_moment_foretold(int seed)
    {
        var random = new Random(seed);
        string[] durations = ["P1D", "P1M", "P2M", "PT36H", "P1M1D", "P6M", "P1Y"];
        string[] fields = ["lastOrderAt", "createdAt", "birthday", "attributes.seen", "categories.Books.lastAt"];
        var start = new DateTimeOffset(2026, 2, 26, 0, 0, 0, TimeSpan.Zero);
        DateTimeOffset Time() => start.AddMinutes(-random.Next(60 * 24 * 400) + (random.Next(10) == 0 ? 60 * 24 * 410 : 0));
        var customers = Enumerable.Range(0, 40).Select(i => Rules.Customer(c => c with
        {
            Id = $"{i:x32}", CreatedAt = Time(), LastOrderAt = random.Next(4) == 0 ? null : Time(), Birthday = DateOnly.FromDateTime(Time().UtcDateTime), Visits = random.Next(3),
            Attributes = Rules.Attributes(random.Next(3) switch { 0 => "{}", 1 => "{\"seen\":5}", _ => JsonSerializer.Serialize(new { seen = Platform.UtcTimeConverter.Write(Time()) }) }),
            Categories = random.Next(2) == 0 ? new Dictionary<string, CategoryTotals>() : new Dictionary<string, CategoryTotals> { ["Books"] = new(1, 1, Time()) },
        })).ToList();
        await world.PutAsync(customers);
        for (var i = 0; i < 12; i++)
        {
            string Test() => $$"""{ "field": "{{fields[random.Next(fields.Length)]}}", "operator": "{{(random.Next(2) == 0 ? "inLast" : "notInLast")}}", "value": "{{durations[random.Next(durations.Length)]}}" }""";
            var rule = Rules.Parse($$"""
                { "combinator": "{{(random.Next(2) == 0 ? "and" : "or")}}", "not": {{(random.Next(2) == 0 ? "true" : "false")}}, "rules": [ {{Test()}},
                  { "combinator": "or", "not": {{(random.Next(2) == 0 ? "true" : "false")}}, "rules": [ {{Test()}}, { "field": "visits", "operator": "=", "value": {{random.Next(3)}} } ] } ] }
                """);
            var foretold = await world.Get<SegmentClock>().NextChangeAsync(rule, start, default) ?? start.AddDays(60);
            foretold.ShouldBeGreaterThan(start);
            foreach (var customer in customers)
            {
                var before = rule.Matches(customer, new(start));
                for (var at = start; at < foretold && at < start.AddDays(60); at = at.AddHours(1))
                {
                    rule.Matches(customer, new(at)).ShouldBe(before);
                }

                rule.Matches(customer, new(foretold.AddMilliseconds(-1))).ShouldBe(before);
            }
        }
    }

    [Fact]
    public async Task A_customer_leaves_on_time_without_a_look_at_the_others()
    {
        await world.PutAsync(Enumerable.Range(0, 50).Select(i => Buyer(i, Rules.Now.AddDays(-30).AddHours(1 + i))));
        var recent = await world.CreateAsync(Rules.OneJson("lastOrderAt", "inLast", "\"P30D\""));
        await world.RunQueueAsync();
        (await world.TaggedAsync(recent.Id)).Count.ShouldBe(50);
        (await world.ReadAsync(recent.Id)).NextChangeAt.ShouldBe(Rules.Now.AddHours(1).AddMilliseconds(1));

        // Nothing is due for an hour: nothing is sent.
        await world.Get<SegmentSchedule>().RunAsync(default);
        (await world.RunQueueAsync()).ShouldBe(0);

        // Within a minute of its moment the message goes out, to be delivered at that moment.
        world.Clock.Advance(Rules.Now.AddHours(1).AddSeconds(-40) - world.Clock.GetUtcNow());
        var etags = (await world.Customers.PageAsync(CustomerFilter.All, null, 100, default)).ToDictionary(c => c.Value.Id, c => c.ETag);
        await world.Get<SegmentSchedule>().RunAsync(default);
        var message = world.Queue.TakeNext().ShouldNotBeNull();
        message.Reason.ShouldBe(RebuildReason.Clock);
        (world.Clock.GetUtcNow() - Rules.Now.AddHours(1).AddMilliseconds(1)).ShouldBeLessThan(TimeSpan.FromSeconds(1));
        await world.Get<SegmentRebuild>().HandleAsync(message, default);
        (await world.TaggedAsync(recent.Id)).ShouldBe(Enumerable.Range(1, 49).Select(Id));
        (await world.Customers.PageAsync(CustomerFilter.All, null, 100, default)).Count(c => c.ETag != etags[c.Value.Id]).ShouldBe(1);
        (await world.ReadAsync(recent.Id)).Members.ShouldBe(49);
        (await world.ReadAsync(recent.Id)).NextChangeAt.ShouldBe(Rules.Now.AddHours(2).AddMilliseconds(1));
    }

    [Fact]
    public async Task Where_customers_change_every_second_they_go_together()
    {
        await world.PutAsync(Enumerable.Range(0, 120).Select(i => Buyer(i, Rules.Now.AddDays(-30).AddSeconds(120 + i))));
        var recent = await world.CreateAsync(Rules.OneJson("lastOrderAt", "inLast", "\"P30D\""));
        var messages = await world.RunQueueAsync();
        messages.ShouldBeInRange(10, 20, "the change and its second look, then one for at least ten seconds each");
        (await world.TaggedAsync(recent.Id)).ShouldBeEmpty();
        (await world.ReadAsync(recent.Id)).NextChangeAt.ShouldBeNull();
    }

    [Fact]
    public async Task A_write_that_brings_the_next_change_nearer_is_seen_by_the_next_look()
    {
        await world.PutAsync([Buyer(1, Rules.Now.AddDays(-1)), Buyer(2, Rules.Now.AddDays(-1))]);
        var recent = await world.CreateAsync(Rules.OneJson("lastOrderAt", "inLast", "\"P30D\""));
        await world.RunQueueAsync();
        var (customer, etag) = await world.CustomerAsync(Id(1));
        await world.Customers.TryReplaceAsync(customer with { LastOrderAt = Rules.Now.AddDays(-30).AddMinutes(5) }, etag, default);
        await world.Get<SegmentSchedule>().RunAsync(default);
        (await world.ReadAsync(recent.Id)).NextChangeAt.ShouldBe(Rules.Now.AddMinutes(5).AddMilliseconds(1));
        world.Clock.Advance(TimeSpan.FromMinutes(4));
        await world.Get<SegmentSchedule>().RunAsync(default);
        await world.RunQueueAsync();
        (await world.TaggedAsync(recent.Id)).ShouldBe([Id(2)]);
    }

    [Fact]
    public async Task Birthdays_come_and_go_at_midnight()
    {
        await world.PutAsync(Enumerable.Range(0, 20).Select(i => Rules.Customer(c => c with { Id = Id(i), Birthday = new DateOnly(1990, 8, 25).AddDays(i) })));
        var soon = await world.CreateAsync(Rules.OneJson("birthday", "anniversaryWithin", "\"P3D\""));
        await world.RunQueueAsync();
        (await world.TaggedAsync(soon.Id)).ShouldBe(Enumerable.Range(6, 4).Select(Id));
        var midnight = new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero);
        (await world.ReadAsync(soon.Id)).NextChangeAt.ShouldBe(midnight);
        world.Clock.Advance(midnight.AddSeconds(-30) - world.Clock.GetUtcNow());
        await world.Get<SegmentSchedule>().RunAsync(default);
        var due = 0;
        while (world.Queue.TakeNext() is { } message)
        {
            due++;
            await world.Get<SegmentRebuild>().HandleAsync(message, default);
        }

        due.ShouldBeGreaterThan(0);
        (await world.TaggedAsync(soon.Id)).ShouldBe(Enumerable.Range(7, 4).Select(Id));
    }

    private static string Id(int number) => $"{number:x32}";

    private static Customer Buyer(int number, DateTimeOffset lastOrder) => Rules.Customer(c => c with { Id = Id(number), LastOrderAt = lastOrder, OrderCount = 1 });
}
