using System.Text.RegularExpressions;

namespace XenoCrm.Insights;

/// <summary>What a message is for.</summary>
public enum Purpose
{
    WinBack,
    Welcome,
    Birthday,
    NewProduct,
    Thanks,
    Feedback,
    Event,
    Offer,
    Remind,
}

/// <summary>Reads what a goal asks for: what for, and what is offered.</summary>
internal static partial class Offers
{
    private static readonly (Purpose Purpose, string[] Words)[] Purposes =
    [
        (Purpose.WinBack, ["win back", "win-back", "winback", "reactivat", "come back", "bring back", "bring them back", "re-engage", "reengage", "miss you", "lapsed", "return"]),
        (Purpose.Welcome, ["welcome", "onboard", "first order", "first purchase", "introduc"]),
        (Purpose.Birthday, ["birthday"]),
        (Purpose.NewProduct, ["new product", "new collection", "launch", "new arrival", "new range", "announce", "new line", "new season"]),
        (Purpose.Feedback, ["feedback", "review", "survey", "opinion", "rate us", "rating"]),
        (Purpose.Event, ["event", "invite", "invitation", "webinar", "opening", "workshop"]),
        (Purpose.Thanks, ["thank", "loyal", "reward", "appreciat"]),
        (Purpose.Offer, ["off", "discount", "sale", "promo", "deal", "offer", "coupon", "voucher", "free shipping"]),
    ];

    public static Purpose PurposeOf(string goal, Occasion occasion) =>
        Array.Find(Purposes, p => p.Words.Any(w => goal.Contains(w, StringComparison.OrdinalIgnoreCase))) is { Words: not null } found ? found.Purpose
        : occasion switch
        {
            Occasion.Lapsed or Occasion.Silent => Purpose.WinBack, Occasion.New or Occasion.NeverBought => Purpose.Welcome, Occasion.Birthday => Purpose.Birthday,
            Occasion.Best or Occasion.Loyal => Purpose.Thanks, _ => Purpose.Remind,
        };

    /// <summary>"10% off", "free shipping", "20 EUR off": as it is said.</summary>
    public static string? In(string text) => Offer().Match(text) is { Success: true, Value: var offer } ? offer.Trim() : null;

    /// <summary>"code SPRING20".</summary>
    public static string? CodeIn(string text) => Code().Match(text) is { Success: true } match ? match.Groups["code"].Value : null;

    public static string? LinkIn(string text) => Link().Match(text) is { Success: true, Value: var link } ? link.TrimEnd('.', ',', ')', '!') : null;

    [GeneratedRegex(@"(?i)(?:[$€£₹]\s?)?\b?\d+(?:[.,]\d+)?\s?(?:%|percent|usd|eur|gbp|inr|chf|dollars|euros|rupees)?\s+(?:off|discount)|free (?:shipping|delivery|returns|gift|sample|trial)|(?:buy|two|2) (?:one|1|for) (?:get one|one|1)(?: free)?|half price")]
    private static partial Regex Offer();

    [GeneratedRegex(@"(?i:\b(?:code|coupon|voucher)\s*:?\s+)(?<code>[A-Z0-9][A-Z0-9_-]{2,19})\b")]
    private static partial Regex Code();

    [GeneratedRegex(@"https?://[^\s<>""']+")]
    private static partial Regex Link();
}
