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
    [InlineData("{{date firstName}}", "firstName at line 1, column 1 cannot be written as date")]
    [InlineData("{{currency orderCount}}", "cannot be written as currency")]
    [InlineData("{{number totalSpend 'short'}}", "Only dates have a style")]
    [InlineData("{{date lastOrderAt 'odd'}}", "not understood")]
    [InlineData("{{number nope}}", "nope at line 1")]
    public void Refuses(string source, string message)
    {
        MessageTemplate.TryCompile(source, html: true, out var errors).ShouldBeNull();
        errors.ShouldContain(e => e.Contains(message), string.Join(" | ", errors));
    }

    [Theory]
    [InlineData("en-US", "$1,234.56", "1,234.56", "February 4, 2026", "2/4/2026", "Wednesday, February 4, 2026")]
    [InlineData("de-DE", "1.234,56 $", "1.234,56", "4. Februar 2026", "04.02.2026", "Mittwoch, 4. Februar 2026")]
    [InlineData("fr-FR", "1 234,56 $", "1 234,56", "4 février 2026", "04/02/2026", "mercredi 4 février 2026")]
    [InlineData("de", "1.234,56 $", "1.234,56", "4. Februar 2026", "04.02.2026", "Mittwoch, 4. Februar 2026")]
    [InlineData(null, "$1,234.56", "1,234.56", "February 4, 2026", "2/4/2026", "Wednesday, February 4, 2026")]
    public void Numbers_amounts_and_days_are_written_in_the_customers_language_and_zone(string? language, string amount, string number, string day, string shortDay, string fullDay)
    {
        // 23:00 UTC is the next day in Zürich.
        var customer = Ada with { Language = language, TimeZone = "Europe/Zurich" };
        string Of(string source) => MessageTemplate.TryCompile(source, html: false, out _) is { } template
            ? template.Render(Merge.Of(customer, null, template.Slots), url => url).Replace('\u202f', ' ').Replace('\u00a0', ' ')
            : throw new InvalidOperationException();
        Of("{{currency totalSpend}}|{{number totalSpend}}").ShouldBe($"{amount}|{number}");
        Of("{{date lastOrderAt}}|{{date lastOrderAt \"short\"}}|{{date lastOrderAt 'full'}}").ShouldBe($"{day}|{shortDay}|{fullDay}");
        Of("{{totalSpend}} {{lastOrderAt}}").ShouldBe("1234.56 2026-02-04");
        Of("{{number attributes.age}}/{{date attributes.plan}}/{{number attributes.none}}").ShouldBe("41/gold/");
    }

    [Fact]
    public void Links_of_html_lead_where_they_are_told_and_the_image_ends_the_body()
    {
        var content = new CampaignTemplates(Merge).Get(new(
            "S",
            """<body><a href="https://shop.example/?a=1&amp;c={{externalId}}">x</a> <A HREF='http://b.example/'>y</A> <a href="{{unsubscribeUrl}}">z</a> <a href="mailto:a@b.example">m</a></body>""",
            "https://shop.example/ {{unsubscribeUrl}}", null));
        var links = new MessageLinks("https://u.example/1", url => $"[{url}]", "https://p.example/1");
        var rendered = content.Render(Ada with { ExternalId = "A 1" }, links);
        rendered.Html.ShouldBe(
            """<body><a href="[https://shop.example/?a&#x3D;1&amp;c&#x3D;A 1]">x</a> <A HREF='[http://b.example/]'>y</A> <a href="https://u.example/1">z</a> <a href="mailto:a@b.example">m</a><img src="https://p.example/1" width="1" height="1" alt=""></body>""");
        rendered.Text.ShouldBe("https://shop.example/ https://u.example/1");
        rendered.UnsubscribeUrl.ShouldBe("https://u.example/1");
    }

    [Fact]
    public void A_subject_stays_on_one_line()
    {
        var content = new CampaignTemplates(Merge).Get(new("Hi {{firstName}}", null, "Text", null));
        content.Render(Ada with { FirstName = "Ada\r\nBcc: all@example.com" }, Samples.Links).Subject.ShouldBe("Hi Ada Bcc: all@example.com");
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
        return template!.Render(Merge.Of(Ada, Samples.Links.UnsubscribeUrl, template.Slots), Samples.Links.Click);
    }
}
