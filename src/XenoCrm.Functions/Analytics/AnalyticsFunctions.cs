using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Analytics;

public sealed class AnalyticsFunctions(ReadDashboard dashboard, CompareCampaigns campaigns, ReadRevenue revenue, ReadCohorts cohorts, IOptions<AnalyticsOptions> options, TimeProvider clock)
{
    [Function("GetDashboard")]
    [RequireRole(Role.Viewer)]
    [Describe("Read the figures of the dashboard", "Customers, orders, revenue, campaigns and their rates over a range of days, each day, and the range before. Amounts are in major units of their currency; rates are shares from 0 to 1 with 95 % intervals; messages count on the day on which their campaign was launched.")]
    [RangeQuery, Answers(200, typeof(Dashboard))]
    public async Task<IResult> Overview(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/analytics/overview")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await dashboard.HandleAsync(DateRange.Of(request, options.Value, clock, ReadDashboard.MaxDays), DateRange.IsFresh(request), cancellation));

    [Function("CompareCampaigns")]
    [RequireRole(Role.Viewer)]
    [Describe("Compare campaigns", "Those launched in the range (90 days when absent), each by the figures of its own messages and the orders put down to them, whenever those came.")]
    [RangeQuery, ComparisonQuery, Paged, Answers(200, typeof(ComparedCampaigns)), Answers(200, ContentType = "text/csv")]
    public Task<IResult> Campaigns(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/analytics/campaigns")] HttpRequest request, CancellationToken cancellation) =>
        campaigns.HandleAsync(request, DateRange.Of(request, options.Value, clock, CompareCampaigns.MaxDays, days: 90), DateRange.IsFresh(request), cancellation);

    [Function("GetRevenue")]
    [RequireRole(Role.Viewer)]
    [Describe("Read the revenue by time, campaign and category", "Of orders placed in the range, by when they were placed; refunds count for the day of their order.")]
    [RangeQuery, Query("interval", typeof(Interval), "The periods of the series. `day` when absent."), Query("top", typeof(int), "Rows of campaigns and of categories, 1 to 500; the others are one row. 20 when absent.")]
    [Answers(200, typeof(RevenueView))]
    public async Task<IResult> Revenue(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/analytics/revenue")] HttpRequest request, CancellationToken cancellation)
    {
        var interval = request.Choice<Interval>("interval") ?? Interval.Day;
        var top = ReadRevenue.DefaultTop;
        if (request.Text("top") is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out top) || top is < 1 or > MonthRollUps.MaxParts))
        {
            throw RequestInvalid.At("/top", string.Create(CultureInfo.InvariantCulture, $"A whole number from 1 to {MonthRollUps.MaxParts} is expected.")).ToException();
        }

        var range = DateRange.Of(request, options.Value, clock, interval == Interval.Day ? ReadRevenue.MaxDays : ReadRevenue.MaxPeriodDays);
        return Reply.Ok(await revenue.HandleAsync(range, interval, top, DateRange.IsFresh(request), cancellation));
    }

    [Function("GetCohorts")]
    [RequireRole(Role.Viewer)]
    [Describe("Read how many customers come back", "Cohorts are customers by the month of their first order that counts; of each, how many ordered in every month since, and what that brought.")]
    [Query("from", typeof(string), "First month of the cohorts, YYYY-MM. 12 months until `to` when absent."), Query("to", typeof(string), "Last month, included. The present one when absent.")]
    [Query("zone", typeof(string), "IANA time zone of the months; the setting `Analytics__TimeZone` when absent."), Query("fresh", typeof(bool), "`true`: computed now, and exact. Otherwise up to a day old; see `computedAt`.")]
    [Answers(200, typeof(CohortsView))]
    public async Task<IResult> Cohorts(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/analytics/cohorts")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await cohorts.HandleAsync(request, cancellation));
}
