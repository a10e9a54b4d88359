using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Accounts;

public sealed class AuditTests
{
    [Fact]
    public async Task Who_did_what_to_what_with_the_names_of_fields_and_no_value()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var (manager, tokens) = await app.UserAsync(Role.Manager);
        var created = (await app.PostAsync("api/customers", new { email = "secret@example.com", firstName = "Hidden", phone = "+4915112345678" }, tokens.AccessToken)).ShouldBe(201);
        var id = created["id"].GetString()!;
        (await app.SendAsync(HttpMethod.Patch, $"api/customers/{id}", (object)new Dictionary<string, object?> { ["lastName"] = "Quiet", ["phone"] = null, ["firstName"] = "Other" }, tokens.AccessToken)).ShouldBe(200);
        (await app.SendAsync(HttpMethod.Patch, "api/customers/secret@example.com", (object)new { firstName = "X" }, tokens.AccessToken)).Status.ShouldBe(404);
        (await app.PostAsync("api/customers", new { email = "no address", madeUp = 1 }, tokens.AccessToken)).Status.ShouldBe(400);
        (await app.GetAsync("api/customers", tokens.AccessToken)).ShouldBe(200);
        (await app.GetAsync("api/customers/export", tokens.AccessToken)).ShouldBe(200);
        (await app.PostAsync("api/customers", new { email = "nobody@example.com" })).Status.ShouldBe(401);

        var entries = (await app.AuditAsync(admin, $"actor={manager.Id}")).Where(e => e.GetProperty("action").GetString() != "Test").Reverse().ToList();
        entries.Select(e => $"{e.GetProperty("action")} {e.GetProperty("resource")} {e.GetProperty("outcome")}").ShouldBe(
        [
            $"CreateCustomer customers/{id} done",
            $"PatchCustomer customers/{id} done",
            "PatchCustomer customers/* refused",
            "CreateCustomer customers refused",
            "ExportCustomers customers/export done",
        ]);
        Names(entries[0], "fields").ShouldBe(["email", "firstName", "phone"]);
        Names(entries[1], "fields").ShouldBe(["firstName", "lastName", "phone"]);
        Names(entries[1], "before").ShouldContain("phone");
        Names(entries[1], "after").ShouldNotContain("phone");
        Names(entries[1], "after").ShouldContain("lastName");
        Names(entries[1], "before").ShouldNotContain("lastName");
        Names(entries[1], "before").ShouldContain("firstName");
        entries[2].GetProperty("code").GetString().ShouldBe("customer.not_found");
        entries[3].TryGetProperty("fields", out _).ShouldBeFalse("what was refused may be anything");
        entries.ShouldAllBe(e => e.GetProperty("actorName").GetString() == manager.Name && e.GetProperty("actorKind").GetString() == "user");

