using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>Something in a sentence that can be read in two ways, and how it was read.</summary>
/// <param name="Text">What was said.</param>
/// <param name="Reading">What it was taken for.</param>
public sealed record Ambiguity(string Text, string Reading);

/// <summary>
/// Reads what people say of customers as a rule. Two levels: phrases ("haven't bought shoes in 6 months"), each of which is a
/// comparison or a few, and what joins them. <c>And</c> binds tighter than <c>or</c>, as everywhere; but alternatives of one kind
/// belong together ("in Berlin or Munich"), and a comma, "but" and a new sentence part what stands on both sides.
/// </summary>
internal sealed partial class SentenceReader(Phrases words, Vocabulary vocabulary, DateOnly today, string currency)
{
    /// <summary>Ordered from tight to loose.</summary>
    private enum Link
    {
        None,
        And,
        Or,
        CommaOr,
        Comma,
        Apart,
    }

    private sealed record Item(Link Link, Draft Draft, bool Tight);

    private readonly TimeWords times = new(words, today);

    public List<Ambiguity> Ambiguities { get; } = [];

    /// <summary>Words that mean nothing here.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Null when nothing was understood.</summary>
    public Draft? Read()
    {
        var at = 0;
        return Group(ref at, nested: false, exception: false);
    }

    private void Note(int from, int to, string reading) => Ambiguities.Add(new(Said(from, to), reading));

    private string Said(int from, int to) => string.Join(' ', words.Tokens.Skip(from).Take(to - from).Select(t => t.Original).Distinct());

    private Draft? Group(ref int at, bool nested, bool exception)
    {
        var items = new List<Item>();
        var link = Link.None;
        bool negated = false, tight = false, either = false, carries = false, neither = false;
        var since = at;
        while (at < words.Count)
        {
            var token = words[at];
            if (token.Kind == TokenKind.Close)
            {
                at++;
                if (nested)
                {
                    break;
                }

                continue;
            }

            if (exception && items.Count > 0 && (token.Kind is TokenKind.Comma or TokenKind.Stop || words.Any(at, "but", "who spent") > 0) && !ContinuesList(at, items))
            {
                break;
            }

            if (token.Kind == TokenKind.Open)
            {
                at++;
                if (Group(ref at, nested: true, exception: false) is { } inner)
                {
                    Add(With(inner, negated));
                    negated = false;
                }

                continue;
            }

            if (Connector(ref at, ref link, ref negated, ref either, ref neither, out var isExcept))
            {
                if (isExcept)
                {
                    if (Group(ref at, nested: false, exception: true) is { } excluded)
                    {
                        items.Add(new(Link.Comma, excluded.Not(), false));
                    }

                    (link, negated) = (Link.None, false);
                }
                else if (link is Link.Or && either)
                {
                    (tight, either) = (true, false);
                }

                since = at;
                continue;
            }

            // "never opened or clicked": what is not said again holds for both.
            var carried = carries && link == Link.Or && !negated && at == since;
            var phraseAt = at;
            if (Phrase(ref at, negated || carried || neither, out var usedNot) is { } draft)
            {
                if (carried || (neither && link == Link.Or))
                {
                    link = Link.And;
                }

                Add(draft);
                carries = usedNot;
                negated = false;
                continue;
            }

            at = phraseAt;
            if (!IsFiller(at))
            {
                Unknown.Add(words[at].Original);
            }

            if (words.Text(at) is "who" or "that" or "customers" or "people" or "those" or "whose")
            {
                since = -1;
            }

            at++;
        }

        return Join(items, exception);

        void Add(Draft draft)
        {
            items.Add(new(items.Count == 0 ? Link.None : link, draft, tight));
            (link, tight) = (Link.None, false);
        }
    }

    /// <summary>"except Berlin, Hamburg and Bonn": the comma does not end what is excepted.</summary>
    private bool ContinuesList(int at, List<Item> items)
    {
        if (words[at].Kind != TokenKind.Comma)
        {
            return false;
        }

        var (next, ambiguities) = (at + 1, Ambiguities.Count);
        next += words.Any(next, "or", "and");
        var draft = Phrase(ref next, false, out _);
        Ambiguities.RemoveRange(ambiguities, Ambiguities.Count - ambiguities);
        return draft is not null && draft.Kind == items[^1].Draft.Kind;
    }

    private bool Connector(ref int at, ref Link link, ref bool negated, ref bool either, ref bool neither, out bool except)
    {
        except = false;
        var token = words[at];
        if (token.Kind == TokenKind.Comma)
        {
            link = Max(link, Link.Comma);
            at++;
            return true;
        }

        if (token.Kind == TokenKind.Stop)
        {
            link = Link.Apart;
            at++;
            return true;
        }

        if (words.Any(at, "except for", "except", "excluding", "exclude", "excludes", "apart from", "other than", "aside from", "leaving out", "leave out", "minus", "unless", "barring") is > 0 and var excepting)
        {
            at += excepting;
            except = true;
            return true;
        }

        if (words.Any(at, "and or", "or", "nor", "alternatively", "/") is > 0 and var or)
        {
            link = link is Link.Comma or Link.Apart ? Link.CommaOr : Link.Or;
            negated |= words.Text(at) == "nor";
            link = words.Text(at) == "nor" ? Link.And : link;
            at += or;
            return true;
        }

        if (words.Any(at, "as well as", "and also", "and", "plus", "also", "&", "additionally", "furthermore") is > 0 and var and)
        {
            link = Max(link, Link.And);
            at += and;
            return true;
        }

        // At the end of what is said, "yet" and "still" join nothing.
        if (words.Any(at, "but rather", "but still", "but also", "but", "yet", "though", "although", "however", "whereas", "despite", "even though") is > 0 and var but && at + but < words.Count)
        {
            link = Link.Apart;
            at += but;
            return true;
        }

        if (words.Any(at, "either") > 0)
        {
            either = true;
            at++;
            return true;
        }

        if (words.Any(at, "neither") > 0)
        {
            neither = true;
            at++;
            return true;
        }

        if (words.Any(at, "not a single", "not any", "not only", "not", "never", "no longer", "no one who", "nobody who", "no", "without any", "without", "none of", "non", "lacking", "missing", "yet to") is > 0 and var not)
        {
            negated = words.Matches(at, "not only") > 0 ? negated : !negated;
            at += not;
            return true;
        }

        return false;
    }

