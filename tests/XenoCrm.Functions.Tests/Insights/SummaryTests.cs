using System.Globalization;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform;

namespace XenoCrm.Insights;

public sealed class SummaryTests : IAsyncLifetime
{
    private InsightsWorld world = null!;

    public async ValueTask InitializeAsync() => world = await InsightsWorld.StartAsync(customers: 20);

    public ValueTask DisposeAsync() => world.DisposeAsync();

    private Task<ApiAnswer> SummaryAsync(string id, IServiceProvider? process = null) => world.PostAsync((f, r) => f.Summary(r, id, default), null, process);

    [Fact]
    public async Task Figures_come_first_and_every_number_of_the_text_is_one_of_them()
    {
        var segment = await world.SegmentAsync();
        await world.CampaignAsync(segment, CampaignSeed.Content, delivered: 1000, opened: 200, clicked: 20);
        var id = await world.CampaignAsync(segment, CampaignSeed.Content, delivered: 4750, opened: 1250, clicked: 398, failed: 250, unsubscribed: 12);
        var answer = (await SummaryAsync(id)).ShouldBe(200);
        answer["source"].GetString().ShouldBe("offline");
        var figures = answer["figures"].EnumerateArray().ToDictionary(f => f.GetProperty("name").GetString()!, f => f.GetProperty("text").GetString());
        (figures["audience"], figures["delivered"], figures["failed"], figures["deliveryRate"], figures["openRate"], figures["clickRate"], figures["earlierOpenRate"]).ShouldBe(("5,000", "4,750", "250", "95%", "26.3%", "8.4%", "20%"));
        answer["text"].EnumerateArray().Select(t => t.GetString()).ShouldBe(
        [
            "Of an audience of 5,000, 5,000 messages were sent, 4,750 were delivered (a delivery rate of 95%).",
            "250 failed, mainly by unknown address.",
            "1,250 opened it (26.3% opened) and 398 clicked (8.4% clicked).",
            "The open rate of 26.3% is above the earlier average of 20%.",
            "12 unsubscribed and 0 complained.",
            "Compare it with a holdout to see what it changed.",
        ]);
        (await SummaryAsync("nope")).ShouldBeProblem(404, "campaign.not_found");
    }

