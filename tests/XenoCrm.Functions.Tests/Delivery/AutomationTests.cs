using XenoCrm.Delivery;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class AutomationTests
{
    private const string Browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    private const string Gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";

    [Theory]
    [InlineData(Browser, false)]
    [InlineData(Gmail, false)]
    [InlineData("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15", false)]
    [InlineData("Mozilla/5.0", true)]
    [InlineData("", true)]
    [InlineData("curl/8.5.0", true)]
    [InlineData("python-requests/2.32", true)]
    [InlineData("Mozilla/5.0 (compatible; Googlebot/2.1)", true)]
    [InlineData("BarracudaCentral Link Scanner", true)]
    public void User_agents(string agent, bool program) =>
        Automation.Judge([new(MessageEventKind.Opened, 60_000, agent)], 0).ShouldBe([program]);

    [Fact]
    public void What_comes_with_the_delivery_is_a_scanner()
    {
        Automation.Judge([Click(1_500, "a"), Click(40_000, "a")], 0).ShouldBe([true, false]);
        Automation.Judge([Click(1_500, "a")], null).ShouldBe([false], "Without a time of delivery there is nothing to compare with.");
    }

    [Fact]
    public void Clicks_on_many_links_at_once_are_a_scanner()
    {
        Automation.Judge([Click(90_000, "a"), Click(90_900, "b"), Click(92_000, "c"), Click(200_000, "a")], 0).ShouldBe([true, true, true, false]);
        Automation.Judge([Click(90_000, "a"), Click(90_900, "b"), Click(91_000, "a")], 0).ShouldBe([false, false, false], "Two links are a person in doubt.");
        Automation.Judge([Click(90_000, "a"), Click(93_000, "b"), Click(96_100, "c")], 0).ShouldBe([false, false, false]);
    }

    [Fact]
    public void A_vendor_is_believed() =>
        Automation.Judge([new(MessageEventKind.Opened, 10), new(MessageEventKind.Opened, 10, Machine: true)], 0).ShouldBe([false, true]);

    [Fact]
    public void A_later_click_shows_that_earlier_ones_were_a_scanners()
    {
        var recipient = new Recipient { CustomerId = "c", Status = MessageStatus.Sent, SentAt = 0 };
        foreach (var (at, link) in new[] { (60_000L, "a"), (60_100L, "b") })
        {
            recipient = Ledger.Fold(recipient, new(MessageStatus.Delivered, at, Accepted: true, Event: Click(at, link)));
        }

        (recipient.ClickedAt, recipient.AutoClickedAt).ShouldBe((60_000, null));
        recipient = Ledger.Fold(recipient, new(MessageStatus.Delivered, 60_200, Accepted: true, Event: Click(60_200, "c")));
        (recipient.ClickedAt, recipient.AutoClickedAt).ShouldBe((null, 60_000));
        recipient = Ledger.Fold(recipient, new(MessageStatus.Delivered, 90_000, Accepted: true, Event: Click(90_000, "b")));
        (recipient.ClickedAt, recipient.AutoClickedAt).ShouldBe((90_000, 60_000));
    }

    [Fact]
    public void Events_in_any_order_and_number_are_the_same_set()
    {
        var random = new Random(5);
        var events = Enumerable.Range(0, 45).Select(_ => Click(random.Next(100) * 500, "abc"[random.Next(3)].ToString())).ToList();
        IReadOnlyList<MessageEvent>? Of(IEnumerable<MessageEvent> some) => some.Aggregate((IReadOnlyList<MessageEvent>?)null, MessageEvent.Add);
        var once = Of(events)!;
        once.Count.ShouldBeLessThanOrEqualTo(30);
        for (var i = 0; i < 20; i++)
        {
            var shuffled = events.Concat(events.Take(10)).ToArray();
            random.Shuffle(shuffled);
            Of(shuffled)!.ShouldBe(once);
        }
    }

    private static MessageEvent Click(long at, string link) => new(MessageEventKind.Clicked, at, Browser, link);
}
