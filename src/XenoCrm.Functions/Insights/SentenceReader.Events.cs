using System.Text.Json.Nodes;

namespace XenoCrm.Insights;

/// <summary>What customers did or did not do: how often, when, for how much, of what.</summary>
internal sealed partial class SentenceReader
{
    private enum Deed
    {
        Order,
        Spend,
        Visit,
        BeActive,
        Open,
        Click,
        Receive,
        BeSent,
        Join,
        Update,
    }

    private static readonly (string Phrase, Deed Deed, bool Not)[] Deeds =
    [
        .. Of(Deed.Order, "placed an order", "placed any order", "placed orders", "place an order", "placed their order", "made a purchase", "made any purchase", "made purchases", "make a purchase", "made an order", "bought anything", "ordered", "order", "orders", "ordering", "bought", "buy", "buys", "buying", "purchased", "purchase",
            "purchases", "purchasing", "shopped", "shop", "shops", "transacted", "transaction", "transactions", "checked out", "ordercount", "order count", "number of orders", "number of purchases", "total orders"),
        .. Of(Deed.Spend, "lifetime spend", "lifetime spending", "lifetime value", "total spend", "total spending", "total revenue", "total purchases worth", "overall spend", "ltv", "clv", "spent", "spend", "spends", "spending", "paid", "totalspend", "spenders", "revenue"),
        .. Of(Deed.Visit, "visited", "visit", "visits", "visiting", "dropped by", "stopped by", "came by", "walked in", "number of visits"),
        .. Of(Deed.BeActive, "been active", "active", "been seen", "been back", "come back", "came back", "been around", "been with us", "returned", "seen", "used us", "engaged", "shown up", "showed up", "interacted", "any activity", "activity"),
        .. Of(Deed.BeActive, "been inactive", "inactive", "gone quiet", "went quiet", "been quiet", "gone silent", "went silent", "been silent", "gone dark", "gone cold", "fallen silent", "dormant").Select(d => d with { Not = true }),
        .. Of(Deed.Open, "opened", "open", "opens", "openers", "opening"),
        .. Of(Deed.Click, "clicked on", "clicked", "click", "clicks", "clickers", "clicking"),
        .. Of(Deed.Receive, "received", "receive", "receives", "delivered", "been delivered"),
        .. Of(Deed.BeSent, "were sent", "was sent", "been sent", "we sent"),
        .. Of(Deed.Join, "signed up", "sign up", "signup", "signups", "sign ups", "joined", "join", "joining", "registered", "register", "registering", "enrolled", "became a customer", "became customers", "become customers", "became clients", "customers since", "customer since", "clients since", "created", "onboarded", "been customers", "been a customer"),
        .. Of(Deed.Update, "updated", "last updated", "changed"),
    ];

    private static IEnumerable<(string Phrase, Deed Deed, bool Not)> Of(Deed deed, params string[] phrases) => phrases.Select(p => (p, deed, false));

    /// <summary>What an elided phrase goes on about: "ordered more than 5 times, but not since May".</summary>
    private (List<Deed> Deeds, List<string> Categories)? latest;

    private sealed class What
    {
        public List<Deed> Deeds { get; } = [];

        public bool AnyDeed { get; set; }

        public bool Not { get; set; }

        public List<string> Categories { get; } = [];

        public bool AllCategories { get; set; }

        public Quantity? Count { get; set; }

        public Quantity? Amount { get; set; }

        public TimeSpec? Time { get; set; }

        public bool First { get; set; }

        public bool Last { get; set; }

        public bool Average { get; set; }

        public bool Much { get; set; }
    }

    private (Deed Deed, bool Not, int Length)? DeedAt(int at)
    {
        (Deed, bool, int)? best = null;
        foreach (var (phrase, deed, not) in Deeds)
        {
            if (words.Matches(at, phrase) is > 0 and var length && (best is null || length > best.Value.Item3))
            {
                best = (deed, not, length);
            }
        }

        return best;
    }

    private Draft? Event(ref int at, bool negated)
    {
        var what = new What { Not = negated };
        var start = at;
        while (words.Any(at, "last", "most recent", "latest", "first", "ever", "even", "at least once", "recently", "actually", "already") is > 0 and var adverb)
        {
            what.Last |= words.Text(at) is "last" or "most" or "latest";
            what.First |= words.Text(at) == "first";
            if (words.Text(at) == "recently")
            {
                what.Time = times.Read(at);
            }

            at += adverb;
        }

        if (DeedAt(at) is not { } deed || (deed.Deed == Deed.Order && words.Text(at) == "order" && words.Text(at + 1) == "value"))
        {
            return null;
        }

        // "active consent", "open rate" are something else.
        what.Deeds.Add(deed.Deed);
        what.Not ^= deed.Not;
        at += deed.Length;
        while (words.Any(at, "or", "and", "nor", "/") is > 0 and var joint && DeedAt(at + joint) is { } other && !other.Not && other.Deed != deed.Deed)
        {
            what.AnyDeed |= words.Text(at) != "and";
            what.Deeds.Add(other.Deed);
            at += joint + other.Length;
        }

        Modifiers(ref at, what);
        latest = (what.Deeds, what.Categories);
        return Build(what, start, at);
    }

