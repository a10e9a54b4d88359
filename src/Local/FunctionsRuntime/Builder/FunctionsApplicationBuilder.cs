using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XenoCrm.Local.FunctionsRuntime.Hosting;
using XenoCrm.Local.FunctionsRuntime.Http;
using XenoCrm.Local.FunctionsRuntime.Queues;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace Microsoft.Azure.Functions.Worker.Builder;

public class FunctionsApplication
{
    /// <summary>
    /// Begins a function app. Configuration, lowest first: appsettings.json, local.settings.json beside the app, environment
    /// variables, command line.
    /// </summary>
    public static FunctionsApplicationBuilder CreateBuilder(string[] args) => new(args);
}

/// <summary>Builds the app and its host, which is this process: Kestrel for HTTP, a listener per other trigger.</summary>
public class FunctionsApplicationBuilder : IHostApplicationBuilder, IFunctionsWorkerApplicationBuilder
{
    /// <summary>Where Core Tools listens.</summary>
    private const string DefaultUrl = "http://127.0.0.1:7071";

    private readonly WebApplicationBuilder _web;
    private readonly List<Func<FunctionExecutionDelegate, FunctionExecutionDelegate>> _middleware = [];
    private readonly string _baseDirectory;
    private bool _aspNetCore;
    private bool _built;

    internal FunctionsApplicationBuilder(string[] args)
    {
        _web = WebApplication.CreateSlimBuilder(args);
        _baseDirectory = Configuration["AzureWebJobsScriptRoot"] ?? AppContext.BaseDirectory;
        AddLocalSettings();
        // Below every other source: what ASP.NET says of each request is noise unless it is asked for.
        ((IConfigurationBuilder)Configuration).Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [new("Logging:LogLevel:Default", "Information"), new("Logging:LogLevel:Microsoft.AspNetCore", "Warning")],
        });
        // The slim builder leaves the regex constraint out.
        Services.AddRouting();
        Services.Configure<JsonSerializerOptions>(o => o.PropertyNameCaseInsensitive = true);
        if (string.IsNullOrEmpty(Configuration[WebHostDefaults.ServerUrlsKey]))
            _web.WebHost.UseUrls(DefaultUrl);
        Services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // How large a body may be is for the app to say: an import takes more than a webhook.
            kestrel.Limits.MaxRequestBodySize = null;
        });
    }

    public IDictionary<object, object> Properties => ((IHostApplicationBuilder)_web).Properties;

    IConfigurationManager IHostApplicationBuilder.Configuration => Configuration;

    public ConfigurationManager Configuration => _web.Configuration;

    public IHostEnvironment Environment => _web.Environment;

    public ILoggingBuilder Logging => _web.Logging;

    public IMetricsBuilder Metrics => _web.Metrics;

    public IServiceCollection Services => _web.Services;

    /// <summary>Where functions are looked for; the entry assembly unless something else was given.</summary>
    internal IEnumerable<Type>? FunctionTypes { get; set; }

    public void ConfigureContainer<TContainerBuilder>(
        IServiceProviderFactory<TContainerBuilder> factory, Action<TContainerBuilder>? configure = null)
        where TContainerBuilder : notnull
        => ((IHostApplicationBuilder)_web).ConfigureContainer(factory, configure);

    public IFunctionsWorkerApplicationBuilder Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> middleware)
    {
        ThrowIfBuilt();
        _middleware.Add(middleware);
        return this;
    }

    /// <exception cref="FunctionsStartException">A function or a setting is wrong; nothing has been started.</exception>
    public IHost Build()
    {
        ThrowIfBuilt();
        _built = true;

        var types = FunctionTypes ?? (Assembly.GetEntryAssembly() ?? throw new FunctionsStartException("The process has no entry assembly to look for functions in.")).GetTypes();
        var settings = HostSettings.Read(Configuration, HostJsonPath(), DefaultHostId(types));
        AddLogLevelsOfHostJson();
        var catalog = FunctionCatalog.Find(types, Configuration, _aspNetCore);

        Services.AddMvcCore();
        Services.TryAddSingleton(TimeProvider.System);
        Services.AddSingleton(settings);
        Services.AddSingleton(catalog);
        Services.AddSingleton<Shutdown>();
        Services.AddSingleton<StorageClients>();
        Services.AddSingleton<QueueOutputs>();
        Services.AddSingleton<FunctionKeys>();
        Services.AddSingleton<HttpFrontEnd>();
        Services.AddSingleton(provider => new FunctionExecutor(
            _middleware, provider.GetRequiredService<QueueOutputs>(), provider.GetRequiredService<ILogger<FunctionExecutor>>()));
        Services.AddHostedService<TriggerService>();
        // The web server's own drain must outlast ours: we decide when running work is cut off.
        Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.DrainTime + TimeSpan.FromSeconds(5));

        var app = _web.Build();
        app.Services.GetRequiredService<HttpFrontEnd>().Map(app);
        return app;
    }

    internal void UseAspNetCore()
    {
        ThrowIfBuilt();
        if (_aspNetCore)
            return;
        // In the real worker the call adds a middleware, and those before it never see the HTTP context.
        if (_middleware.Count > 0)
            throw new FunctionsStartException("Call ConfigureFunctionsWebApplication() before UseMiddleware(): middleware that comes first has no HTTP context.");
        _aspNetCore = true;
    }

    private void AddLocalSettings()
    {
        var path = Path.Combine(_baseDirectory, "local.settings.json");
        if (!File.Exists(path))
            return;
        var sources = ((IConfigurationBuilder)Configuration).Sources;
        var environment = sources.ToList().FindLastIndex(s => s is EnvironmentVariablesConfigurationSource { Prefix: null or "" });
        sources.Insert(Math.Max(environment, 0), new MemoryConfigurationSource { InitialData = Settings.ReadLocal(path) });
    }

    private string? HostJsonPath()
        => new[] { Path.Combine(_baseDirectory, "host.json"), Path.Combine(_web.Environment.ContentRootPath, "host.json") }
            .FirstOrDefault(File.Exists);

    private void AddLogLevelsOfHostJson()
    {
        var levels = HostSettings.HostJson(Configuration, HostJsonPath()).GetSection("logging:logLevel").GetChildren()
            .ToDictionary(l => "Logging:LogLevel:" + (string.Equals(l.Key, "default", StringComparison.OrdinalIgnoreCase) ? "Default" : l.Key), l => l.Value);
        if (levels.Count > 0)
            ((IConfigurationBuilder)Configuration).Sources.Insert(1, new MemoryConfigurationSource { InitialData = levels });
    }

    private static string DefaultHostId(IEnumerable<Type> types)
        => (types.FirstOrDefault() ?? typeof(FunctionsApplication)).Assembly.GetName().Name!.Replace('.', '-');

    private void ThrowIfBuilt()
    {
        if (_built)
            throw new InvalidOperationException("The application has already been built.");
    }
}

public static class FunctionsApplicationBuilderAspNetCoreExtensions
{
    /// <summary>
    /// Lets HTTP functions take <c>HttpRequest</c> and return <c>IActionResult</c> or <c>IResult</c>. Comes before
    /// <c>UseMiddleware</c>.
    /// </summary>
    public static FunctionsApplicationBuilder ConfigureFunctionsWebApplication(this FunctionsApplicationBuilder builder)
    {
        builder.UseAspNetCore();
        return builder;
    }
}
