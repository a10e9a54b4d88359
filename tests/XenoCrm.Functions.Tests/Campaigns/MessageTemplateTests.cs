using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Functions.Tests.Campaigns;

public sealed class MessageTemplateTests
{
    private static readonly MergeFields Merge = new(Options.Create(new WorkspaceOptions()));

    private static readonly Customer Ada = Samples.Customer(1) with
    {
        FirstName = "Ada <b>", LastName = "O'Neil & Sons", City = null, TotalSpend = 123456, OrderCount = 3,
        LastOrderAt = new(2026, 2, 3, 23, 0, 0, TimeSpan.Zero),
        Attributes = new Dictionary<string, JsonElement> { ["plan"] = JsonSerializer.SerializeToElement("gold"), ["age"] = JsonSerializer.SerializeToElement(41) },
    };

    [Theory]
    [InlineData("Hi {{firstName}}!", "Hi Ada &lt;b&gt;!", "Hi Ada <b>!")]
    [InlineData("{{ lastName }}", "O&#x27;Neil &amp; Sons", "O'Neil & Sons")]
    [InlineData("{{city}}.", ".", ".")]
    [InlineData("{{default city \"your town\"}}", "your town", "your town")]
    [InlineData("{{default firstName 'x'}}", "Ada &lt;b&gt;", "Ada <b>")]
    [InlineData("{{#if city}}in {{city}}{{else}}somewhere{{/if}}", "somewhere", "somewhere")]
    [InlineData("{{#unless city}}no city{{/unless}}", "no city", "no city")]
    [InlineData("{{totalSpend}} in {{orderCount}}, last {{lastOrderAt}}", "1234.56 in 3, last 2026-02-03", "1234.56 in 3, last 2026-02-03")]
    [InlineData("{{attributes.plan}}/{{attributes.age}}/{{attributes.none}}", "gold/41/", "gold/41/")]
    [InlineData("a {{! note }}b }} c", "a b }} c", "a b }} c")]
    public void Renders(string source, string html, string text)
    {
        Render(source, html: true).ShouldBe(html);
        Render(source, html: false).ShouldBe(text);
    }

    [Theory]
    [InlineData("Hi {{firstName", "not closed")]
    [InlineData("Hi {{frstName}}", "frstName at line 1, column 4 is not a field")]
    [InlineData("one\ntwo {{nope}}", "line 2, column 5")]
    [InlineData("{{#if city}}x", "{{#if}} is not closed")]
    [InlineData("x{{/if}}", "closes a block")]
    [InlineData("{{#if city}}x{{/unless}}", "closes a block")]
    [InlineData("{{else}}", "outside of a block")]
    [InlineData("{{{firstName}}}", "Unescaped output")]
    [InlineData("{{&firstName}}", "Unescaped output")]
    [InlineData("{{#each tags}}{{this}}{{/each}}", "not understood")]
    [InlineData("{{> partial}}", "not understood")]
    [InlineData("{{firstName lastName}}", "not understood")]
    [InlineData("{{}}", "not understood")]
    [InlineData("{{lookup this 'x'}}", "not understood")]
    [InlineData("{{#if nope}}x{{/if}}", "nope at line 1")]
    [InlineData("{{default nope 'x'}}", "nope at line 1")]
    public void Refuses(string source, string message)
    {
        MessageTemplate.TryCompile(source, html: true, out var errors).ShouldBeNull();
        errors.ShouldContain(e => e.Contains(message), string.Join(" | ", errors));
    }

    [Fact]
    public void A_subject_stays_on_one_line()
    {
        var content = new CampaignTemplates(Merge).Get(new("Hi {{firstName}}", null, "Text", null));
        content.Render(Ada with { FirstName = "Ada\r\nBcc: all@example.com" }).Subject.ShouldBe("Hi Ada Bcc: all@example.com");
    }

    [Fact]
    public void The_same_content_is_compiled_once()
    {
        var templates = new CampaignTemplates(Merge);
        templates.Get(new("S {{city}}", null, "T", null)).ShouldBeSameAs(templates.Get(new("S {{city}}", null, "T", null)));
    }

    private static string Render(string source, bool html)
    {
        var template = MessageTemplate.TryCompile(source, html, out var errors);
        errors.ShouldBeEmpty();
        return template!.Render(Merge.Of(Ada, template.Fields));
    }
}
