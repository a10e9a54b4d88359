namespace XenoCrm.Insights;

/// <param name="Subject">Email and push.</param>
/// <param name="Text">Plain, with placeholders; paragraphs are parted by an empty line.</param>
/// <param name="Reason">Why it may work.</param>
public sealed record MessageDraft(string? Subject, string Text, string Reason);

/// <summary>
/// Writes messages without a model: from what the rule says of the audience, what is offered, and what earlier campaigns of the
/// channel did, in three angles. The same input gives the same messages.
/// </summary>
internal static class OfflineWriter
{
    private enum Angle
    {
        Personal,
        Benefit,
        Question,
    }

    public static IReadOnlyList<MessageDraft> Write(Audience audience, Campaigns.Channel channel, string goal, Tone tone, int count, ChannelResults past)
    {
        // What worked comes first; a difference that chance explains changes nothing.
        Trait Of(Angle angle) => angle switch { Angle.Personal => Trait.Personal, Angle.Benefit => Trait.Offer, _ => Trait.Question };
        var angles = Enum.GetValues<Angle>().OrderByDescending(a => past.Traits.FirstOrDefault(t => t.Trait == Of(a)) is { Significant: true } result ? result.With - result.Without : 0).Take(count);
        return [.. angles.Select(a => Write(audience, channel, goal, tone, a, past, Of(a)))];
    }

    private static MessageDraft Write(Audience audience, Campaigns.Channel channel, string goal, Tone tone, Angle angle, ChannelResults past, Trait trait)
    {
        var purpose = Offers.PurposeOf(goal, audience.Occasion);
        var occasion = purpose switch { Purpose.Birthday => Occasion.Birthday, Purpose.Welcome when audience.Occasion == Occasion.Everybody => Occasion.New, _ => audience.Occasion };
        var (offer, code, link) = (Offers.In(goal), Offers.CodeIn(goal), Offers.LinkIn(goal));
        var about = audience.Category?.ToLowerInvariant() ?? (purpose == Purpose.NewProduct ? "arrivals" : "favourites");
        string Pick(string[] byTone) => byTone[(int)tone].Replace("{about}", about);
        var opening = Pick(Phrasebook.Openings[occasion]);
        var body = Pick(Phrasebook.Bodies[purpose == Purpose.Offer && offer is null ? Purpose.Remind : purpose]);
        var offered = offer is null ? null : Phrasebook.OfferLines[(int)tone].Replace("{offer}", offer);
        var coded = code is null ? null : Phrasebook.CodeLines[(int)tone].Replace("{code}", code);
        var call = Phrasebook.Calls.GetValueOrDefault(purpose, Phrasebook.Calls[Purpose.Remind])[(int)tone] + (link is null ? "." : $": {link}");
        var local = audience.City is null ? null : "Near you in {{default city \"your city\"}}, too.";
        var last = occasion == Occasion.Lapsed && audience.WithOrders >= 0.99 && angle == Angle.Personal ? "Your last order was on {{date lastOrderAt \"long\"}}." : null;
        var benefit = offered ?? body;
        string?[] sentences = angle switch
        {
            Angle.Personal => [opening, last, body, offered, coded, local],
            Angle.Benefit => [benefit, coded, offered is null ? opening : body, local],
            _ => [Question(purpose, occasion, about), body, offered, coded],
        };
        var subject = Subject(occasion, angle, offer, about);
        var text = channel switch
        {
            Campaigns.Channel.Email => Email(sentences, call, tone),
            Campaigns.Channel.Push => Fit([.. sentences.Where(s => s != last).Prepend(null)], null, 140),
            Campaigns.Channel.Sms => Fit([angle == Angle.Personal ? Phrasebook.Greetings[(int)tone].Replace("Dear {{default firstName \"customer\"}}", "{{default firstName \"Hello\"}}") : null, .. Ranked(angle, opening, benefit, coded, body)], call, 150),
            _ => Fit([Phrasebook.Greetings[(int)tone], .. sentences], call, 700),
        };
        return new(channel is Campaigns.Channel.Email or Campaigns.Channel.Push ? subject : null, text, Reason(audience, occasion, angle, offer, past, trait));
    }

