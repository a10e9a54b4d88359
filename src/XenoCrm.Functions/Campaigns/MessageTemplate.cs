using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using HandlebarsDotNet;

namespace XenoCrm.Campaigns;

/// <summary>How a value is written: as it is stored, or as the customer's language has it.</summary>
public enum MergeFormat
{
    Plain,
    Number,
    Currency,
    Date,
}

/// <summary>A place in a template that a value goes to.</summary>
/// <param name="Name">What Handlebars calls it.</param>
/// <param name="Field">The customer's field, see <see cref="MergeFields"/>.</param>
public sealed record MergeSlot(string Name, string Field, MergeFormat Format = MergeFormat.Plain, string? Style = null);

/// <summary>
/// One text of a campaign with Handlebars placeholders: <c>{{firstName}}</c>, <c>{{attributes.plan}}</c>,
/// <c>{{default firstName "friend"}}</c>, <c>{{#if city}}…{{else}}…{{/if}}</c>, <c>{{#unless city}}…{{/unless}}</c>, <c>{{! a note }}</c>, and
/// in the customer's language <c>{{number orderCount}}</c>, <c>{{currency totalSpend}}</c>, <c>{{date lastOrderAt}}</c>,
/// <c>{{date birthday "short"}}</c>, <c>{{date lastOrderAt "full"}}</c>.
/// Nothing else of Handlebars: no loops, no partials, and no unescaped output, through which a customer's name could
/// bring markup into an email.
/// </summary>
public sealed partial class MessageTemplate
{
    private static readonly IHandlebars Html = Create(escape: true);
    private static readonly IHandlebars Plain = Create(escape: false);

    private readonly HandlebarsTemplate<object, object> render;
    private readonly IReadOnlyList<HandlebarsTemplate<object, object>> links;

    private MessageTemplate(HandlebarsTemplate<object, object> render, IReadOnlyList<HandlebarsTemplate<object, object>> links, IReadOnlyCollection<MergeSlot> slots)
    {
        this.render = render;
        this.links = links;
        Slots = slots;
    }

    /// <summary>The places that values go to, each once.</summary>
    public IReadOnlyCollection<MergeSlot> Slots { get; }

    /// <summary>The customer's fields that the template names.</summary>
    public IEnumerable<string> Fields => Slots.Select(s => s.Field).Distinct();

    /// <param name="html">Whether values are HTML-escaped.</param>
    /// <param name="errors">What is wrong with the template, in words for its author; empty when the result is not null.</param>
    public static MessageTemplate? TryCompile(string source, bool html, out IReadOnlyList<string> errors)
    {
        var scan = new Scan(source);
        errors = scan.Errors;
        if (scan.Errors.Count > 0)
        {
            return null;
        }

        try
        {
            var compiled = scan.Compiled.ToString();
            var targets = new List<HandlebarsTemplate<object, object>>();
            if (html)
            {
                compiled = Link().Replace(compiled, link =>
                {
                    targets.Add(Plain.Compile(WebUtility.HtmlDecode(link.Groups["url"].Value)));
                    return $"{link.Groups["before"].Value}{{{{{LinkName(targets.Count - 1)}}}}}{link.Groups["quote"].Value}";
                });
            }

            return new((html ? Html : Plain).Compile(compiled), targets, scan.Slots);
        }
        catch (HandlebarsException exception)
        {
            scan.Errors.Add(exception.Message.ReplaceLineEndings(" ").Trim());
            return null;
        }
    }

    /// <param name="values">By slot; links are added.</param>
    /// <param name="link">Where a link of the HTML is to lead, given where its author wants it to. Links in text stay as they are.</param>
    public string Render(Dictionary<string, object?> values, Func<string, string> link)
    {
        for (var i = 0; i < links.Count; i++)
        {
            values[LinkName(i)] = link(links[i](values));
        }

        return render(values);
    }

    private static string LinkName(int index) => $"link{index}";

    /// <summary>Reads a source tag by tag: which fields it names, what is wrong with it, and its form for Handlebars.</summary>
    private sealed class Scan
    {
        private readonly string source;
        private readonly Stack<string> open = new();

        public Scan(string source)
        {
            this.source = source;
            Run();
        }

        public List<string> Errors { get; } = [];

        public HashSet<MergeSlot> Slots { get; } = [];

        /// <summary>The source, in which a formatted field is a slot of its own: its text is made before Handlebars runs.</summary>
        public StringBuilder Compiled { get; } = new();

