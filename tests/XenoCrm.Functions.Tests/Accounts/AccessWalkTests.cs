using System.Buffers.Text;
using System.Security.Claims;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using XenoCrm.Platform;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Accounts;

/// <summary>Walks every route as everybody, and compares with <see cref="RouteTable"/>, which is written by hand.</summary>
public sealed class AccessWalkTests
{
    private const string Reached = "reached";

    [Fact]
    public void Every_route_is_in_the_table_and_every_line_of_it_is_a_route()
    {
        var routes = new HttpFunctions(typeof(HttpFunctions).Assembly).All
            .SelectMany(f => f.Methods.Select(m => $"{m.ToUpperInvariant()} /{f.Route}")).Order(StringComparer.Ordinal).ToList();
        routes.Count.ShouldBeGreaterThan(100);
        var table = RouteTable.All.Select(r => r.Route).ToList();
        table.ShouldBeUnique();
        routes.Except(table).ShouldBeEmpty("decide in RouteTable.cs who may call these");
        table.Except(routes).ShouldBeEmpty("these are no routes any more");
    }

    [Fact]
    public async Task Every_route_lets_in_whom_the_table_says_and_nobody_else()
    {
        await using var app = await AccountsApp.StartAsync();
        var callers = await CallersAsync(app);
        var wrong = new List<string>();
        var asked = 0;
        await Parallel.ForEachAsync(RouteTable.All, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (route, _) =>
        {
            foreach (var caller in callers)
            {
                var path = string.Join('/', route.Path.Trim('/').Split('/').Select(p => p.StartsWith("{*", StringComparison.Ordinal) ? "zzz" : p.StartsWith('{') ? "x1" : p));
                (string, string)[] headers = [(AccountsApp.Probe, "1"), .. caller.Headers];
                var answer = await app.SendAsync(new HttpMethod(route.Method), path, (HttpContent?)null, null, headers);
                var got = answer.Status == 200 ? Reached : $"{answer.Status} {(answer.Body.ValueKind == System.Text.Json.JsonValueKind.Object ? answer["code"].GetString() : answer.Text)}";
                var expected = caller.Expected(route);
                Interlocked.Increment(ref asked);
                if (got != expected)
                {
                    lock (wrong)
                    {
                        wrong.Add($"{route.Route} as {caller.Name}: expected {expected}, got {got}");
                    }
                }
            }
        });

        asked.ShouldBe(RouteTable.All.Count * callers.Count);
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_nobody_serves_is_told_without_a_token_and_other_methods_reach_nothing()
    {
        await using var app = await AccountsApp.StartAsync();
        (await app.GetAsync("api/no/such/route")).ShouldBeProblem(404, "request.route_not_found");
        (await app.SendAsync(HttpMethod.Delete, "api/customers", (HttpContent?)null)).ShouldBeProblem(404, "request.route_not_found");
        (await app.SendAsync(new HttpMethod("TRACE"), "api/customers", (HttpContent?)null)).Status.ShouldBe(404);
        (await app.SendAsync(HttpMethod.Head, "api/customers", (HttpContent?)null)).Status.ShouldBe(404);

        // Neither does a header that other servers heed change the method.
        (await app.PostAsync("api/auth/me", null, null, ("X-HTTP-Method-Override", "GET"))).Status.ShouldBe(404);
    }

    [Fact]
    public void A_function_without_a_declaration_stops_the_start()
    {
        var functions = new HttpFunctions(typeof(Undeclared).Assembly);
        functions.All.ShouldContain(f => f.Name == "Undeclared");
        Should.Throw<InvalidOperationException>(() => new AccessTable(functions)).Message.ShouldContain("Undeclared");
    }

    private sealed record Walker(string Name, (string, string)[] Headers, Func<RouteLine, string> Expected);

    private static async Task<List<Walker>> CallersAsync(AccountsApp app)
    {
        var admin = await app.UserAsync(Role.Admin);
        var callers = new List<Walker> { new("nobody", [], r => r.Role is null ? Reached : "401 auth.token_missing") };
        foreach (var role in Enum.GetValues<Role>())
        {
            var (_, tokens) = await app.UserAsync(role);
            callers.Add(new(role.ToString(), Bearer(tokens.AccessToken), r => r.Role is null || role >= r.Role ? Reached : "403 auth.role_too_low"));
        }

        var gone = await app.UserAsync(Role.Admin);
        await app.Users.DeleteAsync(gone.User.Id, null, CancellationToken.None);
        var inactive = await app.UserAsync(Role.Admin);
        await app.Users.UpdateAsync(inactive.User.Id, u => u with { Active = false }, CancellationToken.None);
        var (valid, session) = (admin.Tokens.AccessToken, new JsonWebToken(admin.Tokens.AccessToken).GetClaim("sid").Value);
        string[] parts = valid.Split('.');
        foreach (var (name, token) in new (string, string)[]
        {
            ("expired", Forge(app, admin.User, session, t => t.Expires = app.Clock.GetUtcNow().UtcDateTime.AddSeconds(-1))),
            ("not yet valid", Forge(app, admin.User, session, t => t.NotBefore = app.Clock.GetUtcNow().UtcDateTime.AddMinutes(5))),
            ("wrong key", Forge(app, admin.User, session, t => t.SigningCredentials = Sign(1, "a"))),
            ("unknown kid", Forge(app, admin.User, session, t => t.SigningCredentials = Sign(0, "z"))),
            ("wrong audience", Forge(app, admin.User, session, t => t.Audience = "others")),
            ("wrong issuer", Forge(app, admin.User, session, t => t.Issuer = "others")),
            ("another kind of token", Forge(app, admin.User, session, t => t.TokenType = "JWT")),
            ("unknown session", Forge(app, admin.User, "0123", _ => { })),
            ("somebody else's session", Forge(app, (await app.UserAsync(Role.Admin)).User, session, _ => { })),
            ("alg none", $"{Encode("""{"alg":"none","typ":"at+jwt","kid":"a"}""")}.{parts[1]}."),
            ("alg none with the old signature", $"{Encode("""{"alg":"none","typ":"at+jwt","kid":"a"}""")}.{parts[1]}.{parts[2]}"),
            ("tampered payload", $"{parts[0]}.{Encode(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])).Replace("Admin", "admin"))}.{parts[2]}"),
            ("tampered signature", valid[..^4] + (valid[^4] == 'A' ? 'B' : 'A') + valid[^3..]),
            ("refresh token", admin.Tokens.RefreshToken),
            ("deleted user", gone.Tokens.AccessToken),
            ("deactivated user", inactive.Tokens.AccessToken),
            ("no JWT", "x.y.z"),
        })
        {
            callers.Add(new(name, Bearer(token), r => r.Role is null ? Reached : "401 auth.token_invalid"));
        }

        callers.Add(new("basic", [("Authorization", "Basic YTpi")], r => r.Role is null ? Reached : "401 auth.token_missing"));
        await AddKeysAsync(app, callers, valid);
        return callers;
    }

    private static async Task AddKeysAsync(AccountsApp app, List<Walker> callers, string token)
    {
        var scopes = RouteTable.All.Select(r => r.Scope).OfType<string>().Where(s => s != "*").Distinct().ToList();
        scopes.Count.ShouldBeGreaterThan(5);
        foreach (var scope in scopes)
        {
            callers.Add(Key(await NewKeyAsync(app, [scope]), $"key for {scope}", [scope]));
        }

        callers.Add(Key(await NewKeyAsync(app, scopes), "key for everything", scopes));
        var expired = await NewKeyAsync(app, scopes, app.Clock.GetUtcNow().AddSeconds(1));
        app.Clock.Advance(TimeSpan.FromSeconds(2));
        var revoked = await NewKeyAsync(app, scopes);
        await app.Get<ApiKeys>().RevokeAsync(revoked.Split('_')[1], CancellationToken.None);
        var good = await NewKeyAsync(app, scopes);
        foreach (var (name, key) in new[]
        {
            ("expired key", expired), ("revoked key", revoked), ("key with another secret", good[..^43] + await NewSecretAsync(app)),
            ("half a key", good[..^5]), ("unknown key", "xk_0123456789abcdef" + good[^44..]), ("no key", "hello"), ("empty key", ""),
        })
        {
            callers.Add(new(name, [(Authentication.KeyHeader, key)], r => r.Role is null ? Reached : "401 auth.key_invalid"));
        }

        callers.Add(new("key and token", [(Authentication.KeyHeader, good), .. Bearer(token)], r => r.Role is null ? Reached : "400 auth.credentials_twice"));
    }

    private static async Task<string> NewSecretAsync(AccountsApp app) => (await NewKeyAsync(app, ["customers:read"]))[^43..];

    private static Walker Key(string key, string name, IReadOnlyList<string> scopes) => new(name, [(Authentication.KeyHeader, key)], r =>
        r.Role is null || r.Scope == "*" ? Reached
        : r.Scope is null ? "403 auth.people_only"
        : scopes.Contains(r.Scope) ? Reached : "403 auth.scope_missing");

    private static async Task<string> NewKeyAsync(AccountsApp app, IReadOnlyList<string> scopes, DateTimeOffset? expires = null) =>
        (await app.Get<ApiKeys>().CreateAsync(new("A key", scopes, expires), new("admin", "Admin", Role.Admin), CancellationToken.None)).Key;

    private static (string, string)[] Bearer(string token) => [("Authorization", $"Bearer {token}")];

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    /// <summary>A token that the service itself could have issued, but for one thing.</summary>
    private static string Forge(AccountsApp app, User user, string session, Action<SecurityTokenDescriptor> change)
    {
        var now = app.Clock.GetUtcNow().UtcDateTime;
        var token = new SecurityTokenDescriptor
        {
            Issuer = "xenocrm", Audience = "xenocrm", IssuedAt = now.AddMinutes(-1), NotBefore = now.AddMinutes(-1), Expires = now.AddMinutes(10), TokenType = "at+jwt",
            SigningCredentials = Sign(0, "a"),
            Subject = new ClaimsIdentity([new("sub", user.Id), new("name", user.Name), new("role", "Admin"), new("sid", session)]),
        };
        change(token);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(token);
    }

    private static SigningCredentials Sign(byte seed, string kid) =>
        new(new SymmetricSecurityKey([.. Enumerable.Repeat(seed, 32)]) { KeyId = kid }, SecurityAlgorithms.HmacSha256);
}

/// <summary>What the start must not accept.</summary>
public sealed class Undeclared
{
    [Microsoft.Azure.Functions.Worker.Function("Undeclared")]
    public Microsoft.AspNetCore.Http.IResult Run(
        [Microsoft.Azure.Functions.Worker.HttpTrigger(Microsoft.Azure.Functions.Worker.AuthorizationLevel.Anonymous, "get", Route = "api/undeclared")] Microsoft.AspNetCore.Http.HttpRequest request) => Microsoft.AspNetCore.Http.Results.Ok();
}
