using System.Text.Json.Nodes;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>Who customers are: where they live, what they agreed to, how they are scored and tagged.</summary>
internal sealed partial class SentenceReader
{
    private static readonly (string Phrase, string Channel)[] ChannelWords =
    [
        ("push notifications", "push"), ("push messages", "push"), ("push", "push"), ("text messages", "sms"), ("text message", "sms"), ("texts", "sms"), ("texting", "sms"), ("sms", "sms"), ("whatsapp", "whatsapp"), ("whats app", "whatsapp"),
        ("e mails", "email"), ("e mail", "email"), ("emails", "email"), ("email", "email"), ("emailing", "email"), ("mailing", "email"), ("mail", "email"),
    ];

    private static readonly string[] Granted =
    [
        "opted in", "opted into", "opt in", "opt into", "opting in", "opts in", "subscribed", "subscribe", "subscribes", "consented", "consent", "agreed", "agree", "accept", "accepts", "accepted", "allow", "allows", "allowed", "contactable", "reachable", "can be contacted", "can be reached", "can be",
        "permission", "granted", "want to receive", "may be contacted", "we can contact", "we may contact", "marketable",
    ];

    private static readonly string[] Withdrawn =
    [
        "opted out", "opt out", "opting out", "opted", "unsubscribed", "unsubscribe", "withdrew", "withdrawn", "revoked", "declined", "refused",
    ];

