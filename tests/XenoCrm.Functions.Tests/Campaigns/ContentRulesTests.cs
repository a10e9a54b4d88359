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

    private static IEnumerable<string> Errors(Channel channel, CampaignContent content) =>
        new TemplateInputValidator().Validate(new TemplateInput("T", channel, content)).Errors.Select(e => e.PropertyName);
}
