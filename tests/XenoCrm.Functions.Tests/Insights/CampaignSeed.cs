using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>Campaigns with what became of their messages, written as the sender would have left them.</summary>
internal static class CampaignSeed
{
    public const string Rule = """{ "combinator": "and", "rules": [ { "field": "lastOrderAt", "operator": "notInLast", "value": "P6M" }, { "field": "orderCount", "operator": ">=", "value": 1 } ] }""";

    public static async Task<string> SegmentAsync(this InsightsWorld world, string rule = Rule, string name = "Lapsed") =>
        (await world.Get<SaveSegment>().CreateAsync(new(name, null, System.Text.Json.JsonElement.Parse(rule)), default)).View.Id;

    public static async Task<string> CampaignAsync(
        this InsightsWorld world, string segmentId, CampaignContent content, int delivered, int opened, int clicked, int failed = 0, int unsubscribed = 0, Channel channel = Channel.Email)
    {
        var id = world.Get<Ids>().New();
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        var now = world.Clock.GetUtcNow();
        await world.Get<WorkspaceStore<Campaign>>().TryCreateAsync(new()
        {
            Id = id, Name = "Spring", Channel = channel, SegmentId = segmentId, Variants = Variant.Only(content), State = CampaignState.Completed,
            CreatedAt = now, CreatedBy = "u", UpdatedAt = now, LaunchedAt = now, EndedAt = now,
        }, default);
        var counts = new Counts(delivered + failed, delivered + failed, delivered, failed, 0, 0, 0, 0, opened, clicked, Unsubscribed: unsubscribed);
        await world.Get<BatchStore>().CreateManyAsync([new()
        {
            Id = $"{id}.0", CampaignId = id, Number = 0, State = BatchState.Sent, Counts = counts, Reasons = failed > 0 ? [new("unknown_address", failed)] : [], Recipients = [], CreatedAt = now,
        }], default);
        return id;
    }

    /// <summary>Variants named A, B, … with, of each, how many were delivered, opened and clicked.</summary>
    public static async Task<string> VariantsAsync(this InsightsWorld world, string segmentId, params (CampaignContent Content, int Delivered, int Opened, int Clicked)[] variants)
    {
        var id = await world.CampaignAsync(segmentId, variants[0].Content, 0, 0, 0);
        await world.Get<WorkspaceStore<Campaign>>().UpdateAsync(id, c => c with { Variants = [.. variants.Select((v, i) => new Variant(((char)('A' + i)).ToString(), 1, v.Content))] }, default);
        var now = world.Clock.GetUtcNow();
        var number = 1;
        foreach (var some in variants.SelectMany((v, place) => Enumerable.Range(0, v.Delivered).Select(i => new Recipient
        {
            CustomerId = $"{place}-{i}", Status = MessageStatus.Delivered, Variant = place, SentAt = 0, DeliveredAt = 1, OpenedAt = i < v.Opened ? 2 : null, ClickedAt = i < v.Clicked ? 3 : null,
        })).Chunk(100))
        {
            await world.Get<BatchStore>().CreateManyAsync([new()
            {
                Id = $"{id}.{number}", CampaignId = id, Number = number++, State = BatchState.Sent, Counts = Ledger.Sum(some), Reasons = [], Recipients = some, CreatedAt = now,
            }], default);
        }

        return id;
    }

    public static readonly CampaignContent Content = new("We miss you, {{default firstName \"friend\"}}", null, "Come back to us: 10% off with the code BACK10 until Sunday.\n\n{{unsubscribeUrl}}", null);
}
