using System.Collections.Concurrent;
using XenoCrm.Customers;

namespace XenoCrm.Campaigns;

/// <summary>What one customer gets.</summary>
/// <param name="UnsubscribeUrl">For the headers of an email.</param>
public readonly record struct RenderedContent(string? Subject, string? Html, string? Text, string? UnsubscribeUrl)
{
    /// <summary>Of the vendor's template that the message is made of; null: it is made of the text.</summary>
    public string? ContentSid { get; init; }

    /// <summary>What stands in its places.</summary>
    public IReadOnlyDictionary<string, string>? ContentVariables { get; init; }
}

/// <summary>The addresses in one message that are its own.</summary>
/// <param name="UnsubscribeUrl">Where the recipient can stop the messages.</param>
/// <param name="Click">Turns the target of a link into what stands in the message.</param>
/// <param name="PixelUrl">An image that says that the message was opened; null: none.</param>
public sealed record MessageLinks(string UnsubscribeUrl, Func<string, string> Click, string? PixelUrl);

/// <summary>A campaign's content, compiled.</summary>
public sealed class CompiledContent(
    MergeFields merge, MessageTemplate? subject, MessageTemplate? html, MessageTemplate? text, string? contentSid, IReadOnlyList<(string Name, MessageTemplate Value)> variables)
{
    /// <summary>The customer's fields that the content names.</summary>
    public IReadOnlyList<string> Fields { get; } = [.. new[] { subject, html, text }.Concat(variables.Select(v => v.Value)).SelectMany(t => t?.Fields ?? []).Distinct()];

    public RenderedContent Render(Customer customer, MessageLinks links) => new(
        Render(subject, customer, links)?.ReplaceLineEndings(" "),
        WithPixel(Render(html, customer, links), links.PixelUrl),
        Render(text, customer, links),
        links.UnsubscribeUrl)
    {
        ContentSid = contentSid,
        ContentVariables = variables.Count == 0 ? null : variables.ToDictionary(v => v.Name, v => OneLine(Render(v.Value, customer, links)!)),
    };

    /// <summary>WhatsApp refuses line breaks, tabs and more than four spaces in a row within a variable.</summary>
    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private string? Render(MessageTemplate? template, Customer customer, MessageLinks links) =>
        template?.Render(merge.Of(customer, links.UnsubscribeUrl, template.Slots), links.Click);

    private static string? WithPixel(string? html, string? url)
    {
        if (html is null || url is null)
        {
            return html;
        }

        var end = html.LastIndexOf("</body>", StringComparison.OrdinalIgnoreCase);
        return html.Insert(end < 0 ? html.Length : end, $"""<img src="{url}" width="1" height="1" alt="">""");
    }
}

/// <summary>Compiling takes milliseconds, rendering microseconds: compiled once per content and process.</summary>
public sealed class CampaignTemplates(MergeFields merge)
{
    private const int MaxKept = 200;
    private readonly ConcurrentDictionary<CampaignContent, CompiledContent> compiled = new();

    public CompiledContent Get(CampaignContent content)
    {
        if (compiled.TryGetValue(content, out var found))
        {
            return found;
        }

        // Only what is running is needed; forgetting all of it now and then is cheaper than book-keeping.
        if (compiled.Count >= MaxKept)
        {
            compiled.Clear();
        }

        return compiled.GetOrAdd(content, c => new(
            merge, Compile(c.Subject, false), Compile(c.Html, true), Compile(c.Text, false), c.ContentSid, [.. (c.ContentVariables ?? NoVariables).Select(v => (v.Key, Compile(v.Value, false)!))]));
    }

    private static readonly Dictionary<string, string> NoVariables = [];

    private static MessageTemplate? Compile(string? source, bool html) =>
        source is null ? null : MessageTemplate.TryCompile(source, html, out var errors)
            ?? throw new InvalidOperationException("A stored template does not compile: " + string.Join(" ", errors));
}
