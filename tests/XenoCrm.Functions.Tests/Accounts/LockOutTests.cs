namespace XenoCrm.Accounts;

public sealed class LockOutTests
{
    private const string Wrong = "not-the-password";

    [Fact]
    public async Task Wrong_passwords_lock_out_for_longer_each_time_whether_or_not_there_is_such_a_user()
    {
        await using var app = await AccountsApp.StartAsync();
        await app.UserAsync(Role.Viewer, "vera@example.com", AccountsApp.Password);
        foreach (var email in new[] { "vera@example.com", "nobody@example.com" })
        {
            for (var i = 0; i < 5; i++)
            {
                (await app.LogInAsync(email, Wrong)).ShouldBeProblem(401, "auth.login_failed");
            }

            await ShouldBeLockedAsync(app, email, 30);
            app.Clock.Advance(TimeSpan.FromSeconds(31));
            (await app.LogInAsync(email, Wrong)).ShouldBeProblem(401, "auth.login_failed");
            await ShouldBeLockedAsync(app, email, 60);
            for (var i = 0; i < 6; i++)
            {
                app.Clock.Advance(TimeSpan.FromMinutes(16));
                (await app.LogInAsync(email, Wrong)).ShouldBeProblem(401, "auth.login_failed");
            }

            await ShouldBeLockedAsync(app, email, 900);
            app.Clock.Advance(TimeSpan.FromMinutes(16));
        }

        // The right one ends it, and counting begins anew.
        (await app.LogInAsync("vera@example.com", AccountsApp.Password)).ShouldBe(200);
        (await app.LogInAsync("vera@example.com", Wrong)).ShouldBeProblem(401, "auth.login_failed");
        (await app.LogInAsync("vera@example.com", AccountsApp.Password)).ShouldBe(200);
    }

    [Fact]
    public async Task The_lock_holds_on_other_instances_and_for_the_right_password()
    {
        await using var app = await AccountsApp.StartAsync();
        await using var other = await app.AnotherAsync();
        for (var i = 0; i < 5; i++)
        {
            (await (i % 2 == 0 ? app : other).LogInAsync(AccountsApp.AdminEmail, Wrong)).ShouldBeProblem(401, "auth.login_failed");
        }

        (await other.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password)).ShouldBeProblem(429, "auth.locked");
    }

    [Fact]
    public async Task Of_many_guesses_at_once_all_are_counted()
    {
        await using var app = await AccountsApp.StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => app.LogInAsync(AccountsApp.AdminEmail, Wrong)));
        answers.ShouldAllBe(a => a.Status == 401 || a.Status == 429);
        var wrong = answers.Count(a => a.Status == 401);
        wrong.ShouldBeGreaterThanOrEqualTo(5);
        var attempts = app.Get<Platform.Cosmos.WorkspaceStore<LoginAttempt>>();
        (await attempts.ReadAsync(app.Get<LoginAttempts>().IdOf(AccountsApp.AdminEmail), TestContext.Current.CancellationToken))!.Value.Failures.ShouldBe(wrong);
        (await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password)).ShouldBeProblem(429, "auth.locked");
    }

    [Fact]
    public async Task A_right_password_that_is_judged_after_the_lock_fell_is_worth_nothing()
    {
        await using var app = await AccountsApp.StartAsync();
        var attempts = app.Get<LoginAttempts>();

        // The guess came in before the lock, and its password is being checked while the other guesses fail.
        (await attempts.CheckAsync(AccountsApp.AdminEmail, TestContext.Current.CancellationToken)).ShouldBeNull();
        for (var i = 0; i < 5; i++)
        {
            await attempts.FailedAsync(AccountsApp.AdminEmail, TestContext.Current.CancellationToken);
        }

        var late = await Should.ThrowAsync<Platform.Errors.ProblemException>(() => attempts.CheckAsync(AccountsApp.AdminEmail, TestContext.Current.CancellationToken));
        late.Problem.ShouldBeOfType<LoginLocked>();
    }

    [Fact]
    public async Task Who_does_not_exist_costs_as_many_reads_writes_and_hashes_as_who_does()
    {
        await using var app = await AccountsApp.StartAsync();
        await app.UserAsync(Role.Viewer, "vera@example.com", AccountsApp.Password);
        await app.UserAsync(Role.Viewer, "googler@example.com");
        await app.LogInAsync("warm@example.com", Wrong);
        var costs = new List<string>();
        foreach (var email in new[] { "vera@example.com", "nobody@example.com", "googler@example.com" })
        {
            app.Storage.Reset();
            var answer = await app.LogInAsync(email, Wrong);
            answer.ShouldBeProblem(401, "auth.login_failed");
            costs.Add(string.Join(' ', app.Storage.Requests.Select(r => r.Split(' ')[0])) + " " + answer["detail"]);
        }

        costs.Distinct().ShouldHaveSingleItem();
    }

    private static async Task ShouldBeLockedAsync(AccountsApp app, string email, int seconds)
    {
        var answer = await app.LogInAsync(email, AccountsApp.Password);
        answer.ShouldBeProblem(429, "auth.locked");
        int.Parse(answer.Headers.RetryAfter.ToString()).ShouldBeInRange(seconds - 20, seconds);
    }
}
