using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.OpenApi;

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
builder.UseMiddleware<ProblemMiddleware>();
builder.UseMiddleware<AccessMiddleware>();

builder.Services
    .AddPlatform(builder.Configuration)
    .AddOpenApiDocument(typeof(Program).Assembly)
    .AddAccounts(builder.Configuration);

builder.Build().Run();
