using System.Collections.Concurrent;
using XenoCrm.Customers;

namespace XenoCrm.Campaigns;

/// <summary>What one customer gets.</summary>
public readonly record struct RenderedContent(string? Subject, string? Html, string? Text);

/// <summary>A campaign's content, compiled.</summary>
public sealed class CompiledContent(MergeFields merge, MessageTemplate? subject, MessageTemplate? html, MessageTemplate? text)
{
    /// <summary>The customer's fields that the content names.</summary>
    public IReadOnlyList<string> Fields { get; } = [.. new[] { subject, html, text }.SelectMany(t => t?.Fields ?? []).Distinct()];

    /// <param name="unsubscribeUrl">This message's own.</param>
    public RenderedContent Render(Customer customer, string? unsubscribeUrl) => new(
        Render(subject, customer, unsubscribeUrl)?.ReplaceLineEndings(" "), Render(html, customer, unsubscribeUrl), Render(text, customer, unsubscribeUrl));

    private string? Render(MessageTemplate? template, Customer customer, string? unsubscribeUrl) =>
        template?.Render(merge.Of(customer, unsubscribeUrl, template.Slots));
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

        return compiled.GetOrAdd(content, c => new(merge, Compile(c.Subject, false), Compile(c.Html, true), Compile(c.Text, false)));
    }

    private static MessageTemplate? Compile(string? source, bool html) =>
        source is null ? null : MessageTemplate.TryCompile(source, html, out var errors)
            ?? throw new InvalidOperationException("A stored template does not compile: " + string.Join(" ", errors));
}
