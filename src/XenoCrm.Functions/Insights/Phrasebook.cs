namespace XenoCrm.Insights;

public enum Tone
{
    Friendly,
    Professional,
    Playful,
    Urgent,
}

/// <summary>What the writer without a model says. By tone in the order of <see cref="Tone"/>.</summary>
internal static class Phrasebook
{
    /// <summary>Where the message begins, by what is known of whom it goes to.</summary>
    public static readonly IReadOnlyDictionary<Occasion, string[]> Openings = new Dictionary<Occasion, string[]>
    {
        [Occasion.Birthday] = ["Happy birthday! We hope it is a good one.", "We wish you a happy birthday.", "Cake first, shopping later: happy birthday!", "Happy birthday! Your day comes once a year."],
        [Occasion.NeverBought] = ["Your account is ready, and your first order is still to come.", "You registered with us and have not placed an order yet.", "You looked around. We saw nothing, but we hoped.", "Your first order is one step away."],
        [Occasion.Lapsed] = ["It has been a while, and we have missed you.", "Some time has passed since your last order with us.", "Was it something we said? It has been a while.", "It has been a while: now is the time to come back."],
        [Occasion.Silent] = ["We have been in your inbox without much to say. Today is different.", "You may have missed our recent messages, so we keep this one short.", "Knock knock. It is us again, with something better this time.", "One message you should not skip:"],
        [Occasion.New] = ["Welcome! It is good to have you with us.", "Thank you for joining us.", "You are in! Shoes off, make yourself at home.", "Welcome! Here is how to make the most of your first days."],
        [Occasion.Best] = ["You are one of our best customers, and we do not take that for granted.", "As one of our most valued customers you hear from us first.", "Psst. This one is only for our favourites, and that means you.", "Our best customers get the first pick, and you are one of them."],
        [Occasion.Loyal] = ["You keep coming back, and that means a lot to us.", "Thank you for ordering with us again and again.", "You again? We were hoping so.", "You know the good things go fast, so you hear it first."],
        [Occasion.Category] = ["You know what you like, and so do we.", "We thought of you when we made our selection.", "We have been peeking at your favourites.", "The things you like are moving fast."],
        [Occasion.Everybody] = ["We have something for you.", "We would like to share some news with you.", "Got a minute? This is worth it.", "This will not be here for long."],
    };

    /// <summary>What it is about. {about} is what the audience buys, {offer} what is offered.</summary>
    public static readonly IReadOnlyDictionary<Purpose, string[]> Bodies = new Dictionary<Purpose, string[]>
    {
        [Purpose.WinBack] = ["We have picked out new {about} that we think you will like.", "Our selection of {about} has changed since then, and we would be pleased to welcome you back.", "Things have changed here: new {about}, same us, still no hard feelings.", "New {about} came in, and they will not wait."],
        [Purpose.Welcome] = ["Have a look at the {about} that others like most.", "Our most popular {about} are a good place to begin.", "Start with the {about} everybody keeps asking us about.", "The most wanted {about} are still there. Begin with those."],
        [Purpose.Birthday] = ["Treat yourself to something from our {about}.", "We have put together a selection of {about} for you.", "Somebody should get you new {about}. That somebody could be you.", "Pick something from our {about} while the day lasts."],
        [Purpose.NewProduct] = ["There are new {about} in our shop, and you are among the first to see them.", "We are pleased to present our new {about}.", "Fresh {about}! Be the first to brag about them.", "Our new {about} are here. The first ones go fast."],
        [Purpose.Thanks] = ["This is our way to say thank you.", "Please accept this as a sign of our appreciation.", "Consider this a high five from all of us.", "We say thank you, and we say it now."],
        [Purpose.Feedback] = ["Would you tell us how we did? It takes two minutes.", "We would value your opinion; it takes no more than two minutes.", "Be honest, we can take it: how did we do?", "Tell us what you think before we plan what comes next."],
        [Purpose.Event] = ["We would love to see you there.", "We would be pleased to welcome you.", "There will be good company, and we would like it to include you.", "Places are limited: say yes while there is one for you."],
        [Purpose.Offer] = ["It is a good moment for the {about} that you have had your eye on.", "It applies to our {about}.", "Your basket just asked about new {about}.", "It ends soon, and the best {about} go first."],
        [Purpose.Remind] = ["Have a look at the {about} that came in lately.", "We would like to draw your attention to our latest {about}.", "New {about} have moved in and would like to meet you.", "The latest {about} are here, in small numbers."],
    };

    /// <summary>What is offered, as a sentence.</summary>
    public static readonly string[] OfferLines = ["For you: {offer}.", "We offer you {offer}.", "And because we like you: {offer}!", "Only for a short time: {offer}."];

    public static readonly string[] CodeLines = ["Use the code {code}.", "Please use the code {code}.", "Magic word: {code}.", "Code: {code}."];

    /// <summary>What to do now.</summary>
    public static readonly IReadOnlyDictionary<Purpose, string[]> Calls = new Dictionary<Purpose, string[]>
    {
        [Purpose.Feedback] = ["Tell us what you think", "Give your feedback", "Spill the beans", "Tell us now"],
        [Purpose.Event] = ["Save your place", "Register", "Count me in", "Take one of the last places"],
        [Purpose.Birthday] = ["Choose your treat", "See your selection", "Unwrap it", "Choose yours today"],
        [Purpose.WinBack] = ["See what is new", "Visit us again", "Come on back", "Come back now"],
        [Purpose.Remind] = ["Have a look", "View the selection", "Take a peek", "See it before it is gone"],
    };

    public static readonly string[] Closings = ["See you soon", "Kind regards", "Yours, as ever", "Be quick"];

    public static readonly string[] Greetings = ["Hi {{default firstName \"there\"}},", "Dear {{default firstName \"customer\"}},", "Hey {{default firstName \"you\"}}!", "{{default firstName \"Hello\"}},"];

    /// <summary>Subjects by angle: personal, the benefit first, a question.</summary>
    public static readonly IReadOnlyDictionary<Occasion, string[]> Subjects = new Dictionary<Occasion, string[]>
    {
        [Occasion.Birthday] = ["Happy birthday, {{default firstName \"and all the best\"}}!", "A birthday treat for you", "What is on your birthday list?"],
        [Occasion.NeverBought] = ["{{default firstName \"Hello\"}}, your first order is waiting", "A good start with us", "Shall we help you choose?"],
        [Occasion.Lapsed] = ["We miss you, {{default firstName \"and that is the truth\"}}", "A reason to come back", "Is it really that long ago?"],
        [Occasion.Silent] = ["{{default firstName \"Hello\"}}, this one is short", "Something better this time", "Should we write less often?"],
        [Occasion.New] = ["Welcome, {{default firstName \"good to have you\"}}!", "Your first days with us", "Where would you like to begin?"],
        [Occasion.Best] = ["For you first, {{default firstName \"as promised\"}}", "Only for our best customers", "Would you like the first pick?"],
        [Occasion.Loyal] = ["Thank you, {{default firstName \"truly\"}}", "For those who keep coming back", "Guess who gets to know first?"],
        [Occasion.Category] = ["{{default firstName \"Hello\"}}, more of what you like", "New {about} for you", "Have you seen the new {about}?"],
        [Occasion.Everybody] = ["{{default firstName \"Hello\"}}, something for you", "News from our shop", "Have you seen this?"],
    };
}
