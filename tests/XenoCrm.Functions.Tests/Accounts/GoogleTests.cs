using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using XenoCrm.Functions.Tests.Delivery;

namespace XenoCrm.Accounts;

/// <summary>Sign-in with Google, against keys of the test's own.</summary>
public sealed class GoogleTests : IDisposable
{
    private const string Client = "shop.apps.googleusercontent.com";

    private readonly RSA key = RSA.Create(2048);
    private readonly RSA strange = RSA.Create(2048);

    public void Dispose()
    {
        key.Dispose();
        strange.Dispose();
    }

    [Fact]
    public async Task Users_there_are_come_in_by_their_verified_address_and_nobody_else()
    {
        await using var google = await CertificatesAsync();
        await using var app = await StartAsync(google);
        var (user, _) = await app.UserAsync(Role.Marketer, "gina@example.com");
        var login = (await SignInAsync(app, Token())).ShouldBe(200);
        login["user"].GetProperty("id").GetString().ShouldBe(user.Id);
        (await app.GetAsync("api/auth/me", login["accessToken"].GetString())).ShouldBe(200)["role"].GetString().ShouldBe("marketer");
        (await SignInAsync(app, Token())).ShouldBe(200);

        foreach (var (what, token) in new (string, string)[]
        {
            ("nobody's address", Token(claims: c => c["email"] = "stranger@example.com")),
            ("an address that is not verified", Token(claims: c => c["email_verified"] = false)),
            ("another account of the same address", Token(claims: c => c["sub"] = "2")),
            ("no address", Token(claims: c => c.Remove("email"))),
            ("another client's", Token(t => t.Audience = "other.apps.googleusercontent.com")),
            ("another issuer's", Token(t => t.Issuer = "https://accounts.example.com")),
            ("expired", Token(t => t.Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1))),
            ("a strange key's", Token(t => t.SigningCredentials = Sign(strange))),
            ("symmetric, with the public key", Token(t => t.SigningCredentials = new(new SymmetricSecurityKey(key.ExportSubjectPublicKeyInfo()), SecurityAlgorithms.HmacSha256))),
            ("unsigned", $"{Base64Url.EncodeToString("{\"alg\":\"none\"}"u8)}.{Token().Split('.')[1]}."),
            ("changed", Token()[..^8] + "AAAAAAAA"),
            ("none", "x.y.z"),
            ("nonsense", "hello"),
        })
        {
            (await SignInAsync(app, token)).ShouldBeProblem(401, "auth.google_refused");
            what.ShouldNotBeEmpty();
        }

        await app.Users.UpdateAsync(user.Id, u => u with { Active = false }, CancellationToken.None);
        (await SignInAsync(app, Token())).ShouldBeProblem(401, "auth.google_refused");
    }

    [Fact]
    public async Task People_of_an_allowed_domain_become_users_by_the_claim_and_not_by_the_end_of_their_address()
    {
        await using var google = await CertificatesAsync();
        await using var app = await StartAsync(google, ("Auth:Google:Domains:0", "shop.example"));
        (await SignInAsync(app, Token(claims: c => c["email"] = "eve@shop.example"))).ShouldBeProblem(401, "auth.google_refused");
        var login = (await SignInAsync(app, Token(claims: c => (c["email"], c["hd"], c["name"]) = ("new@shop.example", "shop.example", "New One")))).ShouldBe(200);
        login["user"].GetProperty("role").GetString().ShouldBe("viewer");
        login["user"].GetProperty("name").GetString().ShouldBe("New One");

        // They have no password, and an empty one is none.
        (await app.LogInAsync("new@shop.example", " ")).Status.ShouldBe(400);
        (await app.LogInAsync("new@shop.example", "anything-at-all")).ShouldBeProblem(401, "auth.login_failed");
    }

    [Fact]
    public async Task Without_settings_there_is_no_sign_in_and_without_Google_it_is_told()
    {
        await using var off = await AccountsApp.StartAsync();
        (await SignInAsync(off, Token())).ShouldBeProblem(404, "auth.google_off");
        await using var google = await FakeServer.StartAsync(500, "");
        await using var app = await StartAsync(google);
        (await SignInAsync(app, Token())).ShouldBeProblem(503, "auth.google_unavailable");
    }

    private static Task<Platform.ApiAnswer> SignInAsync(AccountsApp app, string idToken) => app.PostAsync("api/auth/google", new { idToken });

    private Task<FakeServer> CertificatesAsync()
    {
        var parameters = key.ExportParameters(false);
        return FakeServer.StartAsync(
            200, $$"""{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"g1","n":"{{Base64Url.EncodeToString(parameters.Modulus)}}","e":"{{Base64Url.EncodeToString(parameters.Exponent)}}"}]}""");
    }

    private static Task<AccountsApp> StartAsync(FakeServer google, params (string, string)[] settings) =>
        AccountsApp.StartAsync([("Auth:Google:ClientIds:0", Client), ("Auth:Google:CertificatesUrl", google.Address), .. settings]);

    private static SigningCredentials Sign(RSA rsa) => new(new RsaSecurityKey(rsa) { KeyId = "g1" }, SecurityAlgorithms.RsaSha256);

    private string Token(Action<SecurityTokenDescriptor>? change = null, Action<Dictionary<string, object>>? claims = null)
    {
        // The library verifies against the wall clock.
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var content = new Dictionary<string, object> { ["sub"] = "1", ["email"] = "gina@example.com", ["email_verified"] = true };
        claims?.Invoke(content);
        var token = new SecurityTokenDescriptor
        {
            Issuer = "https://accounts.google.com", Audience = Client, IssuedAt = now.AddMinutes(-1), Expires = now.AddMinutes(30), SigningCredentials = Sign(key), Claims = content,
        };
        change?.Invoke(token);
        if (token.Expires < token.IssuedAt)
        {
            token.IssuedAt = token.Expires.Value.AddHours(-1);
        }

        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(token);
    }
}
