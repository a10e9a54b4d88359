using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform;

namespace XenoCrm.Insights;

public sealed class WriteMessagesTests : IAsyncLifetime
{
    private InsightsWorld world = null!;

    public async ValueTask InitializeAsync() => world = await InsightsWorld.StartAsync();

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private static string Body(string channel, string goal, string tone = "friendly", string rule = CampaignSeed.Rule, int? variants = null) =>
        $$"""{ "rule": {{rule}}, "channel": "{{channel}}", "goal": {{JsonSerializer.Serialize(goal)}}, "tone": "{{tone}}"{{(variants is null ? "" : $", \"variants\": {variants}")}} }""";

    private Task<ApiAnswer> WriteAsync(string body, IServiceProvider? process = null) => world.PostAsync((f, r) => f.Messages(r, default), body, process);

    [Fact]
    public async Task Messages_are_made_from_what_the_rule_and_the_goal_say()
    {
        var answer = (await WriteAsync(Body("email", "win back with 10% off, code BACK10: https://shop.example/new"))).ShouldBe(200);
        answer["source"].GetString().ShouldBe("offline");
        answer["dropped"].GetInt32().ShouldBe(0);
        answer["audience"].GetProperty("occasion").GetString().ShouldBe("lapsed");
        answer["audience"].GetProperty("since").GetString().ShouldBe("6 months");
        var variants = answer["variants"].EnumerateArray().ToList();
        variants.Select(v => v.GetProperty("name").GetString()).ShouldBe(["A", "B", "C"]);
        variants.Select(v => v.GetProperty("content").GetProperty("subject").GetString()).ShouldBeUnique();
        foreach (var variant in variants)
        {
            var text = variant.GetProperty("preview").GetProperty("text").GetString()!;
            text.ShouldContain("10% off");
            text.ShouldContain("BACK10");
            text.ShouldContain("https://shop.example/new");
            text.ShouldContain("Ada");
            variant.GetProperty("content").GetProperty("html").GetString()!.ShouldContain("<a href=\"https://shop.example/new\">");
            variant.GetProperty("reason").GetString()!.Length.ShouldBeGreaterThan(20);
        }

        variants[0].GetProperty("preview").GetProperty("text").GetString()!.ShouldContain("last order was on");
        variants[0].GetProperty("reason").GetString()!.ShouldContain("6 months");

        // They are campaigns' contents as they are.
        var content = JsonSerializer.Deserialize<CampaignContent>(variants[0].GetProperty("content"), Json.Options)!;
        new TemplateInputValidator().Validate(new TemplateInput("x", Channel.Email, content)).IsValid.ShouldBeTrue();
    }

    private static readonly string[] RulesOfOccasions =
    [
        CampaignSeed.Rule,
        """{ "combinator": "and", "rules": [] }""",
        """{ "combinator": "and", "rules": [ { "field": "birthday", "operator": "anniversaryWithin", "value": "P7D" } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "orderCount", "operator": "=", "value": 0 } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "engagement.lastOpenedAt", "operator": "notInLast", "value": "P90D" } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "createdAt", "operator": "inLast", "value": "P30D" } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "totalSpend", "operator": ">", "value": 1000 }, { "field": "city", "operator": "=", "value": "Berlin" } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "rfm.segment", "operator": "=", "value": "Loyal Customers" } ] }""",
        """{ "combinator": "and", "rules": [ { "field": "categories.Home & Garden.count", "operator": ">=", "value": 1 } ] }""",
    ];

    private static readonly string[] Goals =
    [
        "win back with 10% off, code BACK10", "welcome new customers", "birthday gift: free shipping", "announce the new collection", "thank loyal customers", "ask for feedback", "invite to our event in Berlin", "20 EUR off everything", "remind them of us", "x",
    ];

