using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XenoCrm.Customers;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Local.FunctionsRuntime;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>The function app with its whole pipeline over HTTP, on a database of its own; with accounts and customers behind it.</summary>
internal sealed class AccountsApp : IAsyncDisposable
{
    public const string AdminEmail = "admin@xeno.local";
    public const string Password = "a-very-long-password";

    /// <summary>A request with this header ends where its function would begin, and the answer names the function.</summary>
    public const string Probe = "X-Probe";

    private static readonly string Empty = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "empty")).FullName;

    private readonly EmulatorServer emulator;
    private readonly bool ownsEmulator;
    private readonly IHost host;

    private AccountsApp(EmulatorServer emulator, bool ownsEmulator, IHost host, ShiftedClock clock, RequestLog log)
    {
        (this.emulator, this.ownsEmulator, this.host, Clock, Storage) = (emulator, ownsEmulator, host, clock, log);
        Address = new(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
    }

    public HttpClient Http { get; }

    public Uri Address { get; }

    public ShiftedClock Clock { get; }

    /// <summary>What goes to the database; breaks it where it is told to.</summary>
    public RequestLog Storage { get; }

    public T Get<T>()
        where T : notnull => host.Services.GetRequiredService<T>();

    public WorkspaceStore<User> Users => Get<WorkspaceStore<User>>();

    public static async Task<AccountsApp> StartAsync(params (string Name, string Value)[] settings) =>
        await StartAsync(await EmulatorServer.StartAsync(new() { Port = 0, DataDirectory = null, Authenticate = false }), owns: true, new(), settings);

    /// <summary>Another instance of the service on the same database, with the same clock.</summary>
    public Task<AccountsApp> AnotherAsync(params (string Name, string Value)[] settings) => StartAsync(emulator, owns: false, Clock, settings);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        if (ownsEmulator)
        {
            await emulator.DisposeAsync();
        }
    }

    public Task<ApiAnswer> SendAsync(HttpMethod method, string path, object? body = null, string? token = null, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, body is null ? null : JsonContent.Create(body, body.GetType(), options: Json.Options), token, headers);

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, HttpContent? content, string? token = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var all = new HeaderDictionary();
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            all.Append(name, values.ToArray());
        }

        return new((int)response.StatusCode, all, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public Task<ApiAnswer> PostAsync(string path, object? body = null, string? token = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, token, headers);

    public Task<ApiAnswer> GetAsync(string path, string? token = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, (HttpContent?)null, token, headers);

    public Task<ApiAnswer> LogInAsync(string email, string password) => PostAsync("api/auth/login", new { email, password });

    public Task<ApiAnswer> RefreshAsync(string refreshToken) => PostAsync("api/auth/refresh", new { refreshToken });

    /// <summary>A user of the role, who is logged in; without the cost of a password unless one is given.</summary>
    public async Task<(User User, LoginResponse Tokens)> UserAsync(Role role, string? email = null, string? password = null)
    {
        email ??= $"{Guid.NewGuid():N}@example.com";
        var user = new User
        {
            Id = User.IdOf(email), Email = email, Name = $"A {role}", Role = role, CreatedAt = Clock.GetUtcNow(), Stamp = Get<Ids>().New(),
            PasswordHash = password is null ? "" : Get<Passwords>().Hash(password),
        };
        (await Users.TryCreateAsync(user, CancellationToken.None)).ShouldNotBeNull();
        return (user, await Get<Sessions>().BeginAsync(user, "Test", CancellationToken.None));
    }

    /// <summary>The log-in of the administrator that the settings made.</summary>
    public async Task<string> AdminAsync() =>
        (await LogInAsync(AdminEmail, Password)).ShouldBe(200)["accessToken"].GetString()!;

    public async Task<List<JsonElement>> AuditAsync(string token, string query = "") =>
        [.. (await GetAsync("api/audit?limit=200&" + query, token)).ShouldBe(200)["items"].EnumerateArray()];

    private static async Task<AccountsApp> StartAsync(EmulatorServer emulator, bool owns, ShiftedClock clock, (string Name, string Value)[] settings)
    {
        var arguments = new Dictionary<string, string>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["environment"] = "Development",
            ["contentRoot"] = Empty,
            ["AzureWebJobsScriptRoot"] = Empty,
            ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true",
            ["AzureFunctionsJobHost:extensions:http:routePrefix"] = "",
            ["Cosmos:Endpoint"] = emulator.Endpoint.ToString(),
            ["Cosmos:Key"] = EmulatorOptions.WellKnownKey,
            ["Auth:Admin:Email"] = AdminEmail,
            ["Auth:Admin:Password"] = Password,
            ["Auth:SigningKeys:0:Id"] = "a",
            ["Auth:SigningKeys:0:Key"] = Convert.ToBase64String(new byte[32]),
            ["Signing:Key"] = Convert.ToBase64String(new byte[33]),
            ["Workspace:AddressKey"] = Convert.ToBase64String(new byte[32]),
            ["RateLimits:Requests"] = "0",
            ["RateLimits:SignIns"] = "0",
        };
        foreach (var (name, value) in settings)
        {
            arguments[name] = value;
        }

        var classes = typeof(HttpFunctions).Assembly.GetTypes().Where(t => t.GetMethods().Any(IsFunction)).ToList();
        foreach (var method in classes.SelectMany(t => t.GetMethods()).Where(m => IsFunction(m) && !m.GetParameters().Any(p => p.IsDefined(typeof(HttpTriggerAttribute), false))))
        {
            arguments[$"AzureWebJobs.{((FunctionAttribute)method.GetCustomAttributes(typeof(FunctionAttribute), false)[0]).Name}.Disabled"] = "true";
        }

        var log = new RequestLog();
        var builder = FunctionsApplication.CreateBuilder([.. arguments.Select(a => $"--{a.Key}={a.Value}")]);
        builder.ConfigureFunctionsWebApplication();
        builder.UseFunctionsFrom(classes);
        builder.UseMiddleware<HeadersMiddleware>();
        builder.UseMiddleware<ProblemMiddleware>();
        builder.UseMiddleware<AccessMiddleware>();
        builder.UseMiddleware(StopAtProbe);
        builder.UseMiddleware<IdempotencyMiddleware>();
        builder.UseMiddleware<AuditMiddleware>();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddPlatform(builder.Configuration).AddOpenApiDocument(typeof(HttpFunctions).Assembly).AddAccounts(builder.Configuration).AddCustomers(builder.Configuration);
        builder.Services.AddSingleton<ISegmentTagger, CrmHarness.NoSegments>();
        // Its connections have the test's clock too: a jump of minutes must not find them idle.
        builder.Services.Configure<KestrelServerOptions>(o => o.Limits.KeepAliveTimeout = Timeout.InfiniteTimeSpan);
        builder.Services.Configure<PasswordHasherOptions>(o => o.IterationCount = 1000);
        builder.Services.Configure<CosmosOptions>(o => o.HttpClientFactory = () => new HttpClient(new CrmHarness.LoggingHandler(log)));
        var built = builder.Build();
        await built.StartAsync();
        log.Reset();
        return new(emulator, owns, built, clock, log);
    }

    private static bool IsFunction(System.Reflection.MethodInfo method) => method.IsDefined(typeof(FunctionAttribute), false);

    private static Task StopAtProbe(FunctionContext context, Func<Task> next)
    {
        if (context.GetHttpContext() is not { } http || !http.Request.Headers.ContainsKey(Probe))
        {
            return next();
        }

        context.GetInvocationResult().Value = Results.Text(context.FunctionDefinition.Name);
        return Task.CompletedTask;
    }
}