        private void Run()
        {
            var at = 0;
            while (source.IndexOf("{{", at, StringComparison.Ordinal) is >= 0 and var start)
            {
                Compiled.Append(source, at, start - at);
                var end = source.IndexOf("}}", start, StringComparison.Ordinal);
                if (end < 0)
                {
                    Errors.Add($"The tag at {Position(source, start)} is not closed with }}}}.");
                    return;
                }

                at = end + 2;
                var tag = source[(start + 2)..end].Trim();
                if (tag.StartsWith('{') || tag.StartsWith('&'))
                {
                    Errors.Add($"Unescaped output at {Position(source, start)} is not allowed: write {{{{field}}}}.");
                    return;
                }

                if (!tag.StartsWith('!'))
                {
                    Compiled.Append("{{").Append(Read(tag, Position(source, start))).Append("}}");
                }
            }

            Compiled.Append(source, at, source.Length - at);
            Errors.AddRange(open.Select(block => $"The block {{{{#{block}}}}} is not closed."));
        }

        /// <returns>The tag for Handlebars.</returns>
        private string Read(string tag, string where)
        {
            if (tag is "else")
            {
                if (open.Count == 0)
                {
                    Errors.Add($"{{{{else}}}} at {where} is outside of a block.");
                }
            }
            else if (tag.StartsWith('/'))
            {
                if (!open.TryPop(out var block) || block != tag[1..].Trim())
                {
                    Errors.Add($"{{{{{tag}}}}} at {where} closes a block that is not open.");
                }
            }
            else if (Block().Match(tag) is { Success: true } opening)
            {
                open.Push(opening.Groups["block"].Value);
                Use(opening.Groups["field"].Value, where);
            }
            else if (Default().Match(tag) is { Success: true } fallback)
            {
                Use(fallback.Groups["field"].Value, where);
            }
            else if (Formatted().Match(tag) is { Success: true } formatted)
            {
                return UseFormatted(formatted, where);
            }
            else if (Field().IsMatch(tag))
            {
                Use(tag, where);
            }
            else
            {
                Errors.Add($"{{{{{tag}}}}} at {where} is not understood.");
            }

            return tag;
        }

        private void Use(string field, string where)
        {
            if (IsKnown(field, where))
            {
                Slots.Add(new(field, field));
            }
        }

        private string UseFormatted(Match tag, string where)
        {
            var field = tag.Groups["field"].Value;
            var format = Enum.Parse<MergeFormat>(tag.Groups["format"].Value, ignoreCase: true);
            var style = tag.Groups["style"] is { Success: true, Value: var given } ? given : null;
            if (!IsKnown(field, where))
            {
                return field;
            }

            if (!Fits(MergeFields.KindOf(field), format))
            {
                Errors.Add($"{field} at {where} cannot be written as {format.ToString().ToLowerInvariant()}.");
            }

            if (style is not null && format != MergeFormat.Date)
            {
                Errors.Add($"Only dates have a style, at {where}.");
            }

            var known = Slots.FirstOrDefault(s => s.Field == field && s.Format == format && s.Style == style);
            if (known is null)
            {
                Slots.Add(known = new($"formatted{Slots.Count}", field, format, style));
            }

            return known.Name;
        }

        private static bool Fits(MergeKind? kind, MergeFormat format) => kind is null || format switch
        {
            MergeFormat.Date => kind == MergeKind.Day,
            MergeFormat.Currency => kind == MergeKind.Money,
            _ => kind is MergeKind.Number or MergeKind.Money,
        };

        private bool IsKnown(string field, string where)
        {
            if (MergeFields.Exists(field))
            {
                return true;
            }

            Errors.Add($"{field} at {where} is not a field of customers. Known: {string.Join(", ", MergeFields.Names)}, attributes.<key>.");
            return false;
        }
    }

    private static string Position(string source, int at) =>
        $"line {source.AsSpan(0, at).Count('\n') + 1}, column {at - source.LastIndexOf('\n', Math.Max(0, at - 1))}";

    private static IHandlebars Create(bool escape)
    {
        var handlebars = Handlebars.Create(new HandlebarsConfiguration { NoEscape = !escape });
        handlebars.RegisterHelper("default", (output, _, arguments) =>
            output.Write(arguments[0] is string { Length: > 0 } text ? text : arguments[1]));
        return handlebars;
    }

    [GeneratedRegex(@"(?<before>\bhref\s*=\s*(?<quote>[""']))(?<url>https?://[^""']+)[""']", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Link();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Field();

    [GeneratedRegex(@"^(?<format>number|currency|date)\s+(?<field>[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?)(\s+[""'](?<style>short|long|full)[""'])?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Formatted();

    [GeneratedRegex(@"^#(?<block>if|unless)\s+(?<field>[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Block();

    [GeneratedRegex(@"^default\s+(?<field>[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?)\s+(""[^""]*""|'[^']*')$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Default();
}
