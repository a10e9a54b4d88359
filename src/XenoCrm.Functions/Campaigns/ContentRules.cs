using FluentValidation;
using FluentValidation.Results;

namespace XenoCrm.Campaigns;

/// <summary>What a channel wants of a content, checked when it is saved: a message that cannot be sent is not found out at sending.</summary>
public static class ContentRules
{
    public const int MaxFrom = 320;
    public const int MaxSubject = 500;
    public const int MaxHtml = 256 * 1024;
    public const int MaxText = 64 * 1024;
    private const int MaxWhatsApp = 4096;

    /// <summary>Of Twilio.</summary>
    public const string ContentSidPattern = "^HX[0-9a-fA-F]{32}$";
    private const int MaxVariables = 100;
    private const int MaxVariable = 1600;
    private const int MaxPush = 1000;

    /// <summary>Adds what is wrong under <paramref name="property"/>.</summary>
    public static void Check<T>(Channel? channel, CampaignContent content, string property, ValidationContext<T> context)
    {
        Length(content.From, MaxFrom, "From");
        Length(content.Subject, MaxSubject, "Subject");
        Length(content.Html, MaxHtml, "Html");
        Length(content.Text, MaxText, "Text");
        var subject = Compile(content.Subject, false, "Subject");
        var html = Compile(content.Html, true, "Html");
        var text = Compile(content.Text, false, "Text");
        switch (channel)
        {
            case Channel.Email:
                Require(content.Subject, "Subject", "An email has a subject.");
                if (string.IsNullOrEmpty(content.Html))
                {
                    Require(content.Text, "Text", "An email has HTML or a text.");
                }

                // The law of most countries, and what mailbox providers ask of bulk senders.
                MustUnsubscribe(html, "Html");
                MustUnsubscribe(text, "Text");
                break;
            case Channel.Push:
                NoHtml();
                Require(content.Text, "Text", "A push message has a text.");
                Length(content.Text, MaxPush, "Text");
                break;
            case Channel.Sms or Channel.WhatsApp:
                NoHtml();
                Require(content.Text, "Text", "A message has a text.");
                if (!string.IsNullOrEmpty(content.Subject))
                {
                    Fail("Subject", "Messages of this channel have no subject.");
                }

                if (channel == Channel.WhatsApp)
                {
                    Length(content.Text, MaxWhatsApp, "Text");
                }
                else if (text is not null && SmsText.Measure(Fixed(content.Text!)) is { Parts: > SmsText.MaxParts } size)
                {
                    Fail("Text", $"The text alone takes {size.Parts} SMS parts; at most {SmsText.MaxParts} are carried.");
                }

                break;
        }

        CheckContentSid();

        void CheckContentSid()
        {
            if (string.IsNullOrEmpty(content.ContentSid))
            {
                if (content.ContentVariables?.Count > 0)
                {
                    Fail("ContentVariables", "Variables are of a template: its contentSid is missing.");
                }

                return;
            }

            if (channel != Channel.WhatsApp)
            {
                Fail("ContentSid", "Only WhatsApp messages are made of an approved template.");
            }

            if (!IsContentSid(content.ContentSid))
            {
                Fail("ContentSid", "The id of a template is expected: HX and 32 hexadecimal digits.");
            }

            if (content.ContentVariables?.Count > MaxVariables)
            {
                Fail("ContentVariables", $"At most {MaxVariables}.");
            }

            foreach (var (name, value) in content.ContentVariables ?? new Dictionary<string, string>())
            {
                var member = $"ContentVariables.{name}";
                if (name.Length is 0 or > 50 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                {
                    Fail("ContentVariables", "The name of a variable is a number, or letters, digits and underscores.");
                }
                else if (string.IsNullOrWhiteSpace(value))
                {
                    Fail(member, "WhatsApp refuses a template with an empty place.");
                }
                else
                {
                    Length(value, MaxVariable, member);
                    Compile(value, false, member);
                }
            }
        }

        void Fail(string member, string message) => context.AddFailure(new ValidationFailure($"{property}.{member}", message));

        void Length(string? value, int max, string member)
        {
            if (value?.Length > max)
            {
                Fail(member, $"At most {max:N0} characters.");
            }
        }

        void Require(string? value, string member, string message)
        {
            if (string.IsNullOrEmpty(value))
            {
                Fail(member, message);
            }
        }

        void NoHtml()
        {
            if (!string.IsNullOrEmpty(content.Html))
            {
                Fail("Html", "Only email has HTML.");
            }
        }

        void MustUnsubscribe(MessageTemplate? template, string member)
        {
            if (template is not null && !template.Fields.Contains(MergeFields.UnsubscribeUrl))
            {
                Fail(member, $"A link to unsubscribe is missing: put {{{{{MergeFields.UnsubscribeUrl}}}}} into it.");
            }
        }

        MessageTemplate? Compile(string? source, bool asHtml, string member)
        {
            if (string.IsNullOrEmpty(source))
            {
                return null;
            }

            var template = MessageTemplate.TryCompile(source, asHtml, out var errors);
            foreach (var error in errors)
            {
                Fail(member, error);
            }

            return template;
        }
    }

    private static bool IsContentSid(string text) => text.Length == 34 && text.StartsWith("HX", StringComparison.Ordinal) && text.AsSpan(2).IndexOfAnyExcept(Hexadecimal) < 0;

    private static readonly System.Buffers.SearchValues<char> Hexadecimal = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>The template without its tags: what every message has at least.</summary>
    private static string Fixed(string source)
    {
        var text = new System.Text.StringBuilder(source.Length);
        for (var at = 0; at < source.Length;)
        {
            var start = source.IndexOf("{{", at, StringComparison.Ordinal);
            text.Append(source, at, (start < 0 ? source.Length : start) - at);
            at = start < 0 ? source.Length : source.IndexOf("}}", start, StringComparison.Ordinal) + 2;
        }

        return text.ToString();
    }
}
