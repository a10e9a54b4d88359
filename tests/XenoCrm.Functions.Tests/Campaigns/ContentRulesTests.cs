using XenoCrm.Campaigns;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class ContentRulesTests
{
    [Fact]
    public void What_a_channel_needs_is_enough()
    {
        Errors(Channel.Email, new("Hi", "<a href='{{unsubscribeUrl}}'>no more</a>", null, null)).ShouldBeEmpty();
        Errors(Channel.Email, new("Hi", null, "No more: {{unsubscribeUrl}}", "Shop <shop@example.com>")).ShouldBeEmpty();
        Errors(Channel.Sms, new(null, null, "Hi {{firstName}}", null)).ShouldBeEmpty();
        Errors(Channel.WhatsApp, new("", "", "Hi", null)).ShouldBeEmpty();
        Errors(Channel.Push, new("Title", null, "Hi", null)).ShouldBeEmpty();
    }

    [Fact]
    public void What_is_missing_or_too_much_is_said_where_it_is()
    {
        Errors(Channel.Email, new(null, null, null, null)).ShouldBe(["Content.Subject", "Content.Text"]);
        Errors(Channel.Email, new("Hi", "<p>no way out</p>", "nor here", null)).ShouldBe(["Content.Html", "Content.Text"]);
        Errors(Channel.Sms, new("S", "<p>", null, null)).ShouldBe(["Content.Html", "Content.Text", "Content.Subject"]);
        Errors(Channel.Sms, new(null, null, new string('a', 1531), null)).ShouldBe(["Content.Text"]);
        Errors(Channel.Sms, new(null, null, new string('a', 1530) + "{{firstName}}", null)).ShouldBeEmpty();
        Errors(Channel.WhatsApp, new(null, null, new string('a', 4097), null)).ShouldBe(["Content.Text"]);
        Errors(Channel.Push, new(null, null, new string('a', 1001), null)).ShouldBe(["Content.Text"]);
        Errors(Channel.Sms, new(null, null, "{{frstName}}", new string('a', 321))).ShouldBe(["Content.From", "Content.Text"]);
    }

    [Fact]
    public void A_WhatsApp_template_is_checked_with_what_stands_in_its_places()
    {
        var sid = "HX" + new string('a', 32);
        CampaignContent Content(string? id, Dictionary<string, string>? variables) => new(null, null, "Hi", null) { ContentSid = id, ContentVariables = variables };
        Errors(Channel.WhatsApp, Content(sid, null)).ShouldBeEmpty();
        Errors(Channel.WhatsApp, Content(sid, new() { ["1"] = "{{default firstName \"there\"}}", ["code"] = "SPRING" })).ShouldBeEmpty();
        Errors(Channel.WhatsApp, Content("HX1", null)).ShouldBe(["Content.ContentSid"]);
        Errors(Channel.Sms, Content(sid, null)).ShouldBe(["Content.ContentSid"]);
        Errors(Channel.WhatsApp, Content(null, new() { ["1"] = "a" })).ShouldBe(["Content.ContentVariables"]);
        Errors(Channel.WhatsApp, Content(sid, new() { ["1"] = "{{frstName}}", ["2"] = " ", ["3"] = "{{firstName", ["a b"] = "x" }))
            .ShouldBe(["Content.ContentVariables.1", "Content.ContentVariables.2", "Content.ContentVariables.3", "Content.ContentVariables"]);
        Errors(Channel.WhatsApp, Content(sid, Enumerable.Range(1, 101).ToDictionary(n => $"{n}", _ => "a"))).ShouldBe(["Content.ContentVariables"]);
    }

    private static IEnumerable<string> Errors(Channel channel, CampaignContent content) =>
        new TemplateInputValidator().Validate(new TemplateInput("T", channel, content)).Errors.Select(e => e.PropertyName);
}
