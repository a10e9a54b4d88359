using System.Globalization;
using CsvHelper;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Analytics;

/// <param name="Messages">The ledger.</param>
/// <param name="Converted">Messages that orders are put down to, of those sent.</param>
/// <param name="Orders">Put down to it, whenever they were placed.</param>
/// <param name="AfterClick">Of them: after a click.</param>
/// <param name="RevenuePerMessage">In the workspace's currency, over all messages sent; null when none was.</param>
/// <param name="Cost">What the vendors charge, as far as prices are known; in the workspace's currency.</param>
public sealed record ComparedCampaign(
    string Id, string Name, Channel Channel, string SegmentId, string? SeriesId, CampaignState State, DateTimeOffset LaunchedAt, DateTimeOffset? EndedAt,
    Counts Messages, Rate Delivered, Rate Opened, Rate Clicked, Rate Converted, int Orders, int AfterClick, IReadOnlyList<Amount> Revenue, decimal? RevenuePerMessage, decimal Cost);

/// <param name="ComputedAt">What was written before is in all of these figures.</param>
/// <param name="Total">Campaigns of the list, on all pages.</param>
/// <param name="Next">Send it as <c>cursor</c> for the next page; null on the last.</param>
public sealed record ComparedCampaigns(DateOnly From, DateOnly To, string TimeZone, DateTimeOffset ComputedAt, int Total, IReadOnlyList<ComparedCampaign> Items, string? Next);

/// <summary>Query parameters of the comparison.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ComparisonQueryAttribute() : QueriesAttribute(
[
    new("sort", typeof(string), "`launchedAt`, `name`, `sent`, `deliveredRate`, `openRate`, `clickRate`, `conversionRate`, `orders`, `revenue`, `cost`; with `-` in front from the highest. `-launchedAt` when absent."),
    new("channel", typeof(Channel), "Only this channel's."),
    new("format", typeof(string), "`csv`: a file with all of them; or by the header Accept."),
]);

/// <summary>Campaigns side by side, each by the figures of its own messages.</summary>
public sealed class CompareCampaigns(CampaignRollUps campaigns, Cursors cursors, IOptions<WorkspaceOptions> workspace)
{
    public const int MaxDays = 1100;

    private const string DefaultSort = "-launchedAt";

