using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
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

    /// <summary>ASP.NET Core Identity's format, version 3 (PBKDF2, salted); empty: no password, only Google.</summary>
    public required string PasswordHash { get; init; }

    /// <summary>Google's id of the account that has signed in as this user; another one with the same address is refused.</summary>
    public string? GoogleId { get; init; }

    /// <summary>Whether they may log in.</summary>
    public bool Active { get; init; } = true;

    /// <summary>
    /// Sessions that carry another one have ended. A new one, stored in the same write as the new password or the
    /// deactivation, ends all at once: there is no moment in which one is true without the other.
    /// </summary>
    public string Stamp { get; init; } = "";

    public required DateTimeOffset CreatedAt { get; init; }

    [JsonIgnore]
    public bool IsActiveAdmin => Active && Role == Role.Admin;

    public static string IdOf(string email) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Normal(email))).AsSpan(0, 16));

    public static string Normal(string email) => email.Trim().ToLowerInvariant();
}
