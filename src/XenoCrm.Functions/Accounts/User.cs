using System.Security.Cryptography;
using System.Text;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Accounts;

/// <summary>Someone who may log in. Kept in the container <c>workspace</c>.</summary>
public sealed record User : IWorkspaceItem
{
    public const string KindName = "user";

    /// <summary>Derived from the email (<see cref="IdOf"/>): the id's uniqueness is the email's.</summary>
    public required string Id { get; init; }
    public string Kind => KindName;
    public required string Email { get; init; }
    public required string Name { get; init; }
    public required Role Role { get; init; }

    /// <summary>ASP.NET Core Identity's format, version 3 (PBKDF2, salted).</summary>
    public required string PasswordHash { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    public static string IdOf(string email) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(email.Trim().ToLowerInvariant())).AsSpan(0, 16));
}