    private static Link Max(Link a, Link b) => a == Link.Comma || b == Link.Comma ? Link.Comma : a > b ? a : b;

    private Draft? Join(List<Item> items, bool exception)
    {
        if (items.Count == 0)
        {
            return null;
        }

        // A comma in an enumeration means what its last link means: "champions, loyal customers or at risk".
        for (var i = items.Count - 1; i > 0; i--)
        {
            if (items[i].Link == Link.Comma && i + 1 < items.Count && items[i + 1].Link is Link.Or or Link.CommaOr
                && (items[i + 1].Link == Link.CommaOr || (items[i].Draft.Kind != "" && items[i].Draft.Kind == items[i - 1].Draft.Kind)))
            {
                items[i] = items[i] with { Link = items[i + 1].Link };
            }
        }

        var parts = new List<(bool Or, Draft Draft)>();
        for (var start = 0; start < items.Count;)
        {
            var end = start + 1;
            while (end < items.Count && items[end].Link < Link.CommaOr)
            {
                end++;
            }

            parts.Add((items[start].Link == Link.CommaOr, JoinClose(items.GetRange(start, end - start), exception)));
            start = end;
        }

        // "…, or …" joins its neighbours before the other commas do.
        var all = new List<Draft>();
        foreach (var (or, draft) in parts)
        {
            if (or && all.Count > 0)
            {
                all[^1] = Draft.Any(all[^1], draft);
            }
            else
            {
                all.Add(draft);
            }
        }

        return exception && all.Count > 1 ? Draft.Any([.. all]) : Draft.All([.. all]);
    }

    private Draft JoinClose(List<Item> items, bool exception)
    {
        for (var i = 1; i < items.Count;)
        {
            var or = items[i].Link == Link.Or || (exception && items[i].Link == Link.And);
            if (or && (items[i].Tight || (items[i].Draft.Kind != "" && items[i].Draft.Kind == items[i - 1].Draft.Kind)))
            {
                items[i - 1] = items[i - 1] with { Draft = Draft.Any(items[i - 1].Draft, items[i].Draft) };
                items.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }

        var alternatives = new List<List<Draft>> { new() { items[0].Draft } };
        foreach (var item in items.Skip(1))
        {
            if (item.Link == Link.Or || (exception && item.Link == Link.And))
            {
                alternatives.Add([]);
            }

            alternatives[^1].Add(item.Draft);
        }

        if (!exception && alternatives.Count > 1 && alternatives.Exists(a => a.Count > 1))
        {
            Ambiguities.Add(new("and … or", "and binds tighter than or; use commas or parentheses to say it otherwise"));
        }

        return Draft.Any([.. alternatives.Select(a => Draft.All([.. a]))]);
    }

    /// <summary>One phrase.</summary>
    /// <param name="usedNot">It was negated; "or" carries that on.</param>
    private Draft? Phrase(ref int at, bool negated, out bool usedNot)
    {
        usedNot = negated;
        foreach (var reader in new Reader[] { Consent, Flag, Event, ScoreName, Field, Counted, Place, Language, Tagged, Born, Vague, Bare, Elided })
        {
            var (next, ambiguities) = (at, Ambiguities.Count);
            if (reader(ref next, negated) is { } draft && next > at)
            {
                at = next;
                return draft;
            }

            Ambiguities.RemoveRange(ambiguities, Ambiguities.Count - ambiguities);
        }

        return null;
    }

    private delegate Draft? Reader(ref int at, bool negated);

    private static Draft With(Draft draft, bool negated) => negated ? draft.Not() : draft;

    private bool IsFiller(int at) => words[at].Kind is TokenKind.Sign or TokenKind.Quoted || Fillers.Contains(words.Text(at));

    private static readonly HashSet<string> Fillers =
    [
        .. """
        a about again all already also am among an and any anybody anyone anything are as at audience away back base be been being belong belonging both brand business buyer buyers buying by can card channel client clients
        come comes coming contact contacts could count current currently customer customers data days did do does done each email emails ever every everybody everyone fan fans file find folk folks for from gave
        get gets getting girls give goes gone got guys had has have having he her here him his how i if in individual individuals into is it its just keep kind know let like list located lives live living look looking
        made make makes many matching me member members message messages more most much my need needs new now of on one ones only orderer our out over own owner people per person persons place placed please product products profile
        profiles purchasers reach really recipients record records registered resident residents residing s segment see select send sent set she shopper shoppers should show so some someone somebody still store subscriber subscribers such target targeting than that
        the their them then there these they thing things this those to too total type up us use used user users using very want wants was we were what when where which while who whoever whom whose will with within
        work would year years you your based t lovers lover actually basically ideally say e.g i.e least
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries),
    ];
}
