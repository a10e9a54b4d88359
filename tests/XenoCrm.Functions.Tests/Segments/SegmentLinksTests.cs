using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>Segments never depend on each other in a circle, and none goes that is needed, whoever writes at the same time.</summary>
public sealed class SegmentLinksTests : IAsyncLifetime
{
    private static readonly string Plain = Rules.OneJson("city", "notNull", "null");

    private SegmentWorld world = null!;

    public async ValueTask InitializeAsync() => world = await SegmentWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public async Task A_circle_is_refused_however_long_it_is()
    {
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add((await world.CreateAsync(i == 0 ? Plain : About(ids[i - 1]))).Id);
        }

        foreach (var id in ids)
        {
            (await Should.ThrowAsync<ProblemException>(() => ReplaceAsync(world.Process, ids[0], About(id)))).Problem.ShouldBeOfType<SegmentCycle>();
        }

        // The middle one lets go: then the first may ask about the last.
        await ReplaceAsync(world.Process, ids[2], Plain);
        await ReplaceAsync(world.Process, ids[0], About(ids[4]));
        (await Should.ThrowAsync<ProblemException>(() => ReplaceAsync(world.Process, ids[2], About(ids[0])))).Problem.ShouldBeOfType<SegmentCycle>();
    }

    [Fact]
    public async Task Of_edits_at_the_same_time_that_close_a_circle_one_fails()
    {
        var processes = new[] { world.Process, world.NewProcess(), world.NewProcess() };
        for (var round = 0; round < 15; round++)
        {
            var ids = new List<string>();
            foreach (var _ in processes)
            {
                ids.Add((await world.CreateAsync(Plain)).Id);
            }

            var outcomes = await Task.WhenAll(processes.Select((process, i) => TryAsync(() => ReplaceAsync(process, ids[i], About(ids[(i + 1) % ids.Count])))));
            outcomes.Count(o => o is null).ShouldBe(processes.Length - 1);
            outcomes.OfType<Problem>().Single().ShouldBeOfType<SegmentCycle>();
            (await world.Get<WorkspaceStore<LinksUnderWay>>().ReadAsync(LinksUnderWay.KindName, default)).ShouldNotBeNull().Value.Changes.ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task Of_a_deletion_and_a_use_at_the_same_time_one_fails()
    {
        var other = world.NewProcess();
        var (deleted, used) = (0, 0);
        for (var round = 0; round < 20; round++)
        {
            var target = (await world.CreateAsync(Plain)).Id;
            var user = (await world.CreateAsync(Plain)).Id;
            var outcomes = await Task.WhenAll(
                TryAsync(() => world.Get<DeleteSegment>().HandleAsync(target, "*", default)),
                TryAsync(() => ReplaceAsync(other, user, About(target))));
            outcomes.Count(o => o is null).ShouldBe(1, "one of them");
            deleted += outcomes[0] is null ? 1 : 0;
            used += outcomes[1] is null ? 1 : 0;
            (outcomes[0] ?? outcomes[1]).ShouldNotBeNull().Code.ShouldBeOneOf("segment.in_use", "segment.rule_invalid");
        }

        (deleted + used).ShouldBe(20);
    }

    [Fact]
    public async Task What_a_dead_process_has_announced_is_forgotten()
    {
        var (a, b) = ((await world.CreateAsync(Plain)).Id, (await world.CreateAsync(Plain)).Id);
        await world.Get<WorkspaceStore<LinksUnderWay>>().TryCreateAsync(new() { Changes = [new("1", a, [b], world.Clock.GetUtcNow())] }, default);
        (await Should.ThrowAsync<ProblemException>(() => ReplaceAsync(world.Process, b, About(a)))).Problem.ShouldBeOfType<SegmentCycle>();
        (await Should.ThrowAsync<ProblemException>(() => world.Get<DeleteSegment>().HandleAsync(b, "*", default))).Problem.ShouldBeOfType<SegmentInUse>();
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        await ReplaceAsync(world.Process, b, About(a));
    }

    [Fact]
    public async Task A_failed_edit_leaves_no_announcement()
    {
        var (a, b) = ((await world.CreateAsync(Plain)).Id, (await world.CreateAsync(Plain)).Id);
        var stale = (await world.Get<SegmentDirectory>().RequireAsync(a, default)).ETag;
        await ReplaceAsync(world.Process, a, Rules.OneJson("city", "null", "null"));
        var save = world.Get<SaveSegment>();
        (await Should.ThrowAsync<ProblemException>(() => save.ReplaceAsync(a, new("A", null, JsonElement.Parse(About(b))), stale, default))).Problem.Status.ShouldBe(412);
        await ReplaceAsync(world.Process, b, About(a));
    }

    [Fact]
    public async Task A_segment_in_use_is_kept_and_the_answer_says_by_whom()
    {
        var target = (await world.CreateAsync(Plain)).Id;
        var user = await world.CreateAsync(About(target), "Locals");
        var problem = (await Should.ThrowAsync<ProblemException>(() => world.Get<DeleteSegment>().HandleAsync(target, "*", default))).Problem;
        (problem.Status, problem.Code).ShouldBe((409, "segment.in_use"));
        problem.Detail.ShouldContain($"segment {user.Id} (Locals)");
        (await world.Get<SegmentDirectory>().ReadAsync(target, default)).ShouldNotBeNull();

        await world.Get<DeleteSegment>().HandleAsync(user.Id, "*", default);
        await world.Get<DeleteSegment>().HandleAsync(target, "*", default);
    }

    [Theory]
    [InlineData(CampaignState.Draft, false)]
    [InlineData(CampaignState.Submitted, true)]
    [InlineData(CampaignState.Approved, true)]
    [InlineData(CampaignState.Scheduled, true)]
    [InlineData(CampaignState.Planning, true)]
    [InlineData(CampaignState.Sending, true)]
    [InlineData(CampaignState.Paused, true)]
    [InlineData(CampaignState.Failed, true)]
    [InlineData(CampaignState.Completed, false)]
    [InlineData(CampaignState.Cancelled, false)]
    public async Task A_campaign_that_is_not_over_keeps_its_segment(CampaignState state, bool keeps)
    {
        var target = (await world.CreateAsync(Plain)).Id;
        var campaigns = world.Get<WorkspaceStore<Campaign>>();
        await campaigns.TryCreateAsync(
            new Campaign
            {
                Id = "c1", Name = "Summer", Channel = Channel.Email, SegmentId = target, Variants = Variant.Only(new("Hi", null, "Hi", null)), State = state,
                CreatedAt = Rules.Now, CreatedBy = "u1", UpdatedAt = Rules.Now,
            },
            default);
        var delete = TryAsync(() => world.Get<DeleteSegment>().HandleAsync(target, "*", default));
        if (keeps)
        {
            (await delete).ShouldBeOfType<SegmentInUse>().Detail.ShouldBe("It is used by campaign c1 (Summer).");
        }
        else
        {
            (await delete).ShouldBeNull();
        }
    }

    [Fact]
    public async Task Of_a_deletion_and_a_campaign_handed_in_at_the_same_time_one_fails()
    {
        var other = world.NewProcess();
        for (var round = 0; round < 20; round++)
        {
            var target = (await world.CreateAsync(Plain)).Id;
            await DraftAsync($"c{round}", target);
            var outcomes = await Task.WhenAll(
                TryAsync(() => world.Get<DeleteSegment>().HandleAsync(target, "*", default)), TryAsync(() => SubmitAsync(other, $"c{round}")));
            outcomes.Count(o => o is null).ShouldBe(1, "one of them");
            (outcomes[0] ?? outcomes[1]).ShouldNotBeNull().Code.ShouldBeOneOf("segment.in_use", "campaign.segment_gone");
        }
    }

    [Fact]
    public async Task What_others_have_announced_decides_between_a_deletion_and_a_campaign()
    {
        var (a, b) = ((await world.CreateAsync(Plain)).Id, (await world.CreateAsync(Plain)).Id);
        var now = world.Clock.GetUtcNow();
        await DraftAsync("c1", a);
        await world.Get<WorkspaceStore<LinksUnderWay>>().TryCreateAsync(
            new() { Changes = [new("1", a, null, now), new("2", "c9", [b], now, new("campaign", "c9", "Winter"))] }, default);

        (await TryAsync(() => SubmitAsync(world.Process, "c1"))).ShouldBeOfType<CampaignSegmentGone>();
        (await TryAsync(() => world.Get<DeleteSegment>().HandleAsync(b, "*", default))).ShouldBeOfType<SegmentInUse>().Detail.ShouldBe("It is used by campaign c9 (Winter).");
        (await world.Get<WorkspaceStore<Campaign>>().ReadAsync("c1", default)).ShouldNotBeNull().Value.State.ShouldBe(CampaignState.Draft);

        world.Clock.Advance(TimeSpan.FromMinutes(1));
        await SubmitAsync(world.Process, "c1");
        await world.Get<DeleteSegment>().HandleAsync(b, "*", default);
    }

    private Task DraftAsync(string id, string segmentId) => world.Get<WorkspaceStore<Campaign>>().TryCreateAsync(
        new Campaign
        {
            Id = id, Name = "Summer", Channel = Channel.Email, SegmentId = segmentId, Variants = Variant.Only(new("Hi", null, "Hi", null)), State = CampaignState.Draft,
            CreatedAt = Rules.Now, CreatedBy = "u1", UpdatedAt = Rules.Now,
        },
        default);

    private static Task SubmitAsync(IServiceProvider process, string id) =>
        process.GetRequiredService<CampaignSteps>().TakeAsync(id, null, CampaignAction.Submit, (_, next) => Task.FromResult(next), default);

    private static string About(string segmentId) => Rules.OneJson("segments", "contains", $"\"{segmentId}\"");

    private static Task ReplaceAsync(IServiceProvider process, string id, string rule) =>
        process.GetRequiredService<SaveSegment>().ReplaceAsync(id, new("Test", null, JsonElement.Parse(rule)), "*", default);

    private static async Task<Problem?> TryAsync(Func<Task> step)
    {
        try
        {
            await step();
            return null;
        }
        catch (ProblemException exception)
        {
            return exception.Problem;
        }
    }
}
