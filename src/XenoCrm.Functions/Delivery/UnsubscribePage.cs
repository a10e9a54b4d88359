using XenoCrm.Campaigns;

namespace XenoCrm.Delivery;

/// <summary>Two small pages that work without scripts, styles from elsewhere, or cookies.</summary>
public static class UnsubscribePage
{
    public const string Policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static string Offer(Channel channel) => Page("Unsubscribe", $"""
        <p>Do you want to stop receiving these {Name(channel)}?</p>
        <form method="post"><button>Unsubscribe</button></form>
        """);

    public static string Done(Channel channel) => Page("Unsubscribed", $"""
        <p>You will not receive these {Name(channel)} any more. One that is on its way already may still arrive.</p>
        """);

    private static string Name(Channel channel) => channel switch
    {
        Channel.Email => "emails",
        Channel.Sms => "text messages",
        Channel.WhatsApp => "WhatsApp messages",
        _ => "notifications",
    };

    private static string Page(string title, string body) => $$"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
        <title>{{title}}</title>
        <style>
        body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 15vh auto; padding: 0 1rem; color: #222; background: #fff }
        button { font: inherit; padding: .6rem 1.4rem; border: 0; border-radius: .4rem; color: #fff; background: #1f5fbf; cursor: pointer }
        button:focus-visible { outline: 3px solid #8ab4f8; outline-offset: 2px }
        @media (prefers-color-scheme: dark) { body { color: #eee; background: #1b1b1b } }
        </style>
        </head>
        <body>
        <h1>{{title}}</h1>
        {{body}}
        </body>
        </html>
        """;
}