    [Fact]
    public async Task Every_audience_channel_goal_and_tone_gets_messages_that_can_be_sent()
    {
        var (read, check, clock) = (world.Get<ReadAudience>(), world.Get<MessageCheck>(), world.Clock);
        var none = PastResults.Compare([]);
        var texts = new HashSet<string>();
        var parts = new List<int>();
        foreach (var rule in RulesOfOccasions)
        {
            var audience = await read.ReadAsync(null, JsonElement.Parse(rule), default);
            foreach (var (channel, goal, tone) in from c in Enum.GetValues<Channel>() from g in Goals from t in Enum.GetValues<Tone>() select (c, g, t))
            {
                var drafts = OfflineWriter.Write(audience, channel, goal, tone, 3, none);
                drafts.Count.ShouldBe(3);
                drafts.Select(d => d.Text).ShouldBeUnique();
                foreach (var draft in drafts)
                {
                    var content = check.Check(draft, channel, goal, clock.GetUtcNow(), out var wrong);
                    content.ShouldNotBeNull($"{wrong}: {channel} {tone} '{goal}' {rule}\n{draft.Subject}\n{draft.Text}");
                    texts.Add(draft.Text);
                    if (channel == Channel.Sms)
                    {
                        parts.Add(SmsText.Measure(world.Get<CampaignTemplates>().Get(content).Render(SampleCustomer.At(clock.GetUtcNow()), RenderContent.Untracked).Text!).Parts);
                    }
                }
            }
        }

        parts.ShouldAllBe(p => p == 1);
        texts.Count.ShouldBeGreaterThan(1000, "one text for all would be none for anybody");
    }

    [Fact]
    public async Task What_worked_before_comes_first_and_is_said()
    {
        var segment = await world.SegmentAsync();
        for (var i = 0; i < 2; i++)
        {
            await world.CampaignAsync(segment, CampaignSeed.Content with { Subject = "Have you seen this?", Text = "New things came in.\n\n{{unsubscribeUrl}}" }, delivered: 2000, opened: 800, clicked: 300);
            await world.CampaignAsync(segment, CampaignSeed.Content with { Subject = "News", Text = "New things came in.\n\n{{unsubscribeUrl}}" }, delivered: 2000, opened: 500, clicked: 60);
        }

        await world.CampaignAsync(segment, new(null, null, "Another channel?", null), 1000, 0, 0, channel: Channel.Sms);
        var answer = (await WriteAsync(Body("email", "win back"))).ShouldBe(200);
        answer["past"].GetProperty("campaigns").GetInt32().ShouldBe(4);
        answer["past"].GetProperty("delivered").GetInt64().ShouldBe(8000);
        var question = answer["past"].GetProperty("traits").EnumerateArray().Single(t => t.GetProperty("trait").GetString() == "question");
        question.GetProperty("with").GetDouble().ShouldBe(0.15);
        question.GetProperty("without").GetDouble().ShouldBe(0.03);
        question.GetProperty("significant").GetBoolean().ShouldBeTrue();
        var first = answer["variants"][0];
        first.GetProperty("content").GetProperty("subject").GetString()!.ShouldEndWith("?");
        first.GetProperty("reason").GetString()!.ShouldContain("of 4,000 earlier messages like this 15.0% were clicked, of the others 3.0%");
    }

    [Fact]
    public void A_difference_that_chance_explains_is_no_reason()
    {
        (IReadOnlyList<CampaignContent>, Counts) Past(string subject, int clicked) => ([CampaignSeed.Content with { Subject = subject }], new Counts(100, 100, 100, 0, 0, 0, 0, 0, clicked * 2, clicked));
        PastResults.Compare([Past("A?", 6), Past("B?", 7), Past("C", 4), Past("D", 5)]).Traits.Single(t => t.Trait == Trait.Question).Significant.ShouldBeFalse();

        // One campaign is an anecdote, however large.
        (IReadOnlyList<CampaignContent>, Counts) Large(string subject, int clicked) => ([CampaignSeed.Content with { Subject = subject }], new Counts(10_000, 10_000, 10_000, 0, 0, 0, 0, 0, clicked, clicked));
        PastResults.Compare([Large("A?", 900), Large("B", 100), Large("C", 100)]).Traits.Single(t => t.Trait == Trait.Question).Significant.ShouldBeFalse();
        PastResults.Compare([Large("A?", 900), Large("A?", 900), Large("B", 100), Large("C", 100)]).Traits.Single(t => t.Trait == Trait.Question).Significant.ShouldBeTrue();

        // A campaign of which only one variant asks tells nothing of asking.
        var mixed = Large("A?", 5000) with { Item1 = [CampaignSeed.Content with { Subject = "A?" }, CampaignSeed.Content with { Subject = "D" }] };
        PastResults.Compare([Large("A?", 900), Large("A?", 900), mixed, Large("B", 100), Large("C", 100)]).Traits.Single(t => t.Trait == Trait.Question).ShouldBe(new(Trait.Question, 0.09, 20_000, 0.01, 20_000, true));
    }

