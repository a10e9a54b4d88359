using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.Campaigns;
using XenoCrm.Customers;

namespace XenoCrm.Insights;

/// <summary>What a written message must keep to, whoever wrote it: it is rendered before anybody sees it.</summary>
public sealed partial class MessageCheck(CampaignTemplates templates, Segments.RuleCatalogue catalogue)
{
    public const int MaxSubject = 60;

    /// <summary>Characters of what is rendered for the longest of the test customers.</summary>
    public static int Limit(Channel channel) => channel switch { Channel.Email => 2500, Channel.Sms => 306, Channel.Push => 178, _ => 1000 };

    /// <summary>For a model.</summary>
    public static string Describe(Channel channel) => channel switch
    {
        Channel.Email => "an email: a subject of at most 60 characters, 60 to 150 words",
        Channel.Sms => "an SMS: at most 150 characters with placeholders filled in, plain letters, no emoji, so that it is one part",
        Channel.Push => "a push notification: a title of at most 50 characters and a text of at most 140",
        _ => "a WhatsApp message of at most 600 characters",
    };

    /// <param name="goal">What it may promise: figures and links come from there alone.</param>
    /// <returns>The content as a campaign takes it; null with what is wrong.</returns>
    public CampaignContent? Check(MessageDraft draft, Channel channel, string goal, DateTimeOffset now, out string? wrong)
    {
        wrong = null;
        var (subject, text) = (draft.Subject?.Trim(), draft.Text.Trim());
        if (channel is Channel.Sms or Channel.WhatsApp)
        {
            subject = null;
        }

        if (channel == Channel.Email && !text.Contains("{{unsubscribeUrl}}", StringComparison.Ordinal))
        {
            text += "\n\n{{unsubscribeUrl}}";
        }

        var fixedText = Tag().Replace($"{subject}\n{text}", " ");
        if (fixedText.IndexOfAny(['<', '>']) >= 0 || Control().IsMatch(fixedText))
        {
            wrong = "markup";
        }
        else if (Link().Matches($"{subject}\n{text}").FirstOrDefault(l => !goal.Contains(l.Value.TrimEnd('.', ',', ')', '!'), StringComparison.Ordinal)) is not null)
        {
            wrong = "a link that the goal does not have";
        }
        else if (Figure().Matches(fixedText).FirstOrDefault(f => !Figure().Matches(goal).Any(g => g.Value == f.Value)) is not null)
        {
            wrong = "a figure that the goal does not have";
        }
        else if (channel == Channel.Email && string.IsNullOrEmpty(subject))
        {
            wrong = "no subject";
        }

        if (wrong is not null)
        {
            return null;
        }

        var content = new CampaignContent(subject, channel == Channel.Email ? Html(text) : null, text, null).Normal();
        var validated = new TemplateInputValidator().Validate(new TemplateInput("x", channel, content));
        if (!validated.IsValid)
        {
            wrong = validated.Errors[0].ErrorMessage;
            return null;
        }

        var compiled = templates.Get(content);
        if (compiled.Fields.FirstOrDefault(f => f.StartsWith(MergeFields.AttributePrefix, StringComparison.Ordinal) && !catalogue.Types.Keys.ContainsKey(f[MergeFields.AttributePrefix.Length..])) is { } unknown)
        {
            wrong = $"{unknown} is no attribute of this workspace";
            return null;
        }

        wrong = Rendered(compiled, channel, SampleCustomer.At(now) with { FirstName = "Maximiliane", City = "Villingen-Schwenningen" }) ?? Rendered(compiled, channel, Nobody(now));
        return wrong is null ? content : null;
    }

    private static string? Rendered(CompiledContent compiled, Channel channel, Customer customer)
    {
        var rendered = compiled.Render(customer, RenderContent.Untracked);
        return rendered.Subject?.Length > MaxSubject + 10 ? "the subject is too long"
            : rendered.Text?.Length > Limit(channel) ? "the text is too long"
            : channel == Channel.Sms && SmsText.Measure(rendered.Text!).Parts > 2 ? "more than two SMS parts"
            : Gap().IsMatch($"{rendered.Subject}\n{rendered.Text}") ? "a gap where a customer has no name"
            : null;
    }

    /// <summary>Of whom nothing is known but the address.</summary>
    private static Customer Nobody(DateTimeOffset now) => new() { Id = new string('0', 32), Email = "a@example.com", CreatedAt = now, UpdatedAt = now, LastOrderAt = now, FirstOrderAt = now };

    /// <summary>The text as paragraphs; addresses become links.</summary>
    private static string Html(string text)
    {
        var html = new StringBuilder();
        foreach (var paragraph in text.ReplaceLineEndings("\n").Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (paragraph.Contains("{{unsubscribeUrl}}", StringComparison.Ordinal))
            {
                html.Append("<p><small><a href=\"{{unsubscribeUrl}}\">Unsubscribe</a></small></p>\n");
                continue;
            }

            html.Append("<p>").Append(Escape(paragraph).Replace("\n", "<br>")).Append("</p>\n");
        }

        return html.ToString();
    }

    private static string Escape(string text)
    {
        var html = new StringBuilder();
        var at = 0;
        foreach (Match part in TagOrLink().Matches(text))
        {
            html.Append(System.Net.WebUtility.HtmlEncode(text[at..part.Index]));
            html.Append(part.Value[0] == '{' ? part.Value : $"<a href=\"{System.Net.WebUtility.HtmlEncode(part.Value)}\">{System.Net.WebUtility.HtmlEncode(part.Value)}</a>");
            at = part.Index + part.Length;
        }

        return html.Append(System.Net.WebUtility.HtmlEncode(text[at..])).ToString();
    }

    [GeneratedRegex(@"\{\{.*?\}\}", RegexOptions.Singleline)]
    private static partial Regex Tag();

    [GeneratedRegex(@"\{\{.*?\}\}|https?://[^\s<>""']*[^\s<>""'.,)!?]", RegexOptions.Singleline)]
    private static partial Regex TagOrLink();

    [GeneratedRegex(@"(?i)(?:https?://|www\.)[^\s<>""']+|\b[\w-]+\.(?:com|net|org|io|co|shop|store|info|biz|ru|cn|de|in|uk|app|xyz|top|link|click)\b(?:/[^\s]*)?")]
    private static partial Regex Link();

    [GeneratedRegex(@"[0-9]+(?:[.,][0-9]+)*")]
    private static partial Regex Figure();

    [GeneratedRegex(@"[\u0000-\u0008\u000B\u000C\u000E-\u001F\u200B-\u200F\u202A-\u202E]")]
    private static partial Regex Control();

    /// <summary>A blank before a comma, or two in a row.</summary>
    [GeneratedRegex(@" [,!?.;:]|[^\n ]  +[^\n ]|^[,!]|\n[,!]")]
    private static partial Regex Gap();
}
