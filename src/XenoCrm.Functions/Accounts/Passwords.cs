using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace XenoCrm.Accounts;

/// <summary>Hashes and checks passwords with ASP.NET Core Identity's hasher (PBKDF2 with HMAC-SHA512, salted).</summary>
public sealed class Passwords(IOptions<PasswordHasherOptions> options)
{
    /// <summary>What OWASP's cheat sheet names for PBKDF2 with HMAC-SHA512; the hasher's own default is 100,000.</summary>
    public const int Iterations = 210_000;

    private readonly PasswordHasher<User> hasher = new(options);

    /// <summary>Verified when there is none, so that the time of the answer does not tell which emails exist.</summary>
    private readonly Lazy<string> someHash = new(() => new PasswordHasher<User>(options).HashPassword(null!, Guid.NewGuid().ToString()));

    public string Hash(string password) => hasher.HashPassword(null!, password);

    /// <param name="user">Null, or one without a password: fails, and takes as long.</param>
    public PasswordVerificationResult Verify(User? user, string password)
    {
        var has = user is { PasswordHash.Length: > 0 };
        var result = hasher.VerifyHashedPassword(null!, has ? user!.PasswordHash : someHash.Value, password);
        return has ? result : PasswordVerificationResult.Failed;
    }
}
