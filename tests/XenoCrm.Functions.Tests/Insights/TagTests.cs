using XenoCrm.Campaigns;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public sealed class TagTests : IAsyncLifetime
{
    private InsightsWorld world = null!;

    public async ValueTask InitializeAsync() => world = await InsightsWorld.StartAsync(customers: 100);

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private Task<ApiAnswer> TagsAsync(string id, IServiceProvider? process = null) => world.PostAsync((f, r) => f.Tags(r, id, default), null, process);

    private static IEnumerable<(string?, string?)> Of(ApiAnswer answer) => answer["tags"].EnumerateArray().Select(t => (t.GetProperty("tag").GetString(), t.GetProperty("basis").GetString()));

    [Fact]
    public async Task Tags_come_from_content_audience_and_results()
    {
        var segment = await world.SegmentAsync("""{ "combinator": "and", "rules": [ { "field": "lastOrderAt", "operator": "notInLast", "value": "P6M" }, { "field": "city", "operator": "=", "value": "New York" }, { "field": "categories.Home & Garden.count", "operator": ">=", "value": 1 } ] }""");
        for (var i = 0; i < 3; i++)
        {
            await world.CampaignAsync(segment, CampaignSeed.Content, delivered: 1000, opened: 200, clicked: 50);
        }

        var id = await world.CampaignAsync(segment, CampaignSeed.Content with { Subject = "Last chance to come back, {{default firstName \"friend\"}}" }, delivered: 1000, opened: 310, clicked: 52, failed: 400);
        var answer = (await TagsAsync(id)).ShouldBe(200);
        answer["source"].GetString().ShouldBe("offline");
        Of(answer).ShouldBe(
        [
            ("email", "content"), ("win-back", "content"), ("discount", "content"), ("personalised", "content"), ("urgent", "content"),
            ("lapsed", "audience"), ("home-garden", "audience"), ("new-york", "audience"), ("high-opens", "results"), ("many-failures", "results"),
        ]);
        answer["tags"].EnumerateArray().Single(t => t.GetProperty("tag").GetString() == "high-opens").GetProperty("why").GetString().ShouldBe("31% against 20% of 3 earlier campaigns");

        // A segment that is gone takes its tags along.
        await world.Get<DeleteSegment>().HandleAsync(segment, "*", default);
        Of(await TagsAsync(id)).ShouldNotContain(("lapsed", "audience"));
    }

    [Fact]
    public async Task A_model_adds_only_words_that_stand_in_what_it_was_given()
    {
        var id = await world.CampaignAsync(await world.SegmentAsync(), CampaignSeed.Content, delivered: 1000, opened: 200, clicked: 50);
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Tags(
            ("come-back", "it says come back"), ("until-sunday", "it ends on Sunday"), ("high-roas", "great results"), ("Come-Back", "capitals"), ("come back", "blank"), ("us", "see https://evil.example"), ("sunday", "9 of 10 bought"), ("email", "the channel")));
        var answer = (await TagsAsync(id, world.NewProcess(model.Settings))).ShouldBe(200);
        answer["source"].GetString().ShouldBe("model");
        answer["dropped"].GetInt32().ShouldBe(6);
        Of(answer).Select(t => t.Item1).ShouldBe(["email", "win-back", "discount", "personalised", "lapsed", "come-back", "until-sunday"]);
    }

    [Fact]
    public async Task Every_variant_is_looked_at_and_its_tags_say_whose_they_are()
    {
        var plain = CampaignSeed.Content with { Subject = "News", Text = "New things came in.\n\n{{unsubscribeUrl}}" };
        var offer = CampaignSeed.Content with { Subject = "Last chance, {{default firstName \"friend\"}}", Text = "Free shipping today only.\n\n{{unsubscribeUrl}}" };
        var segment = await world.SegmentAsync();
        var id = await world.VariantsAsync(segment, (plain, 400, 80, 20), (offer, 400, 160, 30));
        var answer = (await TagsAsync(id)).ShouldBe(200);
        var why = answer["tags"].EnumerateArray().ToDictionary(t => t.GetProperty("tag").GetString()!, t => t.GetProperty("why").GetString()!);
        why["free-shipping"].ShouldBe("it offers Free shipping (variant B)");
        why["urgent"].ShouldBe("it presses for time (variant B)");
        why["personalised"].ShouldBe("it has placeholders for the customer (variant B)");
        why["test"].ShouldBe("it was sent in 2 variants");
        why["opens-by-variant"].ShouldBe("variant B did better than chance explains: A 20% of 400, B 40% of 400");
        why.Keys.ShouldNotContain("clicks-by-variant", "20 and 30 of 400 may be chance");

        // A model is told of all of them.
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Tags(("new-things", "it says new things"), ("free-shipping", "the offer"), ("today-only", "it says today only")));
        Of(await TagsAsync(id, world.NewProcess(model.Settings))).Select(t => t.Item1).ShouldContain("today-only");
        model.Questions.Single().Data.ShouldContain("New things came in.");
        model.Questions.Single().Data.ShouldContain("Free shipping today only.");
    }
}
