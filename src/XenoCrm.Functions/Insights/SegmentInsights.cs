using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public enum TrendDirection
{
    Unknown,
    Growing,
    Shrinking,

    /// <summary>By less than a hundredth.</summary>
    Steady,
}

/// <param name="Days">Since so many days ago, or the last count before.</param>
/// <param name="Before">Members then.</param>
/// <param name="Share">Of the members then.</param>
public sealed record TrendChange(int Days, long Before, long Change, double? Share);

/// <param name="Direction">Of the longest change up to 30 days.</param>
/// <param name="DaysCounted">Days with a count, of the last <see cref="ReadTrend.Longest"/>.</param>
public sealed record TrendView(TrendDirection Direction, int DaysCounted, DateOnly? From, IReadOnlyList<TrendChange> Changes);

/// <summary>What distinguishes a segment. Shares are of the customers that were looked at; <paramref name="Sample"/> says of how many.</summary>
/// <param name="Source">Of the text: <c>model</c> or <c>offline</c>. Figures and findings never come from a model.</param>
/// <param name="Fallback">Why the text is not the model's, when there is one.</param>
/// <param name="Figures">Sizes, which the text may speak of beside the findings.</param>
/// <param name="Findings">The clearest differences first.</param>
/// <param name="LeftOut">Fields that were not compared, since the rule is about them.</param>
/// <param name="Dropped">Sentences that the model wrote and the figures do not hold.</param>
public sealed record SegmentInsightsView(
    string Source, string? Fallback, string SegmentId, SampleView Sample, IReadOnlyList<Figure> Figures, IReadOnlyList<Finding> Findings, ComparisonsView Test, IReadOnlyList<MixRow> Rfm,
    TrendView Trend, IReadOnlyList<LeftOut> LeftOut, IReadOnlyList<string> Text, int Dropped, DateTimeOffset At);

/// <summary>How a segment's size went, from the counts of each day.</summary>
public sealed class ReadTrend(SegmentGrowth growth, TimeProvider clock)
{
    public const int Longest = 90;
    private const double Steady = 0.01;

    /// <param name="members">Now.</param>
    public async Task<TrendView> ReadAsync(string segmentId, long members, CancellationToken cancellation)
    {
        var today = DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
        var days = (await growth.ReadAsync(segmentId, today.AddDays(-Longest), today, cancellation)).Days;
        var changes = new List<TrendChange>();
        foreach (var ago in new[] { 7, 30, Longest })
        {
            // A day without a count is as the last before it, but not for longer than another such span.
            if (days.LastOrDefault(d => d.Day <= today.AddDays(-ago)) is { } then && today.DayNumber - then.Day.DayNumber < 2 * ago)
            {
                changes.Add(new(ago, then.Members, members - then.Members, then.Members == 0 ? null : Math.Round((double)(members - then.Members) / then.Members, 4)));
            }
        }

        var direction = changes.Where(c => c.Days <= 30).MaxBy(c => c.Days) switch
        {
            null => TrendDirection.Unknown,
            { Change: 0 } => TrendDirection.Steady,
            { Share: { } share } when Math.Abs(share) < Steady => TrendDirection.Steady,
            { Change: > 0 } => TrendDirection.Growing,
            _ => TrendDirection.Shrinking,
        };
        return new(direction, days.Count, days.Count == 0 ? null : days[0].Day, changes);
    }
}

/// <summary>
/// What distinguishes a segment from everybody: computed from the customers, told in words by a model where there is one, and
/// held to the figures.
/// </summary>
public sealed class DescribeSegment(
    SegmentDirectory segments, RuleParser parser, ReadPopulation population, ReadTrend trends, RuleCatalogue catalogue, AskModel model, ReadVocabulary vocabulary, IOptions<WorkspaceOptions> workspace)
{
    public async Task<SegmentInsightsView> HandleAsync(string segmentId, CancellationToken cancellation)
    {
        var (view, profile) = await ComputeAsync(segmentId, cancellation);
        return await TellAsync(view, profile, cancellation);
    }

    /// <summary>For somebody who waits: the figures, which no model has to be waited for, then the text.</summary>
    public async IAsyncEnumerable<ServerEvent?> StreamAsync(string segmentId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (view, profile) = await ComputeAsync(segmentId, cancellation);
        yield return new("figures", "figures", view);
        var told = await TellAsync(view, profile, cancellation);
        yield return new("text", "text", new { told.Source, told.Fallback, told.Text, told.Dropped });
    }

    /// <summary>All but the text.</summary>
    private async Task<(SegmentInsightsView View, SegmentProfile Profile)> ComputeAsync(string segmentId, CancellationToken cancellation)
    {
        await parser.RefreshAsync(cancellation);
        var segment = (await segments.RequireAsync(segmentId, cancellation)).Value;
        var rule = parser.Parse(segment.Rule);
        var all = (await segments.AllAsync(cancellation)).ToDictionary(s => s.Id);
        var people = await population.ReadAsync(segmentId, rule, cancellation);
        var trend = await trends.ReadAsync(segmentId, people.View.Members, cancellation);
        var leaks = RuleLeaks.Of(rule, id => all.TryGetValue(id, out var other) ? parser.TryParse(other.Rule) : null);
        var names = all.Values.Where(s => s.Id != segmentId).ToDictionary(s => s.Id, s => s.Name);
        var profile = SegmentProfile.Of(people, Aspects.Of(catalogue.Types, names, workspace.Value.Currency, people.At), leaks);
        return (new(
            Sources.Offline, null, segmentId, people.View, InsightText.FiguresOf(people.View, trend), profile.Findings, profile.Test, profile.Rfm, trend, leaks, [], 0, people.At), profile);
    }

    private async Task<SegmentInsightsView> TellAsync(SegmentInsightsView view, SegmentProfile profile, CancellationToken cancellation)
    {
        if (!model.IsOn || view.Sample.Members == 0)
        {
            return view with { Text = InsightText.Write(view.Sample, profile, view.Trend) };
        }

        // Names of segments, companies and texts of attributes are words of people about people. What is left goes only if
        // nothing of it had to be hidden.
        var masking = new Masking(await vocabulary.ReadAsync(cancellation));
        var tellable = profile.Findings.Where(f => f.Field is not ("segments" or "company") && !f.Field.StartsWith("attributes.", StringComparison.Ordinal) && masking.Hide(f.Label) == f.Label).ToList();
        var prompt = InsightText.Ask(view.Figures, tellable);
        (IReadOnlyList<string> Kept, int Dropped) told = ([], 0);
        var answer = await model.AskAsync<SummaryAnswer>(prompt, value =>
        {
            told = InsightText.Check(value.Sentences, prompt, view.Figures, tellable);

            // Without a number it says nothing of the segment.
            return told.Kept.Any(s => s.Any(char.IsDigit));
        }, cancellation);
        return view with
        {
            Source = answer.Source, Fallback = answer.Fallback, Dropped = told.Dropped,
            Text = answer.Value is null ? InsightText.Write(view.Sample, profile, view.Trend) : told.Kept,
        };
    }
}
