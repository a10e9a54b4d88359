using Microsoft.AspNetCore.Http;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform;

namespace XenoCrm.Analytics;

/// <summary>The routes of figures, called as the host calls them.</summary>
internal static class FigureCalls
{
    public static Task<ApiAnswer> OverviewAsync(this DeliveryHarness harness, string query = "") => harness.AskAsync((f, r) => f.Overview(r, default), query);

    public static Task<ApiAnswer> RevenueAsync(this DeliveryHarness harness, string query = "") => harness.AskAsync((f, r) => f.Revenue(r, default), query);

    public static Task<ApiAnswer> CompareAsync(this DeliveryHarness harness, string query = "") => harness.AskAsync((f, r) => f.Campaigns(r, default), query);

    public static Task<ApiAnswer> CohortsAsync(this DeliveryHarness harness, string query = "") => harness.AskAsync((f, r) => f.Cohorts(r, default), query);

    public static Task<ApiAnswer> SendTimeAsync(this DeliveryHarness harness, string query = "", string? body = null)
    {
        var functions = harness.Create<SendTimeFunctions>();
        return ApiCall.SendAsync(harness.Provider, r => body is null ? functions.Get(r, default) : functions.Find(r, default), body, "application/json", query, null);
    }

    private static Task<ApiAnswer> AskAsync(this DeliveryHarness harness, Func<AnalyticsFunctions, HttpRequest, Task<IResult>> call, string query)
    {
        var functions = harness.Create<AnalyticsFunctions>();
        return ApiCall.SendAsync(harness.Provider, r => call(functions, r), null, "", query, null);
    }
}