        var all = string.Join('\n', (await StoredAsync(app)).Select(e => JsonSerializer.Serialize(e, Json.Options)));
        foreach (var value in new[] { "secret@", "Hidden", "Quiet", "4915112345678", "no address", AccountsApp.Password, "madeUp" })
        {
            all.ShouldNotContain(value);
        }
    }

    [Fact]
    public async Task Sign_ins_and_their_failures_are_there_without_what_was_typed()
    {
        await using var app = await AccountsApp.StartAsync();
        await app.LogInAsync(AccountsApp.AdminEmail, "typed-a-wrong-one");
        await app.LogInAsync("my-password-in-the-wrong-field", "typed-a-wrong-one");
        var (admin, refresh) = SessionTests.Tokens(await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        var (_, next) = SessionTests.Tokens(await app.RefreshAsync(refresh));
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        (await app.RefreshAsync(refresh)).ShouldBeProblem(401, "auth.refresh_reused");
        var (again, last) = SessionTests.Tokens(await app.LogInAsync(AccountsApp.AdminEmail, AccountsApp.Password));
        (await app.PostAsync("api/auth/password", new { currentPassword = AccountsApp.Password, newPassword = "another-fine-phrase" }, again)).ShouldBe(204);

        var id = User.IdOf(AccountsApp.AdminEmail);
        var entries = await app.AuditAsync(again);
        entries.Select(e => $"{e.GetProperty("action")} {e.GetProperty("outcome")}").Reverse().ShouldBe(
            ["Login refused", "Login refused", "Login done", "RefreshReused refused", "Login done", "ChangePassword done"]);
        entries.Count(e => e.GetProperty("actor").GetString() == id).ShouldBe(5);
        entries.Single(e => e.GetProperty("actorKind").GetString() == "unknown").GetProperty("actor").GetString()!.ShouldStartWith("unknown:");
        (await app.PostAsync("api/auth/logout", new { refreshToken = last })).ShouldBe(204);
        var stored = string.Join('\n', (await StoredAsync(app)).Select(e => JsonSerializer.Serialize(e, Json.Options)));
        stored.ShouldContain("Logout");
        foreach (var text in new[] { "wrong", AccountsApp.AdminEmail, "another-fine", admin, next, last })
        {
            stored.ShouldNotContain(text);
        }
    }

    [Fact]
    public async Task What_cannot_be_noted_is_not_done()
    {
        await using var app = await AccountsApp.StartAsync();
        var (_, tokens) = await app.UserAsync(Role.Manager);
        (await app.GetAsync("api/auth/me", tokens.AccessToken)).ShouldBe(200);
        app.Storage.Reset();
        app.Storage.CrashBeforeWrite = 1;
        (await app.PostAsync("api/customers", new { email = "lost@example.com" }, tokens.AccessToken)).Status.ShouldBeGreaterThanOrEqualTo(500);
        app.Storage.Reset();
        (await app.GetAsync("api/customers", tokens.AccessToken)).ShouldBe(200)["items"].GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task What_was_done_by_a_process_that_died_is_there_as_started()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        var (user, _) = await app.UserAsync(Role.Viewer);

        // The entry, the user, and then nothing more reaches the storage.
        app.Storage.Reset();
        app.Storage.CrashAfterWrite = 2;
        await app.SendAsync(HttpMethod.Patch, $"api/users/{user.Id}", (object)new { name = "Changed" }, admin);
        app.Storage.Reset();
        (await app.Users.ReadAsync(user.Id, CancellationToken.None))!.Value.Name.ShouldBe("Changed");
        (await app.AuditAsync(admin, "action=PatchUser")).ShouldHaveSingleItem().GetProperty("outcome").GetString().ShouldBe("started");
    }

    [Fact]
    public async Task A_request_that_is_repeated_after_a_crash_is_one_entry()
    {
        await using var app = await AccountsApp.StartAsync();
        var body = new { email = "once@example.com", name = "Once", role = "viewer" };
        for (var crash = 2; crash <= 5; crash++)
        {
            var admin = await app.AdminAsync();
            var key = ("Idempotency-Key", $"crash-{crash}");
            var input = body with { email = $"once{crash}@example.com" };
            app.Storage.Reset();
            app.Storage.CrashBeforeWrite = crash;
            var first = await app.PostAsync("api/users", input, admin, key);
            app.Storage.Reset();
            app.Clock.Advance(TimeSpan.FromMinutes(2));
            (await app.PostAsync("api/users", input, admin, key)).ShouldBe(201);
            var entry = (await app.AuditAsync(admin, "action=CreateUser&from=" + Uri.EscapeDataString(UtcTimeConverter.Write(app.Clock.GetUtcNow().AddMinutes(-3))))).ShouldHaveSingleItem($"crash before write {crash} ({first.Status})");
            entry.GetProperty("outcome").GetString().ShouldBe("done");
            entry.GetProperty("resource").GetString().ShouldBe($"users/{User.IdOf(input.email)}");
            app.Clock.Advance(TimeSpan.FromMinutes(5));
        }
    }

    [Fact]
    public async Task It_is_searched_paged_and_exported()
    {
        await using var app = await AccountsApp.StartAsync();
        var admin = await app.AdminAsync();
        for (var i = 0; i < 25; i++)
        {
            (await app.PostAsync("api/customers", new { email = $"c{i}@example.com", externalId = $"C{i}" }, admin)).ShouldBe(201);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await app.GetAsync($"api/audit?limit=10&action=CreateCustomer{(cursor is null ? "" : "&cursor=" + cursor)}", admin)).ShouldBe(200);
            seen.AddRange(page["items"].EnumerateArray().Select(e => e.GetProperty("id").GetString()!));
            cursor = page.Body.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        seen.Count.ShouldBe(25);
        seen.ShouldBeUnique();

        var csv = (await app.GetAsync("api/audit?format=csv&action=CreateCustomer", admin)).ShouldBe(200);
        csv.Headers.ContentType.ToString().ShouldStartWith("text/csv");
        csv.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(26);

        (await app.AuditAsync(admin, "actor=" + AccountsApp.AdminEmail.Replace("@", "%40"))).Count.ShouldBe(27, "the sign-in, the customers, and the file of this log");
        (await app.AuditAsync(admin, "action=ListAudit")).ShouldHaveSingleItem();
        (await app.AuditAsync(admin, "resource=customers/")).Count.ShouldBe(25);
        (await app.AuditAsync(admin, "outcome=refused")).ShouldBeEmpty();
        (await app.AuditAsync(admin, "to=2020-01-01")).ShouldBeEmpty();
        (await app.GetAsync("api/audit?from=yesterday", admin)).ShouldBeProblem(400, "request.invalid", "/from");
        (await app.GetAsync("api/audit?outcome=7", admin)).ShouldBeProblem(400, "request.invalid", "/outcome");
    }

    private static string[] Names(JsonElement entry, string member) => [.. entry.GetProperty(member).EnumerateArray().Select(n => n.GetString()!)];

    private static async Task<IReadOnlyList<AuditEntry>> StoredAsync(AccountsApp app) =>
        await app.Get<AuditLog>().PageAsync(new(null, null, null, null, null, null), null, 1000, CancellationToken.None);
}
