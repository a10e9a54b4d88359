using System.Globalization;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using XenoCrm.Accounts;
using XenoCrm.Analytics;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Imports;
using XenoCrm.Insights;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Platform.Telemetry;
using XenoCrm.Privacy;
using XenoCrm.Segments;
using XenoCrm.Webhooks;

// A language is a customer's, never the machine's.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
builder.UseMiddleware<TraceMiddleware>();
builder.UseMiddleware<HeadersMiddleware>();
builder.UseMiddleware<ProblemMiddleware>();
builder.UseMiddleware<AccessMiddleware>();
builder.UseMiddleware<IdempotencyMiddleware>();
builder.UseMiddleware<AuditMiddleware>();

builder.Services
    .AddPlatform(builder.Configuration)
    .AddOpenApiDocument(typeof(Program).Assembly)
    .AddAccounts(builder.Configuration)
    .AddCustomers(builder.Configuration)
    .AddOrders(builder.Configuration)
    .AddSegments(builder.Configuration)
    .AddImports(builder.Configuration)
    .AddCampaigns()
    .AddDelivery(builder.Configuration)
    .AddInsights(builder.Configuration)
    .AddAnalytics(builder.Configuration)
    .AddWebhooks(builder.Configuration)
    .AddPrivacy();

builder.Build().Run();
