using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class SendTimingTests(DeliveryEmulator emulator)
{
    private static readonly string[] Zones = ["Pacific/Kiritimati", "Asia/Tokyo", "Europe/Zurich", "America/New_York", "Pacific/Pago_Pago"];
    private static readonly Caller Manager = new("u", "U", Role.Manager);

    [Fact]
    public async Task What_falls_into_quiet_hours_waits_for_their_end_by_the_recipients_clocks()
    {
        await using var harness = await DeliveryHarness.StartAsync(
            emulator, ("Delivery:QuietHours:0:From", "21:00"), ("Delivery:QuietHours:0:To", "08:00"), ("Delivery:TimeZone", "America/New_York"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 250), c => c with { TimeZone = Zone(c) });
        await harness.AddCustomersAsync([251, 252], c => c with { TimeZone = "Middle/Earth" });
        var sentAt = Watch(harness);
        var id = await CheckCampaignTests.DraftAsync(harness, c => c with { SegmentId = DeliveryHarness.SegmentId });
        var check = await harness.Get<CheckCampaign>().HandleAsync(id, default);
        await harness.Get<SteerCampaign>().LaunchAsync(id, null, Manager, default);
        var launched = harness.Clock.GetUtcNow();
        await harness.RunAsync();

        var late = 0;
        foreach (var number in Enumerable.Range(1, 252))
        {
            var zone = TimeZoneInfo.FindSystemTimeZoneById(number > 250 ? "America/New_York" : Zone(Samples.Customer(number))!);
            var local = TimeZoneInfo.ConvertTime(sentAt[$"c{number}@example.com"], zone);
            TimeOnly.FromDateTime(local.DateTime).IsBetween(new(21, 0), new(8, 0)).ShouldBeFalse($"{zone.Id} {local}");
            var launch = TimeZoneInfo.ConvertTime(launched, zone);
            if (TimeOnly.FromDateTime(launch.DateTime).IsBetween(new(21, 0), new(8, 0)))
            {
                late++;
                (local.Hour, local.Minute).ShouldBe((8, 0));
            }
            else
            {
                (local - launch).ShouldBeLessThan(TimeSpan.FromMinutes(5));
            }
        }

        // At any hour there are zones in the night and zones in the day.
        late.ShouldBeInRange(50, 202);
        check.QuietHours!.Customers.ShouldBe(late);
        sentAt.Values.Max().ShouldBe(check.QuietHours.Until, TimeSpan.FromMinutes(1));
        check.FinishesAt.ShouldBe(check.QuietHours.Until);
        (await harness.LedgerAsync(id)).Sent.ShouldBe(252);
        harness.Vendor.Carried.ShouldBeUnique();
    }

    [Fact]
    public void The_channels_own_quiet_hours_come_before_those_for_all_and_the_campaigns_before_both()
    {
        var now = new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
        var options = new DeliveryOptions
        {
            QuietHours = { new() { From = "11:00", To = "13:00" }, new() { From = "11:00", To = "14:00", Channel = Channel.Sms } },
        };
        var timing = new SendTiming(Options.Create(options));
        DateTimeOffset? After(Func<Campaign, Campaign> change, string? zone = null) => timing.After(change(Samples.Campaign()), Samples.Customer(1) with { TimeZone = zone }, now);

        After(c => c).ShouldBe(now.AddHours(1));
        After(c => c with { Channel = Channel.Sms }).ShouldBe(now.AddHours(2));
        After(c => c with { Sending = new(QuietHours: new("11:00", "15:00")) }).ShouldBe(now.AddHours(3));
        After(c => c with { Sending = new(IgnoreQuietHours: true) }).ShouldBeNull();
        After(c => c, "Europe/Zurich").ShouldBeNull();
        After(c => c, "Europe/London").ShouldBeNull();
    }

    [Fact]
    public void The_best_hour_is_the_next_one_within_a_day_and_known_or_not()
    {
        var now = new DateTimeOffset(2026, 6, 1, 12, 30, 0, TimeSpan.Zero);
        var campaign = Samples.Campaign() with { Sending = new(BestTime: true), LaunchedAt = now };
        DateTimeOffset? After(int? hour, DateTimeOffset at, params QuietHoursOption[] quiet)
        {
            var options = new DeliveryOptions();
            Array.ForEach(quiet, options.QuietHours.Add);
            return new SendTiming(Options.Create(options), _ => hour).After(campaign, Samples.Customer(1), at);
        }

        After(null, now).ShouldBeNull();
        After(12, now).ShouldBeNull();
        After(13, now).ShouldBe(now.AddMinutes(30));
        After(11, now).ShouldBe(now.AddHours(22.5));
        After(13, now.AddHours(5)).ShouldBeNull("Its time has come.");
        After(11, now, new QuietHoursOption { From = "10:00", To = "12:00" }).ShouldBe(now.AddHours(23.5));
        new SendTiming(Options.Create(new DeliveryOptions())).After(campaign, Samples.Customer(1), now).ShouldBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData(LateRecipients.Skip)]
    public async Task A_local_time_comes_to_each_recipient_where_they_live(LateRecipients? late)
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 250), c => c with { TimeZone = Zone(c) });
        var sentAt = Watch(harness);

        // In time for all: it is launched where the day begins first.
        var wall = harness.Clock.GetUtcNow().UtcDateTime.Date.AddDays(3).AddHours(9);
        var id = await ScheduleAsync(harness, new(wall.ToString("yyyy-MM-dd'T'HH:mm"), null, Local: true, late));
        harness.Clock.Advance(wall.AddHours(-14).AddSeconds(10) - harness.Clock.GetUtcNow().UtcDateTime);
        await harness.Get<ScheduleCampaign>().RunAsync(default);
        await harness.RunAsync();
        foreach (var (number, local) in Locals(sentAt))
        {
            (local - wall).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromMinutes(3), $"{number} {local}");
        }

        (await harness.LedgerAsync(id)).Sent.ShouldBe(250);

        // Scheduled when it has passed for some.
        sentAt.Clear();
        wall = harness.Clock.GetUtcNow().UtcDateTime.Date.AddDays(2).AddHours(9);
        harness.Clock.Advance(wall.AddHours(-8) - harness.Clock.GetUtcNow().UtcDateTime);
        id = await ScheduleAsync(harness, new(wall.ToString("yyyy-MM-dd'T'HH:mm"), null, Local: true, late));
        var launched = harness.Clock.GetUtcNow();
        await harness.Get<ScheduleCampaign>().RunAsync(default);
        await harness.RunAsync();
        foreach (var (number, local) in Locals(sentAt))
        {
            if (Zone(Samples.Customer(number)) is "Pacific/Kiritimati" or "Asia/Tokyo")
            {
                late.ShouldBeNull("They are skipped.");
                (sentAt[$"c{number}@example.com"] - launched).ShouldBeLessThan(TimeSpan.FromMinutes(3));
            }
            else
            {
                (local - wall).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromMinutes(3));
            }
        }

        var ledger = await harness.LedgerAsync(id);
        (ledger.Sent, ledger.Reasons.GetValueOrDefault(Reasons.LocalTimePassed)).ShouldBe(late is null ? (250, 0) : (150, 100));
    }

    [Fact]
    public async Task A_local_time_can_come_again_every_week()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 5), c => c with { TimeZone = Zone(c) });
        var first = DateOnly.FromDateTime(harness.Clock.GetUtcNow().UtcDateTime).AddDays(2);
        var id = await ScheduleAsync(harness, new(null, new(RepeatEvery.Week, first, "09:00", null, first.AddDays(7)), Local: true));
        foreach (var day in new[] { first, first.AddDays(7) })
        {
            var sentAt = Watch(harness);
            var wall = day.ToDateTime(new(9, 0));
            harness.Clock.Advance(wall.AddHours(-14).AddSeconds(10) - harness.Clock.GetUtcNow().UtcDateTime);
            await harness.Get<ScheduleCampaign>().RunAsync(default);
            await harness.RunAsync();
            sentAt.Count.ShouldBe(5);
            Locals(sentAt).ShouldAllBe(s => s.Local - wall >= TimeSpan.Zero && s.Local - wall < TimeSpan.FromMinutes(3));
        }

        var occurrences = await harness.Get<ScheduleCampaign>().OccurrencesAsync(id, null, 10, default);
        occurrences.Select(o => o.Schedule!.Local).ShouldBe([first.AddDays(7).ToDateTime(new(9, 0)), first.ToDateTime(new(9, 0))]);
        (await ReadAsync(harness, id)).State.ShouldBe(CampaignState.Completed);
    }

    [Fact]
    public async Task A_local_time_that_has_passed_everywhere_or_is_none_is_refused()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await CheckCampaignTests.DraftAsync(harness, c => c);
        var passed = harness.Clock.GetUtcNow().UtcDateTime.AddHours(-12.1).ToString("yyyy-MM-dd'T'HH:mm");
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<ScheduleCampaign>().ScheduleAsync(id, null, new(passed, null, Local: true), Manager, default))).Problem.Status.ShouldBe(400);
        var best = await CheckCampaignTests.DraftAsync(harness, c => c with { Sending = new(BestTime: true) });
        (await Should.ThrowAsync<ProblemException>(() => harness.Get<ScheduleCampaign>().ScheduleAsync(best, null, new("2099-01-01T09:00", null, Local: true), Manager, default))).Problem.Status.ShouldBe(400);

        Errors(new("2099-01-01T09:00", null, Local: true, LateRecipients.Skip)).ShouldBeEmpty();
        Errors(new("2099-01-01T09:00Z", null, Local: true)).ShouldBe(["At"]);
        Errors(new("2099-01-01T09:00", null)).ShouldBeEmpty();
        Errors(new("tomorrow", null)).ShouldBe(["At"]);
        Errors(new("2099-01-01T09:00", null, Late: LateRecipients.Skip)).ShouldBe(["Late"]);
        Errors(new(null, new(RepeatEvery.Day, new(2099, 1, 1), "09:00", null, null), Local: true)).ShouldBeEmpty();
        Errors(new(null, new(RepeatEvery.Day, new(2099, 1, 1), "09:00", "UTC", null), Local: true)).ShouldBe(["Repeat.Zone"]);
        Errors(new(null, new(RepeatEvery.Day, new(2099, 1, 1), "09:00", null, null))).ShouldBe(["Repeat.Zone"]);
        static IEnumerable<string> Errors(ScheduleInput input) => new ScheduleInputValidator().Validate(input).Errors.Select(e => e.PropertyName);
    }

    [Fact]
    public async Task A_campaign_that_is_launched_before_its_local_time_goes_out_at_once()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 10), c => c with { TimeZone = Zone(c) });
        var id = await ScheduleAsync(harness, new(harness.Clock.GetUtcNow().AddDays(5).ToString("yyyy-MM-dd'T'HH:mm"), null, Local: true));
        await harness.Get<SteerCampaign>().LaunchAsync(id, null, Manager, default);
        var launched = harness.Clock.GetUtcNow();
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Sent.ShouldBe(10);
        (harness.Clock.GetUtcNow() - launched).ShouldBeLessThan(TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task At_a_limited_rate_only_those_who_are_due_take_time()
    {
        // A hundred of a hundred and fifty wait; without them it takes five seconds.
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        harness.Vendor.MessagesPerSecond = 10;
        var now = harness.Clock.GetUtcNow();
        var night = TimeOnly.FromDateTime(now.UtcDateTime.AddHours(-6));
        await harness.AddCustomersAsync(Enumerable.Range(1, 150), c => c with { TimeZone = Convert.ToInt32(c.Id, 16) % 3 == 0 ? "Etc/GMT-6" : "Etc/GMT+6" });
        var sentAt = Watch(harness);
        var id = await harness.LaunchAsync(c => c with { Sending = new(QuietHours: new(night.AddHours(-1).ToString("HH:mm"), night.AddHours(2).ToString("HH:mm"))) });
        await harness.RunAsync(until: () => sentAt.Count >= 50);
        (harness.Clock.GetUtcNow() - now).ShouldBeLessThan(TimeSpan.FromMinutes(2));
        var turns = (await harness.Get<WorkspaceStore<VendorTurns>>().ReadAsync(harness.Vendor.Name, default))!.Value;
        (turns.NextFreeAt - now).ShouldBeLessThan(TimeSpan.FromMinutes(2));
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Sent.ShouldBe(150);
    }

    [Theory]
    [InlineData("Delivery:QuietHours:0:From", "21")]
    [InlineData("Delivery:TimeZone", "Middle/Earth")]
    [InlineData("Delivery:Caps:0:Messages", "0")]
    public void Settings_that_make_no_sense_are_said_at_the_start(string key, string value)
    {
        using var services = DeliveryHarness.Services(new() { [key] = value });
        Should.Throw<OptionsValidationException>(() => services.GetService(typeof(IOptions<DeliveryOptions>)) is IOptions<DeliveryOptions> o ? o.Value : null);
    }

    private static string? Zone(Customer customer) => Zones[Convert.ToInt32(customer.Id, 16) % Zones.Length];

    private static async Task<string> ScheduleAsync(DeliveryHarness harness, ScheduleInput input)
    {
        var id = await CheckCampaignTests.DraftAsync(harness, c => c);
        await harness.Get<ScheduleCampaign>().ScheduleAsync(id, null, input, Manager, default);
        return id;
    }

    /// <returns>When each address was written to.</returns>
    private static ConcurrentDictionary<string, DateTimeOffset> Watch(DeliveryHarness harness)
    {
        var sentAt = new ConcurrentDictionary<string, DateTimeOffset>();
        harness.Vendor.Taken = messages =>
        {
            foreach (var message in messages)
            {
                sentAt.TryAdd(message.To, harness.Clock.GetUtcNow()).ShouldBeTrue();
            }

            return Task.CompletedTask;
        };
        return sentAt;
    }

    private static IEnumerable<(int Number, DateTime Local)> Locals(ConcurrentDictionary<string, DateTimeOffset> sentAt)
    {
        foreach (var (address, at) in sentAt)
        {
            var number = int.Parse(address[1..address.IndexOf('@', StringComparison.Ordinal)]);
            yield return (number, TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById(Zone(Samples.Customer(number))!)).DateTime);
        }
    }

    private static async Task<Campaign> ReadAsync(DeliveryHarness harness, string id) => (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;
}