    private static readonly string[] Between =
    [
        "something", "anything", "any", "some", "is", "was", "were", "has been", "of", "the", "a", "an", "their", "his", "our", "us", "with us", "from us", "at us", "in total", "total", "overall", "altogether", "products", "product", "items", "item",
        "things", "online", "already", "ever", "so far", "again", "date", "from", "on", "in", "for", "worth", "that", "both", "one of", "email", "emails", "messages", "message", "sms", "texts", "text", "mail", "mails", "newsletter", "newsletters", "campaign", "campaigns", "any of our", "link", "links",
        "whatsapp", "push", "notification", "notifications", "e", "the store", "store", "shop", "website", "goods", "gear", "stuff", "a total of", "equals", "made", "yet", "order", "orders", "least", "anyone", "placed", "to", "by", "s", "have", "been", "at", "back", "up", "out",
    ];

    private void Modifiers(ref int at, What what)
    {
        while (true)
        {
            // What only fills is passed when something follows that belongs to the deed.
            var here = at;
            var next = Modifier(ref here, what);
            while (!next && words.Any(here, Between) is > 0 and var filler)
            {
                here += filler;
                next = Modifier(ref here, what);
            }

            if (!next)
            {
                return;
            }

            at = here;
        }
    }

    private bool Modifier(ref int at, What what)
    {
        if (words.Any(at, "nothing", "none", "never", "zero times", "no times", "zero") is > 0 and var nothing && !(words.Text(at) == "never" && DeedAt(at + 1) is not null))
        {
            what.Not = true;
            at += nothing;
            return true;
        }

        if (words.Any(at, "on average", "average of", "an average of", "per order", "average", "avg") is > 0 and var average)
        {
            what.Average = true;
            at += average;
            return true;
        }

        if (words.Any(at, "a lot of money", "a lot", "lots", "heavily", "plenty", "big", "often", "frequently", "regularly", "very much") is > 0 and var much)
        {
            what.Much = true;
            at += much;
            return true;
        }

        if (what.Categories.Count == 0 && what.Deeds.Exists(d => d is Deed.Order or Deed.Spend) && Categories(ref at, what))
        {
            return true;
        }

        if (what.Time is null && times.Read(at, what.Not) is { } time)
        {
            what.Time = time;
            if (time.Note is { } note)
            {
                Note(at, at + time.Length, note);
            }

            at += time.Length;
            return true;
        }

        var open = at < words.Count && words[at].Kind == TokenKind.Open ? 1 : 0;
        if (Quantities.Read(words, at + open) is { } quantity && (open == 0 || (at + open + quantity.Length < words.Count && words[at + open + quantity.Length].Kind == TokenKind.Close)))
        {
            var end = at + quantity.Length + (2 * open);
            if (words.Any(end, "years old", "years of age", "year old", "year olds") > 0)
            {
                return false;
            }

            var noun = words.Any(end, "different orders", "separate orders", "orders", "order", "purchases", "purchase", "transactions", "items", "products", "visits", "emails", "email", "messages", "message", "mails", "texts", "campaigns", "links", "pairs of", "pieces", "of our emails", "of them");
            var isAmount = what.Deeds[0] == Deed.Spend ? !quantity.Times && noun == 0
                : what.Deeds[0] == Deed.Order && !quantity.Times && noun == 0 && (quantity.Currency is not null || words.Text(at - 1) is "for" or "worth" or "of" || (quantity.Said && quantity.Value >= 100));
            if (isAmount ? what.Amount is not null : what.Count is not null)
            {
                return false;
            }

            if (isAmount)
            {
                what.Amount = quantity;
            }
            else
            {
                what.Count = quantity;
            }

            NoteQuantity(quantity, at, end);
            at = end + noun;
            return true;
        }

        return false;
    }

    private void NoteQuantity(Quantity quantity, int from, int to)
    {
        if (quantity.About)
        {
            Note(from, to, $"from {quantity.Value:0.##} to {quantity.Upper:0.##}");
        }

        if (quantity.Currency is { } given && CodeOf(given) is { } code && code != currency)
        {
            Note(from, to, $"amounts are in {currency}; nothing was converted");
        }
    }

    private static string? CodeOf(string sign) => sign switch
    {
        "$" or "usd" or "dollar" or "dollars" or "bucks" => "USD", "€" or "eur" or "euro" or "euros" => "EUR", "£" or "gbp" or "pounds" => "GBP", "₹" or "rs" or "inr" or "rupees" => "INR", "chf" => "CHF", _ => null,
    };