    [Fact]
    public async Task Of_what_a_model_writes_only_what_the_figures_hold_survives()
    {
        var segment = await world.SegmentAsync();
        await world.CampaignAsync(segment, CampaignSeed.Content, delivered: 1000, opened: 200, clicked: 20);
        var id = await world.CampaignAsync(segment, CampaignSeed.Content, delivered: 4750, opened: 1250, clicked: 398, failed: 250, unsubscribed: 12);
        string[] good =
        [
            "The campaign reached 4,750 of 5,000 recipients, so 95% were delivered.",
            "1,250 opened it, which is 26.3% opened, and 398 clicked.",
            "About 26% opened, and 8.4% clicked.",
            "The open rate of 26.3% is above the earlier average of 20%.",
            "More than 1,200 opened it.",
            "Look at the failed addresses next.",
        ];
        string[] bad =
        [
            "The campaign reached 4,800 recipients.", "27% opened.", "26.4% opened.", "398 opened it.", "1,250 clicked.", "5,000 of 4,750 delivered messages were sent.", "26.3% clicked.", "1,250% opened.", "Half of the audience opened it.", "Most members opened it.",
            "Revenue was USD 1,250.", "It made $398 in revenue.", "Opens doubled.", "The open rate of 26.3% is below the earlier average of 20%.", "Clicks increased.", "It was our best campaign.", "Twelve unsubscribed.", "1.25 million opened.", "-398 clicked.",
            "1,250 opened and 250 clicked.", "About 1,900 opened.", "Nearly 1,200 opened.", "The earlier average was 26.3% opened.", "Visit https://evil.example now.", "٤٧٥٠ delivered.", "Delivered: 95 percent and failed: 6 percent.", "Write to a@b.example.", "Nobody complained because of the great subject.",
        ];
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Sentences([.. bad, .. good]));
        var answer = (await SummaryAsync(id, world.NewProcess(model.Settings))).ShouldBe(200);
        answer["source"].GetString().ShouldBe("model");
        answer["text"].EnumerateArray().Select(t => t.GetString()).ShouldBe(good);
        answer["dropped"].GetInt32().ShouldBe(bad.Length);
    }

    [Fact]
    public async Task Variants_have_figures_of_their_own_and_are_told_apart()
    {
        var plain = CampaignSeed.Content with { Subject = "News", Text = "New things came in.\n\n{{unsubscribeUrl}}" };
        var question = CampaignSeed.Content with { Subject = "Have you seen it?", Text = "Something is here.\n\n{{unsubscribeUrl}}" };
        var segment = await world.SegmentAsync();
        var id = await world.VariantsAsync(segment, (plain, 400, 80, 20), (question, 400, 160, 60));
        var answer = (await SummaryAsync(id)).ShouldBe(200);
        var figures = answer["figures"].EnumerateArray().ToDictionary(f => f.GetProperty("name").GetString()!, f => f.GetProperty("text").GetString());
        (figures["sent of variant A"], figures["openRate of variant A"], figures["openRate of variant B"], figures["clickRate of variant B"]).ShouldBe(("400", "20%", "40%", "15%"));
        answer["text"].EnumerateArray().Select(t => t.GetString()).ShouldContain("5% of the 400 messages of variant A, 15% of the 400 messages of variant B were clicked: variant B did better than chance explains.");

        string[] good = ["Of variant A 20% opened, of variant B 40% opened.", "30% opened it."];
        string[] bad = ["Of variant A 40% opened.", "Of variant A 30% opened.", "Of variant B 20% clicked.", "40% opened.", "Of variant C 40% opened.", "Variant B was opened more than variant A."];
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Sentences([.. bad, .. good]));
        var told = (await SummaryAsync(id, world.NewProcess(model.Settings))).ShouldBe(200);
        told["text"].EnumerateArray().Select(t => t.GetString()).ShouldBe(good);
        model.Questions.Single().Data.ShouldContain("Something is here.");

        var same = await world.VariantsAsync(segment, (plain, 200, 40, 0), (question, 200, 44, 0));
        (await SummaryAsync(same)).ShouldBe(200)["text"].EnumerateArray().Select(t => t.GetString()).ShouldContain("20% of the 200 messages of variant A, 22% of the 200 messages of variant B were opened: the difference may be chance.");
    }

    [Fact]
    public async Task Who_waits_gets_the_figures_before_the_text()
    {
        var id = await world.CampaignAsync(await world.SegmentAsync(), CampaignSeed.Content, delivered: 4750, opened: 1250, clicked: 398);
        var functions = Microsoft.Extensions.DependencyInjection.ActivatorUtilities.CreateInstance<AiFunctions>(world.Services);
        async Task<ApiAnswer> StreamAsync(string of) => await ApiCall.SendAsync(world.Services, r =>
        {
            r.Headers.Accept = "text/event-stream";
            return functions.Summary(r, of, default);
        }, null, "application/json", "", null);
        (await StreamAsync(id)).ShouldBe(200).Text.Split('\n').Where(l => l.StartsWith("event: ", StringComparison.Ordinal)).ShouldBe(["event: figures", "event: text"]);
        (await StreamAsync("nope")).ShouldBeProblem(404, "campaign.not_found");
    }

    [Theory]
    [InlineData("1,250 have not opened it.")]
    [InlineData("1,250 didn't open, 398 haven't clicked.")]
    [InlineData("398 were reached without a click: 398 clicked.")]
    [InlineData("Only 1,250 opened it.")]
    public void A_number_is_not_turned_into_its_opposite(string sentence) =>
        FigureCheck.IsSupported(sentence, [Figures.Count("opened", 1250), Figures.Count("clicked", 398), Figures.Count("delivered", 4750)]).ShouldBeFalse();

    [Fact]
    public async Task A_model_that_only_invents_is_done_without()
    {
        var id = await world.CampaignAsync(await world.SegmentAsync(), CampaignSeed.Content, delivered: 4750, opened: 1250, clicked: 398);
        await using var model = await FakeModel.StartAsync(_ => FakeModel.Sentences("9,999 opened.", "What a campaign!"));
        var answer = (await SummaryAsync(id, world.NewProcess(model.Settings))).ShouldBe(200);
        (answer["source"].GetString(), answer["fallback"].GetString(), answer["dropped"].GetInt32()).ShouldBe(("offline", "invalid_answer", 1));
        answer["text"].GetArrayLength().ShouldBeGreaterThan(2);
    }

    [Fact]
    public async Task A_campaign_that_was_not_launched_has_nothing_to_tell()
    {
        var id = await world.CampaignAsync(await world.SegmentAsync(), CampaignSeed.Content, delivered: 0, opened: 0, clicked: 0);
        (await SummaryAsync(id)).ShouldBe(200)["text"][0].GetString()!.ShouldStartWith("The campaign had nobody");
    }

    /// <summary>Random campaigns, and a model that says true things and the same with another number, unit or name.</summary>
    [Fact]
    public void No_invented_figure_survives_whatever_the_figures()
    {
        var random = new Random(20260915);
        int invented = 0, told = 0;
        for (var round = 0; round < 2000; round++)
        {
            var figures = RandomFigures(random);
            foreach (var figure in figures.Where(f => Say.ContainsKey(f.Name)))
            {
                FigureCheck.IsSupported(Sentence(figure.Name, figure.Text), figures).ShouldBeTrue($"{figure.Name}: {Sentence(figure.Name, figure.Text)}");
                told++;

                // Another number: by a little, by a digit, by a lot.
                var other = random.Next(4) switch
                {
                    0 => figure.Value + (figure.Unit == FigureUnit.Count ? 1 : 0.1m),
                    1 => figure.Value * 10,
                    2 => random.Next(1, 100_000),
                    _ => Math.Max(0, figure.Value - random.Next(1, 50)),
                };
                if (!figures.Any(f => f.Unit == figure.Unit && f.Value == other))
                {
                    var text = figure.Unit == FigureUnit.Percent ? other.ToString("0.0", CultureInfo.InvariantCulture) + "%" : figure.Unit == FigureUnit.Money ? $"USD {other.ToString("0.00", CultureInfo.InvariantCulture)}" : other.ToString("N0", CultureInfo.InvariantCulture);
                    FigureCheck.IsSupported(Sentence(figure.Name, text), figures).ShouldBeFalse($"{figure.Name} is {figure.Text}: {Sentence(figure.Name, text)}");
                    invented++;
                }

                // Another name for the right number; 12.3% may be said as 12%.
                var wrong = figures.Where(f => Say.ContainsKey(f.Name) && f.Unit == figure.Unit && Math.Abs(f.Value - figure.Value) >= 1).Select(f => f.Name).FirstOrDefault();
                if (wrong is not null)
                {
                    FigureCheck.IsSupported(Sentence(wrong, figure.Text), figures).ShouldBeFalse($"{wrong} is not {figure.Text}");
                    invented++;
                }

                // Another unit.
                var unit = figure.Unit == FigureUnit.Percent ? figure.Text.TrimEnd('%') + " messages" : figure.Text + "%";
                if (figure.Unit != FigureUnit.Money && !figures.Any(f => f.Unit != figure.Unit && Math.Abs(f.Value - figure.Value) < 1))
                {
                    FigureCheck.IsSupported(Sentence(figure.Name, unit), figures).ShouldBeFalse(unit);
                    invented++;
                }
            }
        }

        (told, invented).ShouldSatisfyAllConditions(() => told.ShouldBeGreaterThan(10_000), () => invented.ShouldBeGreaterThan(20_000));
    }

    private static readonly Dictionary<string, string> Say = new()
    {
        ["delivered"] = "{0} were delivered.", ["opened"] = "{0} opened it.", ["clicked"] = "In all, {0} clicked.", ["failed"] = "Of the others {0} failed.", ["unsubscribed"] = "{0} unsubscribed.",
        ["openRate"] = "The share that opened is {0}.", ["clickRate"] = "{0} clicked a link.", ["revenue"] = "The revenue is {0}.",
    };

    private static string Sentence(string name, string text) => string.Format(CultureInfo.InvariantCulture, Say[name].Replace("In all, ", ""), text);

    private static List<Figure> RandomFigures(Random random)
    {
        var audience = random.Next(100, 1_000_000);
        var delivered = random.Next(50, audience);
        var opened = random.Next(1, delivered);
        var clicked = random.Next(0, opened);
        return
        [
            Figures.Count("audience", audience), Figures.Count("delivered", delivered), Figures.Count("failed", audience - delivered), Figures.Count("opened", opened), Figures.Count("clicked", clicked), Figures.Count("unsubscribed", random.Next(0, clicked + 1)),
            Figures.Percent("openRate", (double)opened / delivered), Figures.Percent("clickRate", (double)clicked / delivered), Figures.Money("revenue", random.Next(1, 10_000_000) / 100m, "USD"),
        ];
    }
}
