using System.Text.Json;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Segments;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class ApprovalTests(DeliveryEmulator emulator)
{
    private static readonly Caller Author = new("u", "U", Role.Manager);
    private static readonly Caller Boss = new("boss", "B", Role.Manager);
    private static readonly Caller Marketer = new("m", "M", Role.Marketer);

    [Fact]
    public async Task Above_the_threshold_somebody_else_has_to_approve()
    {
        await using var harness = await StartAsync(40);
        var id = await DraftAsync(harness);
        await ProblemAsync(() => LaunchAsync(harness, id, Author), "campaign.approval_required");
        await ProblemAsync(() => harness.Get<ScheduleCampaign>().ScheduleAsync(id, null, new(harness.Clock.GetUtcNow().AddHours(1).ToString("O"), null), Author, default), "campaign.approval_required");

        var review = harness.Get<ReviewCampaign>();
        (await review.SubmitAsync(id, null, Author, default)).Value.Submission!.Audience.ShouldBe(40);
        (await ProblemAsync(() => review.ApproveAsync(id, null, Author, default), "campaign.self_approval")).Status.ShouldBe(403);
        await ProblemAsync(() => review.ApproveAsync(id, "\"stale\"", Boss, default), "request.etag_stale");
        var approved = await review.ApproveAsync(id, null, Boss, default);
        (approved.Value.State, approved.Value.Approval!.By, approved.Value.Approval.Audience).ShouldBe((CampaignState.Approved, "boss", 40));

        await LaunchAsync(harness, id, Author);
        await harness.RunAsync();
        (await harness.LedgerAsync(id)).Sent.ShouldBe(40);
    }

    [Fact]
    public async Task Who_changed_it_last_does_not_approve_it_and_a_change_makes_it_a_draft()
    {
        await using var harness = await StartAsync(40);
        var id = await DraftAsync(harness);
        var review = harness.Get<ReviewCampaign>();
        await review.SubmitAsync(id, null, Author, default);
        await review.ApproveAsync(id, null, Boss, default);

        var changed = await EditAsync(harness, id, Boss);
        (changed.State, changed.Approval, changed.Submission, changed.EditedBy).ShouldBe((CampaignState.Draft, null, null, "boss"));
        await review.SubmitAsync(id, null, Marketer, default);
        await ProblemAsync(() => review.ApproveAsync(id, null, Boss, default), "campaign.self_approval");
        await ProblemAsync(() => review.ApproveAsync(id, null, Author, default), "campaign.self_approval");
        (await review.ApproveAsync(id, null, new("third", "T", Role.Manager), default)).Value.State.ShouldBe(CampaignState.Approved);
        (await review.RejectAsync(id, null, default)).Value.State.ShouldBe(CampaignState.Draft);
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public async Task An_approval_holds_for_the_size_it_was_given_for_within_the_tolerance(int more, bool holds)
    {
        await using var harness = await StartAsync(40);
        var id = await ApprovedAsync(harness);
        await harness.AddCustomersAsync(Enumerable.Range(100, more));
        if (holds)
        {
            await LaunchAsync(harness, id, Author);
            return;
        }

        await ProblemAsync(() => LaunchAsync(harness, id, Author), "campaign.approval_stale");
        var campaign = await ReadAsync(harness, id);
        (campaign.State, campaign.Approval, campaign.Note).ShouldBe((CampaignState.Draft, null, "campaign.approval_stale"));
    }

    [Fact]
    public async Task An_approval_does_not_survive_a_change_of_the_rule_before_or_after_the_launch()
    {
        await using var harness = await StartAsync(40);
        var id = await ApprovedAsync(harness);
        var other = await ApprovedAsync(harness);
        await LaunchAsync(harness, other, Author);

        // The same customers, by another rule.
        var segments = harness.Get<WorkspaceStore<Segment>>();
        await segments.UpdateAsync(
            DeliveryHarness.SegmentId,
            s => s with { Version = 2, Rule = JsonSerializer.SerializeToElement(new { combinator = "and", rules = new[] { new { field = "city", @operator = "in", value = new[] { "Rome" } } } }) },
            default);
        await ProblemAsync(() => LaunchAsync(harness, id, Author), "campaign.approval_stale");

        await harness.RunAsync();
        var launched = await ReadAsync(harness, other);
        (launched.State, launched.Failure).ShouldBe((CampaignState.Failed, "campaign.approval_stale"));
        harness.Vendor.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_changed_since_it_was_submitted_is_not_approved()
    {
        await using var harness = await StartAsync(40);
        var id = await DraftAsync(harness);
        await harness.Get<ReviewCampaign>().SubmitAsync(id, null, Author, default);
        await harness.AddCustomersAsync(Enumerable.Range(100, 20));
        await ProblemAsync(() => harness.Get<ReviewCampaign>().ApproveAsync(id, null, Boss, default), "campaign.approval_stale");
        (await ReadAsync(harness, id)).State.ShouldBe(CampaignState.Draft);
    }

    [Fact]
    public async Task Marketers_launch_up_to_the_threshold_and_where_there_is_none_nothing()
    {
        await using var harness = await StartAsync(40);
        var id = await ApprovedAsync(harness);
        (await ProblemAsync(() => LaunchAsync(harness, id, Marketer), "campaign.launch_needs_manager")).Status.ShouldBe(403);
        (await ReadAsync(harness, id)).State.ShouldBe(CampaignState.Approved);

        await using var small = await StartAsync(20);
        (await LaunchAsync(small, await DraftAsync(small), Marketer)).LaunchedBy.ShouldBe("m");

        await using var without = await DeliveryHarness.StartAsync(emulator);
        var draft = await DraftAsync(without);
        await ProblemAsync(() => LaunchAsync(without, draft, Marketer), "campaign.launch_needs_manager");
        await LaunchAsync(without, draft, Author);
    }

    private async Task<DeliveryHarness> StartAsync(int customers)
    {
        var harness = await DeliveryHarness.StartAsync(emulator, ("Campaigns:ApprovalAbove", "25"), ("Campaigns:ApprovalTolerance", "0.1"));
        await harness.AddCustomersAsync(Enumerable.Range(1, customers));
        return harness;
    }

    private static async Task<string> ApprovedAsync(DeliveryHarness harness)
    {
        var id = await DraftAsync(harness);
        await harness.Get<ReviewCampaign>().SubmitAsync(id, null, Author, default);
        await harness.Get<ReviewCampaign>().ApproveAsync(id, null, Boss, default);
        return id;
    }

    private static async Task<Campaign> EditAsync(DeliveryHarness harness, string id, Caller by)
    {
        var input = new CampaignInput("Spring", Channel.Email, DeliveryHarness.SegmentId, new("Hello", "<p>Hi <a href=\"{{unsubscribeUrl}}\">stop</a></p>", null, null));
        return (await harness.Get<SaveCampaign>().UpdateAsync(id, "*", input, by, default)).Value;
    }

    private static async Task<string> DraftAsync(DeliveryHarness harness)
    {
        var campaign = Samples.Campaign(Guid.NewGuid().ToString("N"));
        await harness.Get<WorkspaceStore<Campaign>>().TryCreateAsync(campaign, default);
        return campaign.Id;
    }

    private static async Task<Campaign> LaunchAsync(DeliveryHarness harness, string id, Caller caller) =>
        (await harness.Get<SteerCampaign>().LaunchAsync(id, null, caller, default)).Value;

    private static async Task<Campaign> ReadAsync(DeliveryHarness harness, string id) =>
        (await harness.Get<WorkspaceStore<Campaign>>().ReadAsync(id, default))!.Value;

    private static async Task<Problem> ProblemAsync(Func<Task> act, string code)
    {
        var problem = (await Should.ThrowAsync<ProblemException>(act)).Problem;
        problem.Code.ShouldBe(code);
        return problem;
    }
}