    private bool Categories(ref int at, What what)
    {
        var (here, found) = (at, 0);
        var first = vocabulary.Find(words.Tokens, here, k => k.Kind == WordKind.Category);
        while (first is { } hit)
        {
            what.Categories.Add(hit.Known.Value);
            here += hit.Length;
            found++;
            var (separator, and) = (here, false);
            if (separator < words.Count && words[separator].Kind == TokenKind.Comma)
            {
                separator++;
            }

            var joint = words.Any(separator, "and or", "or", "and", "nor", "&", "/");
            and = joint > 0 && words.Text(separator) is "and" or "&";
            separator += joint;
            separator += words.Any(separator, "any", "some", "the", "also");
            first = separator > here ? vocabulary.Find(words.Tokens, separator, k => k.Kind == WordKind.Category) : null;
            if (first is not null)
            {
                what.AllCategories |= and;
                here = separator;
            }
        }

        at = here;
        return found > 0;
    }

    /// <summary>"More than 5 orders", "no visits", "twice or more bought …", "10+ opens".</summary>
    private Draft? Counted(ref int at, bool negated)
    {
        if (Quantities.Read(words, at) is not { } quantity)
        {
            return null;
        }

        var start = at;
        var end = at + quantity.Length;
        if (words.Any(end, "years old", "years of age", "year olds", "year old", "s in", "s") is > 0 and var age && IsAge(quantity) && (words.Text(end) != "s" || quantity.Value >= 18))
        {
            NoteQuantity(quantity, start, end);
            at = end + (words.Matches(end, "s in") > 0 ? 1 : age);
            return With(Age(quantity), negated);
        }

        if (vocabulary.Find(words.Tokens, end, k => k is { Kind: WordKind.Attribute, Type: Customers.AttributeType.Number }) is { } attribute)
        {
            at = end + attribute.Length;
            return With(quantity.Of("attributes." + attribute.Known.Key), negated);
        }

        var here = end + words.Any(end, "different", "separate", "of the", "of", "email", "sms", "store");
        if (DeedAt(here) is { Not: false } deed && (quantity.Times || words.Text(here) is "orders" or "order" or "purchases" or "purchase" or "transactions" or "visits" or "visit" or "opens" or "clicks" or "spend" or "spent" or "revenue" or "signups"))
        {
            var what = new What { Not = negated, Count = deed.Deed == Deed.Spend ? null : quantity, Amount = deed.Deed == Deed.Spend ? quantity : null };
            what.Deeds.Add(deed.Deed);
            at = here + deed.Length;
            Modifiers(ref at, what);
            NoteQuantity(quantity, start, end);
            latest = (what.Deeds, what.Categories);
            return Build(what, start, at);
        }

        if (words.Any(here, "emails", "messages", "mails") is > 0 and var messages && quantity.Said)
        {
            at = here + messages;
            return With(quantity.Of("engagement.delivered"), negated);
        }

        return null;
    }

    /// <summary>A time or a quantity on its own is about what was said before.</summary>
    private Draft? Elided(ref int at, bool negated)
    {
        var start = at;
        var what = new What { Not = negated };
        what.Deeds.AddRange(latest?.Deeds ?? [Deed.BeActive]);
        what.Categories.AddRange(latest?.Categories ?? []);
        if (times.Read(at, negated) is { } time)
        {
            what.Time = time;
            at += time.Length;
            if (time.Note is { } note)
            {
                Note(start, at, note);
            }
        }
        else if (latest is not null && Quantities.Read(words, at) is { Said: true } quantity)
        {
            at += quantity.Length;
            NoteQuantity(quantity, start, at);
            var isAmount = what.Deeds[0] == Deed.Spend || quantity.Currency is not null;
            what.Amount = isAmount ? quantity : null;
            what.Count = isAmount ? null : quantity;
        }
        else
        {
            return null;
        }

        return Build(what, start, at);
    }

    private static bool IsAge(Quantity quantity) => quantity.Upper <= 150;

    private DraftTest Age(Quantity age)
    {
        var (low, high) = ((int)age.Value, (int)age.Upper);
        DateOnly Born(int years) => today.AddYears(-years);
        string Text(DateOnly day) => day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        return age.Op switch
        {
            ">" => Draft.Test("birthday", "before", Text(Born(low))),
            ">=" => Draft.Test("birthday", "<=", Text(Born(low))),
            "<" => Draft.Test("birthday", "after", Text(Born(low))),
            "<=" => Draft.Test("birthday", "after", Text(Born(low + 1))),
            _ => Draft.Test("birthday", "between", new JsonArray(Text(Born(high + 1).AddDays(1)), Text(Born(low)))),
        };
    }
}
