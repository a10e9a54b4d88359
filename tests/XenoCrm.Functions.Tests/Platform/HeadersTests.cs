using XenoCrm.Accounts;

namespace XenoCrm.Platform;

public sealed class HeadersTests
{
    private const string Origin = "https://app.example";

    [Fact]
    public async Task Every_answer_says_how_browsers_are_to_treat_it()
    {
        await using var app = await AccountsApp.StartAsync();
        foreach (var answer in new[] { await app.GetAsync("api/health/live"), await app.GetAsync("api/auth/me"), await app.GetAsync("api/no/route"), await app.GetAsync("api/openapi.json"), await app.GetAsync("api-docs/index.html") })
        {
            answer.Headers.XContentTypeOptions.ToString().ShouldBe("nosniff");
            answer.Headers["Referrer-Policy"].ToString().ShouldBe("no-referrer");
            answer.Headers.ContentSecurityPolicy.ToString().ShouldContain("frame-ancestors 'none'");
            answer.Headers.ContentSecurityPolicy.ToString().ShouldStartWith("default-src 'none'");
            answer.Headers.ContainsKey("Strict-Transport-Security").ShouldBeFalse("the connection is plain");
            answer.Headers.ContainsKey("Server").ShouldBeFalse();
        }

        (await app.GetAsync("api/auth/me")).Headers.CacheControl.ToString().ShouldBe("no-store");
        var page = (await app.GetAsync("api-docs/index.html")).ShouldBe(200);
        page.Headers.ContentSecurityPolicy.ToString().ShouldContain("script-src 'self'");
        page.Text.ShouldNotContain("<script>", Case.Insensitive, "the policy lets no script in the page run");
        (await app.GetAsync("api/health/live", null, ("X-Forwarded-Proto", "https"))).Headers.StrictTransportSecurity.ToString().ShouldStartWith("max-age=31536000");
    }

    [Fact]
    public async Task Pages_of_configured_origins_may_call_and_others_may_not()
    {
        await using var app = await AccountsApp.StartAsync(("Cors:Origins:0", Origin + "/"));
        var (_, tokens) = await app.UserAsync(Role.Viewer);
        var preflight = await app.SendAsync(HttpMethod.Options, "api/customers", (HttpContent?)null, null, ("Origin", Origin), ("Access-Control-Request-Method", "PATCH"), ("Access-Control-Request-Headers", "authorization"));
        preflight.ShouldBe(204).Headers.AccessControlAllowOrigin.ToString().ShouldBe(Origin);
        preflight.Headers.AccessControlAllowMethods.ToString().ShouldContain("PATCH");
        preflight.Headers.AccessControlAllowHeaders.ToString().ShouldContain("Authorization");
        preflight.Headers.ContainsKey("Access-Control-Allow-Credentials").ShouldBeFalse();

        foreach (var answer in new[] { await app.GetAsync("api/auth/me", tokens.AccessToken, ("Origin", Origin)), await app.GetAsync("api/auth/me", null, ("Origin", Origin)) })
        {
            answer.Headers.AccessControlAllowOrigin.ToString().ShouldBe(Origin);
            answer.Headers.AccessControlExposeHeaders.ToString().ShouldContain("ETag");
            answer.Headers.Vary.ToString().ShouldContain("Origin");
        }

        foreach (var other in new[] { "https://evil.example", "https://app.example.evil.example", "null", "http://app.example" })
        {
            var refused = await app.SendAsync(HttpMethod.Options, "api/customers", (HttpContent?)null, null, ("Origin", other), ("Access-Control-Request-Method", "GET"));
            refused.Headers.ContainsKey("Access-Control-Allow-Origin").ShouldBeFalse(other);
            refused.Headers.ContainsKey("Access-Control-Allow-Methods").ShouldBeFalse(other);
        }
    }

    [Fact]
    public async Task Without_configuration_no_other_page_may()
    {
        await using var app = await AccountsApp.StartAsync();
        (await app.SendAsync(HttpMethod.Options, "api/customers", (HttpContent?)null, null, ("Origin", Origin))).ShouldBe(204).Headers.ContainsKey("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task A_host_header_of_anybody_else_changes_no_address_that_is_handed_out()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var created = (await app.PostAsync("api/customers", new { email = "h@example.com" }, admin, ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"))).ShouldBe(201);
        created.Headers.Location.ToString().ShouldStartWith("/api/customers/");
        created.Text.ShouldNotContain("evil.example");
        foreach (var answer in new[] { await app.GetAsync("api/customers", admin, ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example")), await app.GetAsync("api/nothing", null, ("X-Forwarded-Host", "evil.example")) })
        {
            answer.Text.ShouldNotContain("evil.example");
            answer.Headers.ShouldAllBe(h => !h.Value.ToString().Contains("evil.example"));
        }
    }
}
