using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>How many members a segment had, day by day.</summary>
public sealed class SegmentGrowthTests : IAsyncLifetime
{
    private SegmentWorld world = null!;

    public async ValueTask InitializeAsync() => world = await SegmentWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    [Fact]
    public async Task Each_day_has_its_last_count()
    {
        var segment = await world.CreateAsync(Rules.OneJson("city", "=", "\"Bern\""));
        await PutAsync(0, 3);
        await world.RunQueueAsync();
        var first = DateOnly.FromDateTime(world.Clock.GetUtcNow().UtcDateTime);
        (await DaysAsync(segment.Id)).ShouldBe([new(first, 3, null)]);

        // Writes change the tags at once; the day's last count is what stays.
        await PutAsync(3, 2, segment.Id);
        await world.Get<SegmentGrowth>().RecordAllAsync(default);
        (await DaysAsync(segment.Id)).ShouldBe([new(first, 5, null)]);

        // Over New Year, with days on which nothing was counted.
        world.Clock.Advance(new DateTimeOffset(2026, 12, 31, 23, 55, 0, TimeSpan.Zero) - world.Clock.GetUtcNow());
        await world.Get<SegmentGrowth>().RecordAllAsync(default);
        world.Clock.Advance(TimeSpan.FromDays(1));
        await PutAsync(0, 1);
        await world.Get<SegmentGrowth>().RecordAllAsync(default);
        var growth = await world.Get<SegmentGrowth>().ReadAsync(segment.Id, first, new(2027, 1, 31), default);
        growth.Days.ShouldBe([new(first, 5, null), new(new(2026, 12, 31), 5, 0), new(new(2027, 1, 1), 4, -1)]);
        (await DaysAsync(segment.Id)).Select(d => d.Day).ShouldBe([new(2026, 12, 31), new(2027, 1, 1)], "thirty days when nothing is asked for");
        (await world.Get<SegmentGrowth>().ReadAsync(segment.Id, null, new(2026, 10, 1), default)).Days.ShouldBeEmpty();

        (await Should.ThrowAsync<ProblemException>(() => world.Get<SegmentGrowth>().ReadAsync(segment.Id, new(2027, 1, 2), new(2027, 1, 1), default))).Problem.Code.ShouldBe("request.invalid");
        (await Should.ThrowAsync<ProblemException>(() => world.Get<SegmentGrowth>().ReadAsync(segment.Id, new(1, 1, 1), new(9999, 1, 1), default))).Problem.Code.ShouldBe("request.invalid");
    }

    [Fact]
    public async Task It_goes_with_its_segment()
    {
        var segment = await world.CreateAsync(Rules.OneJson("city", "=", "\"Bern\""));
        await world.RunQueueAsync();
        await world.Get<DeleteSegment>().HandleAsync(segment.Id, "*", default);
        (await Should.ThrowAsync<ProblemException>(() => DaysAsync(segment.Id))).Problem.Code.ShouldBe("segment.not_found");
        await world.RunQueueAsync();
        (await world.Get<WorkspaceStore<GrowthYear>>().ReadAsync(GrowthYear.IdOf(segment.Id, 2026), default)).ShouldBeNull();
    }

    /// <summary>Those with a segment's id carry its tag, the others lose it.</summary>
    private Task PutAsync(int from, int count, string? segmentId = null) => world.PutAsync(Enumerable.Range(from, count).Select(i =>
        Rules.Customer(c => c with { Id = $"{i:x32}", City = "Bern", SegmentIds = segmentId is null ? [] : [segmentId] })));

    private async Task<IReadOnlyList<GrowthDay>> DaysAsync(string id) => (await world.Get<SegmentGrowth>().ReadAsync(id, null, null, default)).Days;
}
