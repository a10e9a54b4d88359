using System.Text.RegularExpressions;
using HandlebarsDotNet;

namespace XenoCrm.Campaigns;

/// <summary>
/// One text of a campaign with Handlebars placeholders: <c>{{firstName}}</c>, <c>{{attributes.plan}}</c>,
/// <c>{{default firstName "friend"}}</c>, <c>{{#if city}}…{{else}}…{{/if}}</c>, <c>{{#unless city}}…{{/unless}}</c>, <c>{{! a note }}</c>.
/// Nothing else of Handlebars: no loops, no partials, and no unescaped output, through which a customer's name could
/// bring markup into an email.
/// </summary>
public sealed partial class MessageTemplate
{
    private static readonly IHandlebars Html = Create(escape: true);
    private static readonly IHandlebars Plain = Create(escape: false);

    private readonly HandlebarsTemplate<object, object> render;

    private MessageTemplate(HandlebarsTemplate<object, object> render, IReadOnlyCollection<string> fields)
    {
        this.render = render;
        Fields = fields;
    }

    /// <summary>The customer's fields that the template names.</summary>
    public IReadOnlyCollection<string> Fields { get; }

    /// <param name="html">Whether values are HTML-escaped.</param>
    /// <param name="errors">What is wrong with the template, in words for its author; empty when the result is not null.</param>
    public static MessageTemplate? TryCompile(string source, bool html, out IReadOnlyList<string> errors)
    {
        var found = new List<string>();
        var fields = new HashSet<string>();
        Scan(source, fields, found);
        errors = found;
        if (found.Count > 0)
        {
            return null;
        }

        try
        {
            return new((html ? Html : Plain).Compile(source), fields);
        }
        catch (HandlebarsException exception)
        {
            found.Add(exception.Message.ReplaceLineEndings(" ").Trim());
            return null;
        }
    }

    public string Render(Dictionary<string, object?> values) => render(values);

    private static void Scan(string source, HashSet<string> fields, List<string> errors)
    {
        var open = new Stack<string>();
        var at = 0;
        while ((at = source.IndexOf("{{", at, StringComparison.Ordinal)) >= 0)
        {
            var end = source.IndexOf("}}", at, StringComparison.Ordinal);
            if (end < 0)
            {
                errors.Add($"The tag at {Position(source, at)} is not closed with }}}}.");
                return;
            }

            var tag = source[(at + 2)..end].Trim();
            var where = Position(source, at);
            at = end + 2;
            if (tag.StartsWith('!'))
            {
                continue;
            }

            if (tag.StartsWith('{') || tag.StartsWith('&'))
            {
                errors.Add($"Unescaped output at {where} is not allowed: write {{{{field}}}}.");
                return;
            }

            Check(tag, where, open, fields, errors);
        }

        errors.AddRange(open.Select(block => $"The block {{{{#{block}}}}} is not closed."));
    }

    private static void Check(string tag, string where, Stack<string> open, HashSet<string> fields, List<string> errors)
    {
        if (tag is "else")
        {
            if (open.Count == 0)
            {
                errors.Add($"{{{{else}}}} at {where} is outside of a block.");
            }
        }
        else if (tag.StartsWith('/'))
        {
            if (!open.TryPop(out var block) || block != tag[1..].Trim())
            {
                errors.Add($"{{{{{tag}}}}} at {where} closes a block that is not open.");
            }
        }
        else if (Block().Match(tag) is { Success: true } opening)
        {
            open.Push(opening.Groups["block"].Value);
            Use(opening.Groups["field"].Value);
        }
        else if (Default().Match(tag) is { Success: true } fallback)
        {
            Use(fallback.Groups["field"].Value);
        }
        else if (Field().IsMatch(tag))
        {
            Use(tag);
        }
        else
        {
            errors.Add($"{{{{{tag}}}}} at {where} is not understood.");
        }

        void Use(string field)
        {
            if (MergeFields.Exists(field))
            {
                fields.Add(field);
            }
            else
            {
                errors.Add($"{field} at {where} is not a field of customers. Known: {string.Join(", ", MergeFields.Names)}, attributes.<key>.");
            }
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

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Field();

    [GeneratedRegex(@"^#(?<block>if|unless)\s+(?<field>[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?)$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Block();

    [GeneratedRegex(@"^default\s+(?<field>[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)?)\s+(""[^""]*""|'[^']*')$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Default();
}
