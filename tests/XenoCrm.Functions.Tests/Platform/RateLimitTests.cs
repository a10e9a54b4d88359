using XenoCrm.Accounts;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Platform.Http;

namespace XenoCrm.Platform;

public sealed class RateLimitTests
{
    [Fact]
    public async Task A_caller_has_so_many_requests_in_a_window_and_is_told_how_many_are_left()
    {
        await using var app = await AccountsApp.StartAsync(("RateLimits:Requests", "3"), ("RateLimits:Window", "00:05:00"));
        var (_, one) = await app.UserAsync(Role.Viewer);
        var (_, two) = await app.UserAsync(Role.Viewer);
        for (var left = 2; left >= 0; left--)
        {
            var answer = (await app.GetAsync("api/auth/me", one.AccessToken)).ShouldBe(200);
            answer.Headers["RateLimit-Policy"].ToString().ShouldBe("\"caller\";q=3;w=300");
            answer.Headers["RateLimit"].ToString().ShouldStartWith($"\"caller\";r={left};t=");
        }

        var refused = await app.GetAsync("api/auth/me", one.AccessToken);
        refused.ShouldBeProblem(429, "request.rate_limited");
        refused.Headers["RateLimit"].ToString().ShouldStartWith("\"caller\";r=0;t=");
        int.Parse(refused.Headers.RetryAfter.ToString()).ShouldBeInRange(200, 300);
        (await app.GetAsync("api/auth/me", two.AccessToken)).ShouldBe(200);

        app.Clock.Advance(TimeSpan.FromMinutes(5));
        (await app.GetAsync("api/auth/me", one.AccessToken)).ShouldBe(200);
    }

    [Fact]
    public async Task Sign_ins_are_counted_by_address_and_other_public_routes_are_not()
    {
        await using var app = await AccountsApp.StartAsync(("RateLimits:SignIns", "2"), ("RateLimits:TrustedProxies", "1"));
        foreach (var email in new[] { "a@example.com", "b@example.com" })
        {
            (await LogInFromAsync(app, email, "1.2.3.4, 9.9.9.9:4711")).ShouldBeProblem(401, "auth.login_failed");
        }

        // What is left of the last proxy's entry, anybody can write.
        (await LogInFromAsync(app, "c@example.com", "5.6.7.8, 9.9.9.9")).ShouldBeProblem(429, "request.rate_limited");
        (await LogInFromAsync(app, "c@example.com", "9.9.9.9, 5.6.7.8")).ShouldBeProblem(401, "auth.login_failed");

        // A network of IPv6 is one address.
        (await LogInFromAsync(app, "c@example.com", "[2001:db8:1:2::1]:80")).Status.ShouldBe(401);
        (await LogInFromAsync(app, "c@example.com", "2001:db8:1:2:ffff::2")).Status.ShouldBe(401);
        (await LogInFromAsync(app, "c@example.com", "2001:db8:1:2::3")).Status.ShouldBe(429);
        for (var i = 0; i < 5; i++)
        {
            (await app.GetAsync("api/health/live", null, ("X-Forwarded-For", "9.9.9.9"))).ShouldBe(200);
        }
    }

    [Fact]
    public void Memory_is_bounded_and_who_finds_no_room_shares_a_count()
    {
        var clock = new ShiftedClock();
        var windows = new FixedWindows(2, TimeSpan.FromMinutes(1), clock);
        for (var i = 0; i < FixedWindows.Capacity; i++)
        {
            windows.Take($"key {i}").IsAllowed.ShouldBeTrue();
        }

        windows.Take("one more").IsAllowed.ShouldBeTrue();
        windows.Take("another").IsAllowed.ShouldBeTrue();
        windows.Take("a third").IsAllowed.ShouldBeFalse();
        windows.Take("key 1").IsAllowed.ShouldBeTrue("who was counted before has their own");
        windows.Keys.ShouldBeLessThanOrEqualTo(FixedWindows.Capacity + 1);

        clock.Advance(TimeSpan.FromMinutes(2));
        windows.Take("a third").IsAllowed.ShouldBeTrue();
        windows.Keys.ShouldBeLessThan(10);
    }

    [Fact]
    public void Of_many_at_once_as_many_pass_as_may()
    {
        var windows = new FixedWindows(100, TimeSpan.FromMinutes(1), TimeProvider.System);
        var allowed = 0;
        Parallel.For(0, 1000, _ =>
        {
            if (windows.Take("one").IsAllowed)
            {
                Interlocked.Increment(ref allowed);
            }
        });
        allowed.ShouldBe(100);
    }

    private static Task<ApiAnswer> LogInFromAsync(AccountsApp app, string email, string forwardedFor) =>
        app.PostAsync("api/auth/login", new { email, password = "whatever-it-is" }, null, ("X-Forwarded-For", forwardedFor));
}
