namespace XenoCrm.Accounts;

public sealed class UserTests
{
    [Fact]
    public async Task An_administrator_makes_changes_and_deletes_users()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var created = (await app.PostAsync("api/users", new { email = "Mia@Example.com", name = "Mia", role = "marketer", password = "mia-has-a-long-one" }, admin)).ShouldBe(201);
        var path = created.Headers.Location.ToString().TrimStart('/');
        created["email"].GetString().ShouldBe("mia@example.com");
        created.Text.ShouldNotContain("hash", Case.Insensitive);
        (await app.PostAsync("api/users", new { email = "mia@example.com", name = "Mia", role = "viewer" }, admin)).ShouldBeProblem(409, "user.exists");
        (await app.PostAsync("api/users", new { email = "no-address", name = "", role = "marketer", password = "short" }, admin)).ShouldBeProblem(400, "request.invalid", "/email");
        (await app.PostAsync("api/users", new { email = "x@example.com", name = "X", role = "viewer", password = "Password1234" }, admin)).ShouldBeProblem(400, "request.invalid", "/password");

        var (mia, refresh) = SessionTests.Tokens(await app.LogInAsync("mia@example.com", "mia-has-a-long-one"));
        (await app.GetAsync("api/users", mia)).ShouldBeProblem(403, "auth.role_too_low");

        // The role counts at once, in the session there is.
        (await PatchAsync(app, path, new { role = "admin" }, admin, created.Headers.ETag.ToString())).ShouldBe(200)["role"].GetString().ShouldBe("admin");
        (await app.GetAsync("api/users", mia)).ShouldBe(200)["items"].GetArrayLength().ShouldBe(2);
        (await PatchAsync(app, path, new { role = "viewer" }, admin, created.Headers.ETag.ToString())).ShouldBeProblem(412, "request.etag_stale");

        (await PatchAsync(app, path, new { active = false }, admin)).ShouldBe(200)["active"].GetBoolean().ShouldBeFalse();
        (await app.GetAsync("api/auth/me", mia)).ShouldBeProblem(401, "auth.token_invalid");
        (await app.RefreshAsync(refresh)).ShouldBeProblem(401, "auth.refresh_invalid");
        (await app.LogInAsync("mia@example.com", "mia-has-a-long-one")).ShouldBeProblem(401, "auth.login_failed");

        // Who comes back begins anew.
        (await PatchAsync(app, path, new { active = true, password = "mia-has-another-one" }, admin)).ShouldBe(200);
        (await app.GetAsync("api/auth/me", mia)).ShouldBeProblem(401, "auth.token_invalid");
        (await app.LogInAsync("mia@example.com", "mia-has-another-one")).ShouldBe(200);

        (await app.SendAsync(HttpMethod.Delete, path, (HttpContent?)null, admin)).ShouldBe(204);
        (await app.GetAsync(path, admin)).ShouldBeProblem(404, "user.not_found");
        (await app.LogInAsync("mia@example.com", "mia-has-another-one")).ShouldBeProblem(401, "auth.login_failed");
    }

    [Fact]
    public async Task A_deactivated_user_is_refused_by_other_instances_within_the_delay()
    {
        await using var app = await AccountsApp.StartAsync();
        await using var other = await app.AnotherAsync();
        var admin = await app.AdminAsync();
        var (user, tokens) = await app.UserAsync(Role.Manager);
        (await other.GetAsync("api/auth/me", tokens.AccessToken)).ShouldBe(200);
        (await PatchAsync(app, $"api/users/{user.Id}", new { active = false }, admin)).ShouldBe(200);
        (await app.GetAsync("api/auth/me", tokens.AccessToken)).ShouldBeProblem(401, "auth.token_invalid");
        app.Clock.Advance(TimeSpan.FromSeconds(5));
        (await other.GetAsync("api/auth/me", tokens.AccessToken)).ShouldBeProblem(401, "auth.token_invalid");
    }

    [Fact]
    public async Task The_last_administrator_stays()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var path = $"api/users/{User.IdOf(AccountsApp.AdminEmail)}";
        (await app.UserAsync(Role.Manager)).User.Active.ShouldBeTrue();
        (await PatchAsync(app, path, new { role = "manager" }, admin)).ShouldBeProblem(409, "user.last_administrator");
        (await PatchAsync(app, path, new { active = false }, admin)).ShouldBeProblem(409, "user.last_administrator");
        (await app.SendAsync(HttpMethod.Delete, path, (HttpContent?)null, admin)).ShouldBeProblem(409, "user.last_administrator");
        (await PatchAsync(app, path, new { name = "Still here" }, admin)).ShouldBe(200);
    }

    [Fact]
    public async Task Administrators_who_take_the_role_from_each_other_at_once_leave_one()
    {
        await using var app = await AccountsApp.StartAsync();
        for (var round = 0; round < 5; round++)
        {
            var admins = new List<User> { (await app.UserAsync(Role.Admin)).User, (await app.UserAsync(Role.Admin)).User, (await app.UserAsync(Role.Admin)).User };
            await foreach (var (user, _) in app.Users.AllAsync(CancellationToken.None))
            {
                if (admins.All(a => a.Id != user.Id))
                {
                    await app.Users.DeleteAsync(user.Id, null, CancellationToken.None);
                }
            }

            var save = app.Get<SaveUser>();
            var results = await Task.WhenAll(admins.Select(async a =>
            {
                try
                {
                    await save.PatchAsync(a.Id, new(null, Role.Viewer, null, null), null, CancellationToken.None);
                    return true;
                }
                catch (Platform.Errors.ProblemException exception)
                {
                    exception.Problem.ShouldBeOfType<LastAdministrator>();
                    return false;
                }
            }));
            results.Count(r => r).ShouldBe(2);
            var left = 0;
            await foreach (var (user, _) in app.Users.AllAsync(CancellationToken.None))
            {
                left += user.IsActiveAdmin ? 1 : 0;
            }

            left.ShouldBe(1);
        }
    }

    private static Task<Platform.ApiAnswer> PatchAsync(AccountsApp app, string path, object patch, string token, string? ifMatch = null) =>
        app.SendAsync(HttpMethod.Patch, path, patch, token, ifMatch is null ? [] : [("If-Match", ifMatch)]);
}
