using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Campaigns;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class TrackingTests(DeliveryEmulator emulator)
{
    private const string Browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    private const string Shop = "https://shop.example/sale?a=1&b=2";

    private static readonly CampaignContent Content = new(
        "Sale", $"<body><a href=\"{Shop.Replace("&", "&amp;")}\">go</a><a href=\"{{{{unsubscribeUrl}}}}\">no more</a></body>", "Sale: {{unsubscribeUrl}}", null);

    [Fact]
    public async Task Opens_clicks_and_scanners_are_told_apart()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1, 2, 3]);
        var id = await harness.LaunchAsync(c => c with { Variants = Variant.Only(Content) });
        await harness.RunAsync();
        var html = Enumerable.Range(0, 3).Select(i => harness.Vendor.Contents[$"{id}.0.{i}"].Html!).ToList();

        await GetAsync(harness, "o", Between(html[2], "<img src=\"", "\""), "Barracuda Sentinel");
        harness.Clock.Advance(TimeSpan.FromMinutes(1));
        var open = await GetAsync(harness, "o", Between(html[0], "<img src=\"", "\""), Browser);
        (open.StatusCode, open.ContentType, open.Headers.CacheControl.ToString()).ShouldBe((200, "image/gif", "no-store"));
        var click = await GetAsync(harness, "c", Between(html[1], "<a href=\"", "\""), Browser);
        (click.StatusCode, click.Headers.Location.ToString()).ShouldBe((302, Shop));
        await harness.RunAsync();

        var stats = await harness.LedgerAsync(id);
        (stats.Delivered, stats.Opened, stats.Clicked, stats.AutoOpened, stats.AutoClicked).ShouldBe((3, 1, 1, 1, 0));
        var events = (await harness.BatchesAsync(id))[0].Recipients.Select(r => r.Events!.ShouldHaveSingleItem()).ToList();
        events[1].ShouldSatisfyAllConditions(e => e.Kind.ShouldBe(MessageEventKind.Clicked), e => e.Link.ShouldBe(MessageEvent.LinkOf(Shop)), e => e.Agent.ShouldBe(Browser));
    }

    [Fact]
    public async Task Leaving_takes_a_post_and_ends_the_channel()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        await harness.AddCustomersAsync([1, 2]);
        var id = await harness.LaunchAsync(c => c with { Variants = Variant.Only(Content) });
        await harness.RunAsync();
        var content = harness.Vendor.Contents[$"{id}.0.0"];
        var token = content.UnsubscribeUrl!.Split('/')[^1];
        content.Html!.ShouldContain(content.UnsubscribeUrl);
        content.Text!.ShouldContain(content.UnsubscribeUrl);
        Unsubscribe.Headers(content.UnsubscribeUrl).ShouldBe([
            new("List-Unsubscribe", $"<{content.UnsubscribeUrl}>"), new("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]);

        var functions = Functions(harness);
        var page = await AnswerAsync(harness, r => Task.FromResult(functions.ShowUnsubscribe(r, token)));
        page.Body.ShouldContain("<form method=\"post\">");
        page.Response.Headers.ContentSecurityPolicy.ToString().ShouldContain("default-src 'none'");
        await harness.RunAsync();
        (await harness.CustomerAsync(1)).Consent.ShouldBeEmpty("Looking at the page is not leaving.");

        (await AnswerAsync(harness, r => functions.Leave(r, token, default))).Body.ShouldContain("Unsubscribed");
        (await AnswerAsync(harness, r => functions.Leave(r, token, default))).Response.StatusCode.ShouldBe(200, "A second time is no error.");
        await harness.RunAsync();
        (await harness.CustomerAsync(1)).Consent["email"].ShouldSatisfyAllConditions(c => c.State.ShouldBe(ConsentState.Withdrawn), c => c.Source.ShouldBe("unsubscribe"));
        (await harness.LedgerAsync(id)).Unsubscribed.ShouldBe(1);

        await harness.LaunchAsync();
        await harness.RunAsync();
        harness.Vendor.Carried.ShouldBe(["c1@example.com", "c2@example.com", "c2@example.com"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_link_says_only_what_was_signed()
    {
        await using var harness = await DeliveryHarness.StartAsync(emulator);
        var links = harness.Get<TrackingLinks>();
        var made = links.Of("c.0.1", Channel.Email);
        var click = made.Click(Shop).Split('/')[^1];
        links.Read(TrackingKind.Click, click).ShouldBe(new(TrackingKind.Click, "c.0.1", Channel.Email, Shop));
        links.Read(TrackingKind.Open, click).ShouldBeNull("A token is for one purpose.");
        links.Read(TrackingKind.Unsubscribe, made.PixelUrl!.Split('/')[^1]).ShouldBeNull();
        for (var i = 0; i < click.Length; i++)
        {
            var bent = click[..i] + (click[i] == 'A' ? 'B' : 'A') + click[(i + 1)..];
            (links.Read(TrackingKind.Click, bent)?.Target ?? Shop).ShouldBe(Shop, "Whatever is changed, nothing else comes out.");
        }

        foreach (var nonsense in new[] { "", "x", "!!!!", new string('A', 10_000), click[..20] })
        {
            links.Read(TrackingKind.Click, nonsense).ShouldBeNull();
        }

        made.Click("javascript:alert(1)").ShouldBe("javascript:alert(1)", "What is no web address is not led through here.");
        var functions = Functions(harness);
        (await Should.ThrowAsync<ProblemException>(() => functions.Click(Request(harness), "x", default))).Problem.Code.ShouldBe("link.invalid");
        Should.Throw<ProblemException>(() => functions.ShowUnsubscribe(Request(harness), "x")).Problem.Status.ShouldBe(404);
        (await AnswerAsync(harness, r => functions.Open(r, "x", default))).Response.ContentType.ShouldBe("image/gif");
        harness.Queues.Sent.ShouldBeEmpty();
    }

    private static TrackingFunctions Functions(DeliveryHarness harness) => harness.Create<TrackingFunctions>();

    private static HttpRequest Request(DeliveryHarness harness, string? agent = null)
    {
        var context = new DefaultHttpContext { RequestServices = harness.Get<IServiceProvider>() };
        context.Response.Body = new MemoryStream();
        context.Request.Headers.UserAgent = agent;
        return context.Request;
    }

    private static async Task<(HttpResponse Response, string Body)> AnswerAsync(DeliveryHarness harness, Func<HttpRequest, Task<IResult>> call, string? agent = null)
    {
        var request = Request(harness, agent);
        await (await call(request)).ExecuteAsync(request.HttpContext);
        return (request.HttpContext.Response, Encoding.UTF8.GetString(((MemoryStream)request.HttpContext.Response.Body).ToArray()));
    }

    private static async Task<HttpResponse> GetAsync(DeliveryHarness harness, string kind, string url, string agent)
    {
        url.ShouldStartWith($"http://127.0.0.1:2/t/{kind}/");
        var token = url.Split('/')[^1];
        var functions = Functions(harness);
        return (await AnswerAsync(harness, r => kind == "o" ? functions.Open(r, token, default) : functions.Click(r, token, default), agent)).Response;
    }

    private static string Between(string text, string before, string after)
    {
        var start = text.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return text[start..text.IndexOf(after, start, StringComparison.Ordinal)];
    }
}
