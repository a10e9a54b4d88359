using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class ScheduleTests(DeliveryEmulator emulator)
{
    private static readonly Caller Manager = new("u", "U", Role.Manager);

    [Fact]
    public async Task A_campaign_is_launched_at_its_time_and_once()
    {
        await using var harness = await StartAsync();
        var id = await DraftAsync(harness);
        var schedule = harness.Get<ScheduleCampaign>();
        var now = harness.Clock.GetUtcNow();
        (await Should.ThrowAsync<ProblemException>(() => schedule.ScheduleAsync(id, null, new(now.AddSeconds(-1).ToString("O"), null), Manager, default))).Problem.Status.ShouldBe(400);

        // Longer than a queue's delay can be.
        (await schedule.ScheduleAsync(id, null, new(now.AddDays(20).ToString("O"), null), Manager, default)).Value.State.ShouldBe(CampaignState.Scheduled);
        harness.Clock.Advance(TimeSpan.FromDays(19.9));
        await schedule.RunAsync(default);
        (await ReadAsync(harness, id)).State.ShouldBe(CampaignState.Scheduled);

        harness.Clock.Advance(TimeSpan.FromDays(0.1) + TimeSpan.FromSeconds(2));
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => schedule.RunAsync(default)));
        await harness.RunAsync();
        await schedule.RunAsync(default);
        var launched = await ReadAsync(harness, id);
        (launched.State, launched.LaunchedBy, launched.Note).ShouldBe((CampaignState.Completed, "u", null));
        (await harness.LedgerAsync(id)).Sent.ShouldBe(5);
        harness.Vendor.Carried.Count.ShouldBe(5);
    }

    [Fact]
    public async Task What_is_taken_from_the_schedule_is_not_launched_and_can_be_scheduled_again()
    {
        await using var harness = await StartAsync();
        var id = await DraftAsync(harness);
        var schedule = harness.Get<ScheduleCampaign>();
        var at = harness.Clock.GetUtcNow().AddHours(1);
        await schedule.ScheduleAsync(id, null, new(at.ToString("O"), null), Manager, default);
        (await Should.ThrowAsync<ProblemException>(() => schedule.ScheduleAsync(id, null, new(at.ToString("O"), null), Manager, default))).Problem.Code.ShouldBe("campaign.state");
        var draft = (await schedule.UnscheduleAsync(id, null, default)).Value;
        (draft.State, draft.Schedule).ShouldBe((CampaignState.Draft, null));
        harness.Clock.Advance(TimeSpan.FromHours(1.1));
        await schedule.RunAsync(default);
        (await ReadAsync(harness, id)).State.ShouldBe(CampaignState.Draft);
        await schedule.ScheduleAsync(id, null, new(harness.Clock.GetUtcNow().AddHours(1).ToString("O"), null), Manager, default);
    }

    [Theory]
    [InlineData(90, CampaignState.Completed, ScheduleCampaign.LateNote, 5)]
    [InlineData(130, CampaignState.Draft, ScheduleCampaign.MissedNote, 0)]
    public async Task A_time_that_passed_while_everything_was_down_is_caught_up_on_for_two_hours(int minutesLate, CampaignState state, string note, int sent)
    {
        await using var harness = await StartAsync();
        var id = await DraftAsync(harness);
        await harness.Get<ScheduleCampaign>().ScheduleAsync(id, null, new(harness.Clock.GetUtcNow().AddMinutes(10).ToString("O"), null), Manager, default);
        harness.Clock.Advance(TimeSpan.FromMinutes(10 + minutesLate));
        await harness.Get<ScheduleCampaign>().RunAsync(default);
        await harness.RunAsync();
        var campaign = await ReadAsync(harness, id);
        (campaign.State, campaign.Note, harness.Vendor.Carried.Count).ShouldBe((state, note, sent));
    }

    [Fact]
    public async Task An_approval_that_does_not_hold_at_the_time_keeps_the_campaign_back()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator, ("Campaigns:ApprovalAbove", "20"));
        await harness.AddCustomersAsync(Enumerable.Range(1, 5));
        var id = await DraftAsync(harness);
        await harness.Get<ScheduleCampaign>().ScheduleAsync(id, null, new(harness.Clock.GetUtcNow().AddHours(1).ToString("O"), null), Manager, default);
        await harness.AddCustomersAsync(Enumerable.Range(100, 20));
        harness.Clock.Advance(TimeSpan.FromHours(1.01));
        await harness.Get<ScheduleCampaign>().RunAsync(default);
        var campaign = await ReadAsync(harness, id);
        (campaign.State, campaign.Note).ShouldBe((CampaignState.Draft, "campaign.approval_required"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Killed_anywhere_each_occurrence_of_a_recurring_campaign_is_sent_once(bool after)
    {
        await using var harness = await StartAsync();
        var schedule = harness.Get<ScheduleCampaign>();
        for (var at = 1; ; at++)
        {
            var id = await DraftAsync(harness);
            var first = DateOnly.FromDateTime(harness.Clock.GetUtcNow().UtcDateTime).AddDays(1);
            var repeat = new RepeatInput(RepeatEvery.Day, first, "08:00", "UTC", first.AddDays(2));
            var series = (await schedule.ScheduleAsync(id, null, new(null, repeat), Manager, default)).Value;
            (await Should.ThrowAsync<ProblemException>(() => harness.Get<SteerCampaign>().LaunchAsync(id, null, Manager, default))).Problem.Code.ShouldBe("campaign.recurring");

            var crashed = false;
            harness.Vendor.Carried.Clear();
            async Task LookAsync()
            {
                try
                {
                    await schedule.RunAsync(default);
                }
                catch (Exception) when (harness.Crash.Restart())
                {
                    crashed = true;
                    await schedule.RunAsync(default);
                }
            }

            harness.Crash.Arm(at, after);
            for (var day = 0; day < 3; day++)
            {
                harness.Clock.Advance(series.Schedule!.At.AddDays(day).AddSeconds(20) - harness.Clock.GetUtcNow());
                await LookAsync();
                await harness.RunAsync(() =>
                {
                    crashed = true;
                    return Task.CompletedTask;
                });
                await LookAsync();
            }

            series = await ReadAsync(harness, id);
            (series.State, series.Schedule!.Made).ShouldBe((CampaignState.Completed, 3));
            var occurrences = await schedule.OccurrencesAsync(id, null, 10, default);
            occurrences.Select(o => (o.State, o.SeriesId)).ShouldBe(Enumerable.Repeat((CampaignState.Completed, (string?)id), 3));
            occurrences.Select(o => Ids.TimeOf(o.Id)).ShouldBe(Enumerable.Range(0, 3).Select(d => (DateTimeOffset?)new DateTimeOffset(first.AddDays(2 - d).ToDateTime(new(8, 0)), TimeSpan.Zero)));
            foreach (var occurrence in occurrences)
            {
                (await harness.LedgerAsync(occurrence.Id)).Sent.ShouldBe(5);
            }

            harness.Vendor.Carried.Count.ShouldBe(15);
            if (!crashed)
            {
                at.ShouldBeGreaterThan(20);
                break;
            }

            // The first launch has some ten ways out; what follows them is the subject of other tests.
            at += at > 12 ? 6 : 0;
        }
    }

    [Fact]
    public async Task Occurrences_whose_time_passed_long_ago_are_accounted_for_and_not_sent()
    {
        await using var harness = await StartAsync();
        var id = await DraftAsync(harness);
        var schedule = harness.Get<ScheduleCampaign>();
        var first = DateOnly.FromDateTime(harness.Clock.GetUtcNow().UtcDateTime).AddDays(1);
        var series = (await schedule.ScheduleAsync(id, null, new(null, new(RepeatEvery.Day, first, "08:00", "UTC", null)), Manager, default)).Value;
        harness.Clock.Advance(series.Schedule!.At.AddDays(4).AddMinutes(5) - harness.Clock.GetUtcNow());
        await schedule.RunAsync(default);
        await harness.RunAsync();

        var occurrences = await schedule.OccurrencesAsync(id, null, 10, default);
        occurrences.Select(o => (o.State, o.Note)).ShouldBe(
            [(CampaignState.Completed, ScheduleCampaign.LateNote), .. Enumerable.Repeat((CampaignState.Cancelled, (string?)ScheduleCampaign.MissedNote), 4)]);
        (await ReadAsync(harness, id)).Schedule!.At.ShouldBe(series.Schedule.At.AddDays(5));
        harness.Vendor.Carried.Count.ShouldBe(5);
    }

    private async Task<DeliveryHarness> StartAsync()
    {
        var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync(Enumerable.Range(1, 5));
        return harness;
    }

    private static async Task<string> DraftAsync(DeliveryHarness harness)
    {
        var campaign = Samples.Campaign(Guid.NewGuid().ToString("N"));
        await harness.Get<WorkspaceStore<Campaign>>().TryCreateAsync(campaign, default);
        return campaign.Id;
    }

    private static async Task<Campaign> ReadAsync(DeliveryHarness harness, string id) =>
        (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;
}