    private static readonly Dictionary<string, Func<ComparedCampaign, object>> Sorts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["launchedAt"] = c => c.LaunchedAt.UtcTicks,
        ["name"] = c => c.Name.ToUpperInvariant(),
        ["sent"] = c => (long)c.Messages.Sent,
        ["deliveredRate"] = c => c.Delivered.Value ?? -1,
        ["openRate"] = c => c.Opened.Value ?? -1,
        ["clickRate"] = c => c.Clicked.Value ?? -1,
        ["conversionRate"] = c => c.Converted.Value ?? -1,
        ["orders"] = c => (long)c.Orders,
        ["revenue"] = c => c.Revenue[0].Revenue,
        ["cost"] = c => c.Cost,
    };

    private readonly string currency = workspace.Value.Currency;

    public async Task<IResult> HandleAsync(HttpRequest request, DateRange range, bool fresh, CancellationToken cancellation)
    {
        var sort = request.Text("sort") ?? DefaultSort;
        var (down, by) = sort.StartsWith('-') ? (true, sort[1..]) : (false, sort);
        if (!Sorts.TryGetValue(by, out var value))
        {
            throw RequestInvalid.At("/sort", $"One of {string.Join(", ", Sorts.Keys)} is expected, with - in front for the highest first.").ToException();
        }

        var (channel, csv) = (request.Choice<Channel>("channel"), request.WantsCsv());
        var list = $"analytics-campaigns:{range.From:O}:{range.To:O}:{range.Zone.Id}:{sort}:{channel}";
        var page = PageRequest.From(request, cursors, list);

        var (found, computedAt) = await campaigns.ReadAsync(range, fresh, cancellation);
        var rows = found.Where(c => channel is null || c.Campaign.Channel == channel).Select(View).ToList();
        var order = Comparer<object>.Create((a, b) => (down ? -1 : 1) * (a is string x ? string.CompareOrdinal(x, (string)b) : System.Collections.Comparer.DefaultInvariant.Compare(a, b)));
        rows = [.. rows.OrderBy(value, order).ThenByDescending(c => c.Id, StringComparer.Ordinal)];
        if (csv)
        {
            return new CsvReply("campaigns.csv", (output, token) => WriteAsync(output, rows, token));
        }

        // By place: figures change between two pages, and with them the values that the list is sorted by.
        var skipped = page.Position is { } position ? int.Parse(position, CultureInfo.InvariantCulture) : 0;
        var next = skipped + page.Limit < rows.Count ? cursors.Protect(list, (skipped + page.Limit).ToString(CultureInfo.InvariantCulture)) : null;
        return Reply.Ok(new ComparedCampaigns(range.From, range.To, range.Zone.Id, computedAt, rows.Count, [.. rows.Skip(skipped).Take(page.Limit)], next));
    }

    private ComparedCampaign View(CampaignFigures c)
    {
        var rates = Rates.Of(c.Messages, c.Converted);
        var own = Money.ToMajor(c.Revenue.GetValueOrDefault(currency), currency);
        return new(
            c.Campaign.Id, c.Campaign.Name, c.Campaign.Channel, c.Campaign.SegmentId, c.Campaign.SeriesId, c.Campaign.State, c.Campaign.LaunchedAt, c.Campaign.EndedAt,
            c.Messages, rates.Delivered, rates.Opened, rates.Clicked, rates.Converted, c.Orders, c.AfterClick, Revenue(c), c.Messages.Sent == 0 ? null : decimal.Round(own / c.Messages.Sent, 4),
            c.Cost / PriceTable.Scale);
    }

    /// <summary>How many orders each currency has is not kept: the average is of all where there is one currency.</summary>
    private IReadOnlyList<Amount> Revenue(CampaignFigures c) =>
        Amount.Of(c.Revenue.Select(r => new CurrencySum(r.Key, c.Revenue.Count == 1 ? c.Orders : 0, r.Value)), currency);

    private static async Task WriteAsync(CsvWriter csv, List<ComparedCampaign> rows, CancellationToken cancellation)
    {
        string[] columns =
        [
            "id", "name", "channel", "segmentId", "state", "launchedAt", "endedAt", "audience", "sent", "delivered", "failed", "suppressed", "skipped", "pending", "opened", "clicked", "unsubscribed",
            "complained", "deliveredRate", "openRate", "clickRate", "conversionRate", "convertedMessages", "orders", "revenue", "currency", "cost",
        ];
        foreach (var column in columns)
        {
            csv.WriteField(column);
        }

        await csv.EndRecordAsync(cancellation);
        foreach (var c in rows)
        {
            var m = c.Messages;
            string[] texts = [c.Id, c.Name, c.Channel.Name(), c.SegmentId, char.ToLowerInvariant(c.State.ToString()[0]) + c.State.ToString()[1..], Time(c.LaunchedAt), Time(c.EndedAt)];
            int[] counts = [m.Audience, m.Sent, m.Delivered, m.Failed, m.Suppressed, m.Skipped, m.Pending, m.Opened, m.Clicked, m.Unsubscribed, m.Complained];
            double?[] rates = [c.Delivered.Value, c.Opened.Value, c.Clicked.Value, c.Converted.Value];
            foreach (var text in texts)
            {
                csv.WriteField(text);
            }

            foreach (var count in counts)
            {
                csv.WriteField(count);
            }

            foreach (var rate in rates)
            {
                csv.WriteField(rate?.ToString(CultureInfo.InvariantCulture) ?? "");
            }

            csv.WriteField(c.Converted.Count);
            csv.WriteField(c.Orders);
            csv.WriteField(c.Revenue[0].Revenue);
            csv.WriteField(c.Revenue[0].Currency);
            csv.WriteField(c.Cost);
            await csv.EndRecordAsync(cancellation);
        }
    }

    private static string Time(DateTimeOffset? time) => time is { } at ? UtcTimeConverter.Write(at) : "";
}
