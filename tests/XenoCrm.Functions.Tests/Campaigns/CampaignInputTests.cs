using XenoCrm.Campaigns;
using XenoCrm.Functions.Tests.Delivery;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class CampaignInputTests(DeliveryEmulator emulator)
{
    private static readonly CampaignContent Hello = new("Hello", null, "Hi {{firstName}} {{unsubscribeUrl}}", null);

    [Fact]
    public void What_is_wrong_with_a_variant_is_said_where_it_is()
    {
        Errors(Input() with { Variants = [new("A", 1, Hello), new("a ", 0, Hello with { Text = "no way out" }), null!, new(null, 1001, null)] }).ShouldBe(
            ["Variants[1].Content.Text", "Variants[1].Name", "Variants[1].Weight", "Variants[2]", "Variants[3].Content", "Variants[3].Name", "Variants[3].Weight"]);
        Errors(Input() with { Variants = [new("A", 1, Hello)] }).ShouldBe(["Variants"]);
        Errors(Input() with { Variants = [.. "ABCDEF".Select(c => new VariantInput(c.ToString(), 1, Hello))] }).ShouldBe(["Variants"]);
        Errors(Input() with { Content = Hello, Variants = [new("A", 1, Hello), new("B", 1, Hello)] }).ShouldBe(["Variants"]);
        Errors(Input() with { TemplateId = "t", Variants = [new("A", 1, Hello), new("B", 1, Hello)] }).ShouldBe(["TemplateId"]);
        Errors(Input()).ShouldBe(["Content"]);
        Errors(Two).ShouldBeEmpty();
    }

    [Fact]
    public void A_winner_needs_variants_a_share_and_a_time_or_a_count()
    {
        Errors(Two with { Winner = new(WinnerMetric.Open, 0.2, "PT4H") }).ShouldBeEmpty();
        Errors(Two with { Winner = new(WinnerMetric.Click, 0.2, MinCount: 500, Deadline: "P2D", Confidence: 0.9) }).ShouldBeEmpty();
        Errors(Two with { Winner = new(null, 1.2) }).ShouldBe(["Winner.After", "Winner.Metric", "Winner.TestShare"]);
        Errors(Two with { Winner = new(WinnerMetric.Open, 0.2, "P1M", 0, Confidence: 1) }).ShouldBe(["Winner.After", "Winner.Confidence", "Winner.MinCount"]);
        Errors(Two with { Winner = new(WinnerMetric.Open, 0.2, "PT4H", Deadline: "PT4H") }).ShouldBe(["Winner.Deadline"]);
        Errors(Two with { Winner = new(WinnerMetric.Open, 0.2, "P16D") }).ShouldBe(["Winner.After"]);
        Errors(Input() with { Content = Hello, Winner = new(WinnerMetric.Open, 0.2, "PT4H") }).ShouldBe(["Winner.Metric"]);
        Errors(new("N", Channel.Sms, "s", null, Variants: [new("A", 1, new(null, null, "a", null)), new("B", 1, new(null, null, "b", null))], Winner: new(WinnerMetric.Open, 0.2, "PT4H")))
            .ShouldBe(["Winner.Metric"]);

        new WinnerInput(WinnerMetric.Open, 0.2, "PT4H").Rule.Deadline.ShouldBe("P1D");
        new WinnerInput(WinnerMetric.Open, 0.2, "P2DT6H").Rule.Deadline.ShouldBe("P4DT12H");
        var rule = new WinnerInput(WinnerMetric.Open, 0.2, MinCount: 100).Rule;
        (rule.FirstLook(Samples.Noon), rule.LastLook(Samples.Noon), rule.Confidence, rule.Otherwise).ShouldBe((Samples.Noon, Samples.Noon.AddDays(1), 0.95, WinnerFallback.Weights));
    }

    [Fact]
    public void How_it_is_sent_is_checked_too()
    {
        Errors(Two with { Holdout = 0.51 }).ShouldBe(["Holdout"]);
        Errors(Two with { Holdout = 0.1, Sending = new(QuietHours: new("21:00", "08:00")) }).ShouldBeEmpty();
        Errors(Two with { Sending = new(IgnoreQuietHours: true, QuietHours: new("25:00", "8")) }).ShouldBe(["Sending.QuietHours", "Sending.QuietHours.From", "Sending.QuietHours.To"]);
        Errors(Two with { Sending = new(QuietHours: new("08:00", "08:00")) }).ShouldBe(["Sending.QuietHours.To"]);

        // Only where somebody tells the best hour.
        Errors(Two with { Sending = new(BestTime: true) }).ShouldBe(["Sending.BestTime"]);
        new CampaignInputValidator(_ => 9).Validate(Two with { Sending = new(BestTime: true) }).IsValid.ShouldBeTrue();
    }

    [Fact]
    public async Task Variants_are_stored_and_changed_and_one_content_is_one_variant()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var save = harness.Get<SaveCampaign>();
        var author = new XenoCrm.Accounts.Caller("u", "U", XenoCrm.Accounts.Role.Marketer);
        var input = Two with { SegmentId = DeliveryHarness.SegmentId, Holdout = 0.1, Winner = new(WinnerMetric.Click, 0.3, "PT1H"), Sending = new(IgnoreCaps: true) };
        var created = (await save.CreateAsync(input, author, default)).Value;
        var view = CampaignView.Of((await harness.Get<XenoCrm.Platform.Cosmos.WorkspaceStore<Campaign>>().ReadAsync(created.Id, default))!.Value);
        view.Variants.ShouldBe([new("A", 3, Hello), new("B", 1, Hello with { Subject = "Other" })]);
        (view.Content, view.Holdout, view.Winner!.Metric, view.Sending).ShouldBe((Hello, 0.1, WinnerMetric.Click, new SendingOptions(IgnoreCaps: true)));

        var changed = (await save.UpdateAsync(created.Id, "*", input with { Variants = null, Content = Hello, Holdout = 0, Winner = null, Sending = new() }, author, default)).Value;
        changed.Variants.ShouldBe([new("A", 1, Hello)]);
        (changed.Holdout, changed.Winner, changed.Sending).ShouldBe((null, null, null));
    }

    [Fact]
    public async Task Everything_that_is_sent_and_how_is_what_is_approved()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var segment = (await harness.Get<XenoCrm.Segments.SegmentDirectory>().ReadAsync(DeliveryHarness.SegmentId, default))!;
        var campaign = Samples.Campaign() with { Variants = [new("A", 1, Hello), new("B", 1, Hello)] };
        string[] prints =
        [
            .. new[]
            {
                campaign,
                campaign with { Variants = [new("A", 2, Hello), new("B", 1, Hello)] },
                campaign with { Variants = [new("A", 1, Hello), new("B", 1, Hello with { Subject = "Other" })] },
                campaign with { Holdout = 0.1 },
                campaign with { Winner = new WinnerInput(WinnerMetric.Open, 0.1, "PT1H").Rule },
                campaign with { Sending = new(IgnoreCaps: true) },
            }.Select(c => LaunchRules.Fingerprint(c, segment)),
        ];
        prints.ShouldBeUnique();
        LaunchRules.Fingerprint(campaign with { Name = "Other", WinnerResult = new(WinnerState.Waiting, null, Samples.Noon, 1, null, []) }, segment).ShouldBe(prints[0]);
    }

    [Fact]
    public async Task A_variant_is_rendered_by_its_name()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var id = await CheckCampaignTests.DraftAsync(harness, c => c with { Variants = [new("A", 1, Hello), new("B", 1, Hello with { Subject = "Dear {{firstName}}" })] });
        var render = harness.Get<RenderContent>();
        (await render.HandleAsync(new(null, null, null, null, id), default)).Subject.ShouldBe("Hello");
        (await render.HandleAsync(new(null, null, null, null, id, "b"), default)).Subject.ShouldBe("Dear Ada");
        var unknown = await Should.ThrowAsync<XenoCrm.Platform.Errors.ProblemException>(() => render.HandleAsync(new(null, null, null, null, id, "C"), default));
        unknown.Problem.Status.ShouldBe(400);
        (await Should.ThrowAsync<XenoCrm.Platform.Errors.ProblemException>(() => render.HandleAsync(new(null, null, null, null, "none"), default))).Problem.Code.ShouldBe("campaign.not_found");
        var validator = new RenderInputValidator();
        validator.Validate(new RenderInput("t", null, null, null, id)).IsValid.ShouldBeFalse();
        validator.Validate(new RenderInput("t", null, null, null, null, "B")).IsValid.ShouldBeFalse();
        validator.Validate(new RenderInput(null, null, null, null, id, "B")).IsValid.ShouldBeTrue();
    }

    private static CampaignInput Input() => new("Spring", Channel.Email, "seg", null);

    private static CampaignInput Two => Input() with { Variants = [new("A", 3, Hello), new("B", 1, Hello with { Subject = "Other" })] };

    private static IEnumerable<string> Errors(CampaignInput input) =>
        new CampaignInputValidator().Validate(input).Errors.Select(e => e.PropertyName).Distinct().Order(StringComparer.Ordinal);
}