    private (string Channel, int Length)? ChannelAt(int at)
    {
        foreach (var (phrase, channel) in ChannelWords)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                return (channel, length);
            }
        }

        return null;
    }

    private Draft? Consent(ref int at, bool negated)
    {
        var start = at;

        // "SMS consent", "email opt-in", "whatsapp subscribers"
        if (ChannelAt(at) is { } before)
        {
            var next = at + before.Length;
            next += words.Any(next, "marketing", "contact");
            var yes = words.Any(next, "consent", "opt in", "opt ins", "permission", "subscribers", "subscriber", "subscription", "opted in");
            var no = words.Any(next, "opt out", "opt outs", "unsubscribers", "unsubscribes", "opted out");
            if (yes + no > 0)
            {
                at = next + yes + no;
                at += words.Any(at, "withdrawn", "was withdrawn", "is withdrawn") is > 0 and var withdrawn ? withdrawn : 0;
                return With(Draft.Test("consent." + before.Channel, "=", no > 0 || at > next + yes + no ? "withdrawn" : "granted"), negated);
            }
        }

        var out_ = words.Any(at, Withdrawn);
        var in_ = words.Any(at, Granted);
        if (out_ == 0 && in_ == 0)
        {
            return null;
        }

        var isOut = out_ > in_ || (out_ > 0 && in_ == 0);
        at += isOut ? out_ : in_;
        while (words.Any(at, "to receiving", "to receive", "to getting", "to get", "their", "consent for", "consent to", "consent", "permission for", "permission", "out of", "of", "from", "to", "for", "by", "via", "through", "on", "our", "the", "any", "marketing", "receiving", "contact", "contacted", "reached", "with") is > 0 and var between)
        {
            at += between;
        }

        if (words.Text(at) is "newsletter" or "newsletters" && BooleanAttribute(at) is { } flag)
        {
            at += flag.Length;
            return With(Draft.Test("attributes." + flag.Known.Key, "=", !isOut), negated);
        }

        at += words.Any(at, "newsletter", "newsletters") is > 0 and var letter ? letter : 0;
        var channels = new List<string>();
        var any = false;
        while (ChannelAt(at) is { } channel)
        {
            channels.Add(channel.Channel);
            at += channel.Length;
            at += words.Any(at, "marketing", "messages", "notifications", "newsletters", "newsletter", "communication", "communications");
            var next = at + (at < words.Count && words[at].Kind == TokenKind.Comma ? 1 : 0);
            var joint = words.Any(next, "and or", "or", "and", "nor", "&", "/");
            next += joint;
            next += words.Any(next, "from", "by", "to", "via", "of", "for");
            if (next == at || ChannelAt(next) is null)
            {
                break;
            }

            any |= joint > 0 && words.Text(next - 1) is not "and" && words.Any(at, "and") == 0 && words.Any(at + 1, "and") == 0;
            at = next;
        }

        if (channels.Count == 0)
        {
            if (in_ > 0 && !isOut && words.Any(start, "opted in", "opt in", "subscribed", "consented", "contactable", "reachable") == 0)
            {
                return null;
            }

            channels.Add("email");
            Note(start, at, "taken as consent to email; name the channel to mean another");
        }

        Draft[] tests = [.. channels.Select(c => With(Draft.Test("consent." + c, "=", isOut ? "withdrawn" : "granted"), negated))];
        return any != negated && any ? Draft.Any(tests) : Draft.All(tests);
    }

    private (Known Known, int Length)? BooleanAttribute(int at) =>
        vocabulary.Find(words.Tokens, at, k => k is { Kind: WordKind.Attribute, Type: Customers.AttributeType.Boolean });

    /// <summary>An attribute that is true or false, by its name alone.</summary>
    private DraftTest? Flag(ref int at, bool negated)
    {
        var start = at;
        at += words.Any(at, "get the", "get our", "receive the", "has", "have", "is", "are", "with");
        if (BooleanAttribute(at) is not { } flag)
        {
            at = start;
            return null;
        }

        at += flag.Length;
        var value = true;
        if (words.Any(at, "is not true", "is false", "= false", "false", "is no", "off") is > 0 and var no)
        {
            (value, at) = (false, at + no);
        }
        else
        {
            at += words.Any(at, "is true", "= true", "true", "is yes", "is set", "yes");
        }

        return negated ? Draft.Test("attributes." + flag.Known.Key, "!=", value) : Draft.Test("attributes." + flag.Known.Key, "=", value);
    }

    private static readonly (string Phrase, string Name)[] ScoreNames =
    [
        .. RfmScores.Names.Where(n => n is not "New Customers").Select(n => (Phrase: string.Join(' ', Tokenizer.Read(n).Select(t => t.Text)), Name: n)).OrderByDescending(n => n.Phrase.Length),
        ("champion", "Champions"), ("cant lose them", "Can't Lose Them"), ("loyalists", "Loyal Customers"), ("loyal", "Loyal Customers"), ("needing attention", "Need Attention"), ("needs attention", "Need Attention"), ("hibernators", "Hibernating"), ("potential loyalist", "Potential Loyalists"),
    ];

    private Draft? ScoreName(ref int at, bool negated)
    {
        foreach (var (phrase, name) in ScoreNames)
        {
            if (words.Matches(at, phrase) is > 0 and var length)
            {
                at += length;
                at += words.Any(at, "of churning", "of leaving", "of churn", "of being lost", "of lapsing", "customers", "customer", "segment");
                return With(Draft.Test("rfm.segment", "=", name), negated);
            }
        }

        return null;
    }

    private Draft? Place(ref int at, bool negated)
    {
        var start = at;
        var outside = words.Any(at, "outside of", "outside", "not in", "not from", "anywhere but", "not based in", "not living in");
        at += outside > 0 ? outside : Preposition(at);
        if (at == start)
        {
            return null;
        }

        var places = new List<Draft>();
        while (OnePlace(ref at, prefixed: places.Count == 0) is { } place)
        {
            places.Add(place);
            var next = at + (at < words.Count && words[at].Kind == TokenKind.Comma ? 1 : 0);
            next += words.Any(next, "and or", "or", "and", "nor", "&", "/");
            next += Preposition(next);
            var probe = next;
            var ambiguities = Ambiguities.Count;
            var more = next > at && DeedAt(next) is null && OnePlace(ref probe, prefixed: false) is not null;
            Ambiguities.RemoveRange(ambiguities, Ambiguities.Count - ambiguities);
            if (!more)
            {
                break;
            }

            at = next;
        }

        return places.Count == 0 ? null : With(Draft.Simplify(Draft.Any([.. places])), negated != outside > 0);
    }

    private int Preposition(int at) => words.Any(
        at, "who live in", "that live in", "live in or near", "lives in", "live in", "living in", "located in", "based in", "residing in", "resident in", "residents of", "located", "coming from", "come from", "comes from", "based out of", "from the city of", "in the city of", "in the state of", "in", "from", "near", "around", "of", "at");

    /// <param name="prefixed">"In Springfield" is a place, known or not.</param>
    private DraftTest? OnePlace(ref int at, bool prefixed)
    {
        var start = at;
        at += words.Any(at, "the");
        var known = vocabulary.Find(words.Tokens, at, k => k.Kind is WordKind.City)
            ?? vocabulary.Find(words.Tokens, at, k => k.Kind is WordKind.Region)
            ?? vocabulary.Find(words.Tokens, at, k => k.Kind is WordKind.Country);
        var country = Places.Country(words.Tokens, at);
        if (country is { } found && (known is null || known.Value.Known.Kind == WordKind.Country || known.Value.Length < found.Length))
        {
            at += found.Length;
            return Country(found.Code);
        }

        if (known is { } hit)
        {
            at += hit.Length;
            at += words.Any(at, "city", "region", "state", "area");
            return Draft.Test(hit.Known.Kind.ToString().ToLowerInvariant(), "=", hit.Known.Value);
        }

        // A name that no customer in the sample has.
        if (prefixed && at < words.Count && words[at].Kind == TokenKind.Word && char.IsUpper(words[at].Original[0]) && words.Text(at - 1) is "in" or "near" && !IsMonth(at))
        {
            var end = at + 1;
            while (end < words.Count && words[end].Kind == TokenKind.Word && char.IsUpper(words[end].Original[0]) && words.Any(end, "or", "and") == 0)
            {
                end++;
            }

            var name = string.Join(' ', words.Tokens.Skip(at).Take(end - at).Select(t => t.Original));
            Note(at, end, $"taken as the city {name}, which no customer looked at has");
            at = end;
            return Draft.Test("city", "=", name);
        }

        at = start;
        return null;
    }

    private bool IsMonth(int at) => times.Date(at) is not null;

    /// <summary>By the workspace's own spellings of it, where there are any.</summary>
    private DraftTest Country(string code)
    {
        var spellings = vocabulary.Countries.Where(c => Places.IsCountry(c, code)).Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.Ordinal).ToArray();
        return spellings.Length > 1
            ? Draft.Test("country", "in", new JsonArray([.. spellings.Select(s => JsonValue.Create(s))]))
            : Draft.Test("country", "=", spellings.Length == 1 ? spellings[0] : code);
    }

    private Draft? Language(ref int at, bool negated)
    {
        var speak = words.Any(at, "who speak", "speaking", "speak", "speaks", "language is", "language =", "language");
        if (speak > 0 && Places.Language(words.Text(at + speak)) is { } spoken)
        {
            at += speak + 1;
            return With(Draft.Test("language", "beginsWith", spoken), negated);
        }

        if (Places.Language(words.Text(at)) is { } code && words.Any(at + 1, "speaking", "speakers", "speaker", "language") is > 0 and var noun)
        {
            at += 1 + noun;
            return With(Draft.Test("language", "beginsWith", code), negated);
        }

        return null;
    }

    private Draft? Tagged(ref int at, bool negated)
    {
        var start = at;
        var lead = words.Any(at, "tagged as", "tagged with", "tagged", "labelled as", "labelled", "labeled as", "labeled", "marked as", "with the tags", "with the tag", "with tags", "with tag", "the tags", "the tag", "have the tag", "has the tag", "tags", "tag", "carrying the tag", "carry the tag", "flagged as", "flagged");
        if (lead == 0)
        {
            var inSegment = words.Any(at, "in the segment", "in segment", "members of the segment", "members of segment", "members of", "in the", "part of the segment", "part of");
            if (inSegment > 0 && vocabulary.Find(words.Tokens, at + inSegment, k => k.Kind == WordKind.Segment) is { } segment)
            {
                at += inSegment + segment.Length;
                at += words.Any(at, "segment", "segments");
                return With(Draft.Test("segments", "contains", segment.Known.Value), negated);
            }

            return null;
        }

        at += lead;
        at += words.Any(at, "is not", "is", "are", "contains", "contain", "include", "includes", "=");
        if (words.Any(start, "tagged", "tags") > 0 && words.Text(at - 1) == "not")
        {
            negated = !negated;
        }

        var tags = new List<Draft>();
        var any = true;
        while (at < words.Count)
        {
            var known = vocabulary.Find(words.Tokens, at, k => k.Kind == WordKind.Tag);
            if (known is { } tag)
            {
                tags.Add(Draft.Test("tags", "contains", tag.Known.Value));
                at += tag.Length;
            }
            else if (tags.Count == 0 && words[at].Kind is TokenKind.Word or TokenKind.Quoted)
            {
                if (words[at].Kind == TokenKind.Word)
                {
                    Note(at, at + 1, "no customer looked at has this tag");
                }

                tags.Add(Draft.Test("tags", "contains", words[at].Original));
                at++;
            }
            else
            {
                break;
            }

            var next = at + (at < words.Count && words[at].Kind == TokenKind.Comma ? 1 : 0);
            var joint = words.Any(next, "or", "and", "nor", "/");
            next += joint;
            next += words.Any(next, "tagged", "with the tag", "the tag");
            if (next == at || vocabulary.Find(words.Tokens, next, k => k.Kind == WordKind.Tag) is null)
            {
                break;
            }

            any &= !(joint > 0 && words.Any(at, "and") > 0);
            at = next;
        }

        return tags.Count == 0 ? null : With(Draft.Simplify(any ? Draft.Any([.. tags]) : Draft.All([.. tags])), negated);
    }
}