    [Fact]
    public async Task What_a_model_writes_is_checked_and_what_does_not_hold_is_dropped()
    {
        var answers = FakeModel.Messages(
            ("Hello {{default firstName \"there\"}}", "Take 10% off with BACK10.", "It is personal."),
            ("Take 50% off", "Half of everything, 50% off.", "More is more."),
            ("Click", "See https://evil.example/x now.", "A link."),
            ("Hi", "Your password is {{password}}.", "A field."),
            ("Hi", "Dear {{firstName}}, come back.", "A gap for those without a name."),
            (new string('s', 80), "Come back.", "A long subject."),
            ("Markup", "Come <b>back</b>.", "Markup."),
            (null, "Come back.", "No subject."),
            ("Numbers", "Come back.", "It doubles clicks by 73 %."),
            ("Come back", "We have kept your place. Use BACK10 for 10% off.", "It says what is kept."));
        await using var model = await FakeModel.StartAsync(_ => answers);
        var answer = (await WriteAsync(Body("email", "win back with 10% off, code BACK10"), world.NewProcess(model.Settings))).ShouldBe(200);
        answer["source"].GetString().ShouldBe("model");
        answer["variants"].EnumerateArray().Select(v => v.GetProperty("content").GetProperty("subject").GetString()).ShouldBe(["Hello {{default firstName \"there\"}}", "Come back"]);
        answer["variants"].EnumerateArray().ShouldAllBe(v => v.GetProperty("content").GetProperty("html").GetString()!.Contains("{{unsubscribeUrl}}"));
        answer["dropped"].GetInt32().ShouldBe(8);
        model.Questions.Single().Data.ShouldContain("have not ordered in the last 6 months");
    }

    [Fact]
    public async Task A_model_with_fewer_than_two_good_messages_is_done_without()
    {
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Messages(("Hi", "Come back.", "Short."), ("Hi", "Come back.", "Twice the same."), ("Hi", "99% off!", "Wrong.")));
        var answer = (await WriteAsync(Body("push", "win back"), world.NewProcess(model.Settings))).ShouldBe(200);
        (answer["source"].GetString(), answer["fallback"].GetString()).ShouldBe(("offline", "invalid_answer"));
        answer["variants"].GetArrayLength().ShouldBe(3);
    }

    [Fact]
    public async Task Requests_are_checked()
    {
        (await WriteAsync("""{ "channel": "sms", "goal": "x" }""")).ShouldBeProblem(400, "request.invalid", "/segmentId");
        (await WriteAsync(Body("email", ""))).ShouldBeProblem(400, "request.invalid", "/goal");
        (await WriteAsync(Body("email", "x", variants: 4))).ShouldBeProblem(400, "request.invalid", "/variants");
        (await WriteAsync("""{ "segmentId": "nope", "channel": "sms", "goal": "x" }""")).ShouldBeProblem(404, "segment.not_found");
        (await WriteAsync(Body("email", "x", variants: 2))).ShouldBe(200)["variants"].GetArrayLength().ShouldBe(2);
        (await WriteAsync($$"""{ "segmentId": "{{await world.SegmentAsync()}}", "channel": "sms", "goal": "remind" }""")).ShouldBe(200)["variants"][0].GetProperty("sms").GetProperty("parts").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Who_waits_gets_the_audience_first_and_then_each_message()
    {
        var functions = Microsoft.Extensions.DependencyInjection.ActivatorUtilities.CreateInstance<AiFunctions>(world.Services);
        var answer = await ApiCall.SendAsync(world.Services, r =>
        {
            r.Headers.Accept = "text/event-stream";
            return functions.Messages(r, default);
        }, Body("email", "win back"), "application/json", "", null);
        var events = answer.ShouldBe(200).Text.Split('\n').Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).Select(l => l[7..]);
        events.ShouldBe(["audience", "variant", "variant", "variant", "done"]);
        (await ApiCall.SendAsync(world.Services, r =>
        {
            r.Headers.Accept = "text/event-stream";
            return functions.Messages(r, default);
        }, """{ "segmentId": "nope", "channel": "sms", "goal": "x" }""", "application/json", "", null)).ShouldBeProblem(404, "segment.not_found");
    }
}