    /// <summary>What an SMS has room for is the most important first.</summary>
    private static IEnumerable<string?> Ranked(Angle angle, string opening, string benefit, string? coded, string body) => angle switch
    {
        Angle.Personal => [opening, benefit, coded],
        Angle.Benefit => [benefit, coded, opening],
        _ => [opening.Split(". ")[0].TrimEnd('.', '!') + "?", coded is null ? body : benefit, coded],
    };

    private static string Question(Purpose purpose, Occasion occasion, string about) => (purpose, occasion) switch
    {
        (Purpose.Feedback, _) => "How did we do?",
        (Purpose.Event, _) => "Shall we keep a place for you?",
        (_, Occasion.Lapsed) => $"Is it time for new {about}?",
        (_, Occasion.NeverBought or Occasion.New) => $"Which {about} would you try first?",
        (_, Occasion.Birthday) => "What would you like for your birthday?",
        _ => $"Have you seen our new {about}?",
    };

    private static string Subject(Occasion occasion, Angle angle, string? offer, string about)
    {
        var subject = Phrasebook.Subjects[occasion][(int)angle].Replace("{about}", about);
        if (offer is not null && angle == Angle.Benefit)
        {
            subject = $"{char.ToUpperInvariant(offer[0])}{offer[1..]} for you";
        }

        return subject;
    }

    private static string Email(IEnumerable<string?> sentences, string call, Tone tone)
    {
        var parts = sentences.OfType<string>().ToList();
        var half = (parts.Count + 1) / 2;
        return $"{Phrasebook.Greetings[(int)tone]}\n\n{string.Join(' ', parts.Take(half))}\n\n{string.Join(' ', parts.Skip(half))}\n\n{call}\n\n{Phrasebook.Closings[(int)tone]}\n\n{{{{unsubscribeUrl}}}}"
            .Replace("\n\n\n\n", "\n\n");
    }

    /// <summary>As many sentences as fit; the call to act always does.</summary>
    private static string Fit(IEnumerable<string?> sentences, string? call, int limit)
    {
        var text = "";
        foreach (var sentence in sentences.OfType<string>())
        {
            var next = text.Length == 0 ? sentence : $"{text} {sentence}";
            if (Length(next) + (call is null ? 0 : Length(call) + 1) <= limit)
            {
                text = next;
            }
        }

        return call is null ? text : text.Length == 0 ? call : $"{text} {call}";
    }

    /// <summary>A placeholder is about as long as a name.</summary>
    private static int Length(string text)
    {
        var length = 0;
        for (var at = 0; at < text.Length;)
        {
            var tag = text.IndexOf("{{", at, StringComparison.Ordinal);
            length += (tag < 0 ? text.Length : tag) - at + (tag < 0 ? 0 : 11);
            at = tag < 0 ? text.Length : text.IndexOf("}}", tag, StringComparison.Ordinal) + 2;
        }

        return length;
    }

    private static string Reason(Audience audience, Occasion occasion, Angle angle, string? offer, ChannelResults past, Trait trait)
    {
        var why = (angle, occasion) switch
        {
            (Angle.Personal, Occasion.Lapsed) => $"Speaks of the time away{(audience.Since is { } since ? $" ({since} and more)" : "")}, which everybody in this audience has in common",
            (Angle.Personal, Occasion.NeverBought) => "Speaks of the first order, which all of them have still to place",
            (Angle.Personal, Occasion.Best or Occasion.Loyal) => "Says thank you before it asks for anything: these customers have already chosen you",
            (Angle.Personal, _) => "Begins with what is known of this audience instead of with the shop",
            (Angle.Benefit, _) when offer is not null => $"Puts what is offered ({offer}) where it is seen first",
            (Angle.Benefit, _) => "Comes to the point at once, for those who only skim",
            _ => "Asks a question, which is answered by looking",
        };
        if (audience.Category is { } category && angle != Angle.Question)
        {
            why += $"; names {category.ToLowerInvariant()}, which they buy";
        }

        if (past.Traits.FirstOrDefault(t => t.Trait == trait) is { Significant: true } result)
        {
            why += FormattableString.Invariant($"; of {result.Delivered:N0} earlier messages like this {result.With:P1} were {past.Measure}, of the others {result.Without:P1}").Replace(" %", "%");
        }

        return why + ".";
    }
}
