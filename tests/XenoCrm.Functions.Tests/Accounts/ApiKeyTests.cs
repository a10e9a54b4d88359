namespace XenoCrm.Accounts;

public sealed class ApiKeyTests
{
    [Fact]
    public async Task A_key_opens_what_it_is_good_for_and_is_shown_once()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var created = (await app.PostAsync("api/api-keys", new { name = "Shop", scopes = new[] { "customers:read", "customers:write" } }, admin)).ShouldBe(201);
        var (key, id) = (created["key"].GetString()!, created["details"].GetProperty("id").GetString()!);
        key.ShouldStartWith("xk_" + id);

        (await WithKeyAsync(app, HttpMethod.Get, "api/customers", key)).ShouldBe(200);
        (await WithKeyAsync(app, HttpMethod.Post, "api/customers", key, new { email = "bought@example.com" })).ShouldBe(201);
        (await WithKeyAsync(app, HttpMethod.Get, "api/orders", key)).ShouldBeProblem(403, "auth.scope_missing");
        (await WithKeyAsync(app, HttpMethod.Get, "api/users", key)).ShouldBeProblem(403, "auth.people_only");
        var me = (await WithKeyAsync(app, HttpMethod.Get, "api/auth/me", key)).ShouldBe(200);
        me["kind"].GetString().ShouldBe("key");
        me["name"].GetString().ShouldBe("Shop");

        var list = (await app.GetAsync("api/api-keys", admin)).ShouldBe(200);
        list.Text.ShouldNotContain(key[^43..]);
        var stored = (await app.Get<Platform.Cosmos.WorkspaceStore<ApiKey>>().ReadAsync(id, CancellationToken.None))!.Value;
        System.Text.Json.JsonSerializer.Serialize(stored).ShouldNotContain(key[^43..]);
        list["items"][0].GetProperty("prefix").GetString().ShouldBe("xk_" + id);
        list["items"][0].GetProperty("lastUsedAt").GetDateTimeOffset().ShouldBeGreaterThan(app.Clock.GetUtcNow().AddMinutes(-1));

        (await app.SendAsync(HttpMethod.Delete, $"api/api-keys/{id}", (HttpContent?)null, admin)).ShouldBe(204);
        (await WithKeyAsync(app, HttpMethod.Get, "api/customers", key)).ShouldBeProblem(401, "auth.key_invalid");
        (await app.SendAsync(HttpMethod.Delete, $"api/api-keys/{id}", (HttpContent?)null, admin)).ShouldBeProblem(404, "api_key.not_found");
    }

    [Fact]
    public async Task A_revoked_key_is_refused_by_other_instances_within_the_delay()
    {
        await using var app = await AccountsApp.StartAsync();
        await using var other = await app.AnotherAsync();
        var key = await NewAsync(app);
        (await WithKeyAsync(other, HttpMethod.Get, "api/customers", key.Key)).ShouldBe(200);
        await app.Get<ApiKeys>().RevokeAsync(key.Details.Id, CancellationToken.None);
        (await WithKeyAsync(app, HttpMethod.Get, "api/customers", key.Key)).ShouldBeProblem(401, "auth.key_invalid");
        app.Clock.Advance(TimeSpan.FromSeconds(5));
        (await WithKeyAsync(other, HttpMethod.Get, "api/customers", key.Key)).ShouldBeProblem(401, "auth.key_invalid");
    }

    [Fact]
    public async Task The_last_use_is_written_once_a_minute_and_the_key_read_once_in_the_delay()
    {
        await using var app = await AccountsApp.StartAsync();
        var key = (await NewAsync(app)).Key;
        (await WithKeyAsync(app, HttpMethod.Get, "api/auth/me", key)).ShouldBe(200);
        (await WithKeyAsync(app, HttpMethod.Get, "api/auth/me", key)).ShouldBe(200);
        app.Storage.Reset();
        for (var i = 0; i < 10; i++)
        {
            (await WithKeyAsync(app, HttpMethod.Get, "api/auth/me", key)).ShouldBe(200);
        }

        app.Storage.Writes.ShouldBe(0);
        app.Storage.Count.ShouldBeLessThanOrEqualTo(2, "ten requests read the key again, at most, when the five seconds ended among them");

        app.Clock.Advance(TimeSpan.FromMinutes(1));
        (await WithKeyAsync(app, HttpMethod.Get, "api/auth/me", key)).ShouldBe(200);
        app.Storage.Writes.ShouldBe(1);
    }

    [Fact]
    public async Task Scopes_that_do_not_exist_and_times_that_have_passed_are_refused()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var wrong = await app.PostAsync("api/api-keys", new { name = "", scopes = new[] { "everything" }, expiresAt = "2020-01-01T00:00:00Z" }, admin);
        wrong.ShouldBeProblem(400, "request.invalid", "/expiresAt");
        wrong["errors"].EnumerateObject().Select(e => e.Name).ShouldBe(["/name", "/scopes/0", "/expiresAt"], ignoreOrder: true);
        wrong.Text.ShouldContain("customers:read");
        (await app.PostAsync("api/api-keys", new { name = "No scopes", scopes = Array.Empty<string>() }, admin)).ShouldBeProblem(400, "request.invalid", "/scopes");
    }

    [Fact]
    public async Task A_key_that_was_made_under_an_idempotency_key_is_one_and_its_answer_the_same()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var body = new { name = "Shop", scopes = new[] { "customers:read" } };
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => app.PostAsync("api/api-keys", body, admin, ("Idempotency-Key", "one"))));
        var key = answers.Select(a => a.ShouldBe(201)["key"].GetString()).Distinct().ShouldHaveSingleItem()!;
        (await WithKeyAsync(app, HttpMethod.Get, "api/customers", key)).ShouldBe(200);
        (await app.GetAsync("api/api-keys", admin))["items"].GetArrayLength().ShouldBe(1);
    }

    private static Task<NewApiKey> NewAsync(AccountsApp app) =>
        app.Get<ApiKeys>().CreateAsync(new("A key", ["customers:read"], null), new("admin", "Admin", Role.Admin), CancellationToken.None);

    private static Task<Platform.ApiAnswer> WithKeyAsync(AccountsApp app, HttpMethod method, string path, string key, object? body = null) =>
        app.SendAsync(method, path, body, null, (Authentication.KeyHeader, key));
}
