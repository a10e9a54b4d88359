using Microsoft.IdentityModel.JsonWebTokens;

namespace XenoCrm.Accounts;

public sealed class SessionTests
{
    [Fact]
    public async Task Logging_in_opens_the_doors_and_logging_out_closes_them_at_once()
    {
        await using var app = await AccountsApp.StartAsync();
        var login = (await app.LogInAsync(AccountsApp.AdminEmail.ToUpperInvariant(), AccountsApp.Password)).ShouldBe(200);
        var (access, refresh) = Tokens(login);
        var me = (await app.GetAsync("api/auth/me", access)).ShouldBe(200);
        me["email"].GetString().ShouldBe(AccountsApp.AdminEmail);
        me["role"].GetString().ShouldBe("admin");

        (await app.PostAsync("api/auth/logout", new { refreshToken = refresh })).ShouldBe(204);
        (await app.GetAsync("api/auth/me", access)).ShouldBeProblem(401, "auth.token_invalid");
        (await app.RefreshAsync(refresh)).ShouldBeProblem(401, "auth.refresh_invalid");

        // A token that is none is answered the same.
        (await app.PostAsync("api/auth/logout", new { refreshToken = "nonsense" })).ShouldBe(204);
    }

    [Fact]
    public async Task A_refresh_token_is_good_once_and_its_reuse_ends_the_session()
    {
        await using var app = await AccountsApp.StartAsync();
        var (_, first) = Tokens(await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        var (access, second) = Tokens((await app.RefreshAsync(first)).ShouldBe(200));
        second.ShouldNotBe(first);
        (await app.GetAsync("api/auth/me", access)).ShouldBe(200);

        app.Clock.Advance(TimeSpan.FromSeconds(31));
        (await app.RefreshAsync(first)).ShouldBeProblem(401, "auth.refresh_reused");
        (await app.RefreshAsync(second)).ShouldBeProblem(401, "auth.refresh_invalid");
        (await app.GetAsync("api/auth/me", access)).ShouldBeProblem(401, "auth.token_invalid");
    }

    [Fact]
    public async Task Many_refreshes_with_one_token_at_once_get_the_same_successor()
    {
        await using var app = await AccountsApp.StartAsync();
        await using var other = await app.AnotherAsync();
        var (_, token) = Tokens(await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? app : other).RefreshAsync(token)));
        var next = answers.Select(a => Tokens(a.ShouldBe(200)).Refresh).Distinct().ShouldHaveSingleItem();

        // And it goes on from there.
        (await app.RefreshAsync(next)).ShouldBe(200);
    }

    [Fact]
    public async Task A_session_ends_when_it_is_not_used_and_when_it_is_too_old()
    {
        await using var app = await AccountsApp.StartAsync(("Auth:SessionLifetime", "10.00:00:00"));
        var (_, token) = Tokens(await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        for (var day = 0; day < 3; day++)
        {
            app.Clock.Advance(TimeSpan.FromDays(3));
            token = Tokens((await app.RefreshAsync(token)).ShouldBe(200)).Refresh;
        }

        app.Clock.Advance(TimeSpan.FromDays(2));
        (await app.RefreshAsync(token)).ShouldBeProblem(401, "auth.refresh_invalid");
    }

    [Fact]
    public async Task A_forged_refresh_token_neither_opens_nor_ends_a_session()
    {
        await using var app = await AccountsApp.StartAsync();
        var (_, token) = Tokens(await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        var parts = token.Split('.');
        foreach (var forged in new[] { $"{parts[0]}.0.{parts[2]}", $"{parts[0]}.2.{parts[2]}", $"{parts[0]}.1.{new string('A', 43)}", $"{parts[0]}.1.", $"x.1.{parts[2]}", $"{parts[0]}.-1.{parts[2]}", "..", "" })
        {
            var answer = await app.RefreshAsync(forged);
            answer.Status.ShouldBe(forged.Length == 0 ? 400 : 401, forged);
        }

        (await app.RefreshAsync(token)).ShouldBe(200);
    }

    [Fact]
    public async Task Changing_the_password_ends_all_other_sessions_and_keeps_this_one()
    {
        await using var app = await AccountsApp.StartAsync();
        await using var other = await app.AnotherAsync(("Auth:RevocationDelay", "00:00:00"));
        await app.UserAsync(Role.Marketer, "mara@example.com", AccountsApp.Password);
        var (mine, myRefresh) = Tokens(await app.LogInAsync("mara@example.com", AccountsApp.Password));
        var (theirs, theirRefresh) = Tokens(await app.LogInAsync("mara@example.com", AccountsApp.Password));
        (await other.GetAsync("api/auth/me", theirs)).ShouldBe(200);

        var change = new { currentPassword = AccountsApp.Password, newPassword = "another-fine-phrase" };
        (await app.PostAsync("api/auth/password", new { currentPassword = "not-this-one-either", newPassword = "another-fine-phrase" }, mine)).ShouldBeProblem(403, "auth.password_wrong");
        (await app.PostAsync("api/auth/password", new { currentPassword = AccountsApp.Password, newPassword = "short" }, mine)).ShouldBeProblem(400, "request.invalid", "/newPassword");
        (await app.PostAsync("api/auth/password", change, mine)).ShouldBe(204);

        (await app.GetAsync("api/auth/me", mine)).ShouldBe(200);
        (await app.RefreshAsync(myRefresh)).ShouldBe(200);
        foreach (var instance in new[] { app, other })
        {
            (await instance.GetAsync("api/auth/me", theirs)).ShouldBeProblem(401, "auth.token_invalid");
        }

        (await app.RefreshAsync(theirRefresh)).ShouldBeProblem(401, "auth.refresh_invalid");
        (await app.LogInAsync("mara@example.com", AccountsApp.Password)).ShouldBeProblem(401, "auth.login_failed");
        (await app.LogInAsync("mara@example.com", "another-fine-phrase")).ShouldBe(200);
    }

    [Fact]
    public async Task Sessions_outlive_the_change_of_the_signing_key_and_end_with_the_old_one()
    {
        (string, string)[] both =
        [
            ("Auth:SigningKeys:0:Id", "b"), ("Auth:SigningKeys:0:Key", Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray())),
            ("Auth:SigningKeys:1:Id", "a"), ("Auth:SigningKeys:1:Key", Convert.ToBase64String(new byte[32])),
        ];
        await using var before = await AccountsApp.StartAsync();
        await using var during = await before.AnotherAsync(both);
        await using var after = await before.AnotherAsync(both[..2]);
        var (access, refresh) = Tokens(await before.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        (await during.GetAsync("api/auth/me", access)).ShouldBe(200);
        (await after.GetAsync("api/auth/me", access)).ShouldBeProblem(401, "auth.token_invalid");
        (await after.RefreshAsync(refresh)).ShouldBeProblem(401, "auth.refresh_invalid");

        var (newAccess, newRefresh) = Tokens((await during.RefreshAsync(refresh)).ShouldBe(200));
        new JsonWebToken(newAccess).Kid.ShouldBe("b");
        (await after.GetAsync("api/auth/me", newAccess)).ShouldBe(200);
        (await after.RefreshAsync(newRefresh)).ShouldBe(200);
    }

    internal static (string Access, string Refresh) Tokens(Platform.ApiAnswer answer) =>
        (answer.ShouldBe(200)["accessToken"].GetString()!, answer["refreshToken"].GetString()!);
}
