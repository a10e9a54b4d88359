namespace XenoCrm.Accounts;

/// <summary>Settings under <c>Auth</c>.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Also the issuer and the audience of the tokens.</summary>
    public string Issuer { get; set; } = "xenocrm";

    /// <summary>The first signs; all verify. Put a new one first and remove the old one after <see cref="TokenLifetime"/>.</summary>
    public IList<SigningKey> SigningKeys { get; set; } = [];

    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Created at the first start, when there is no user of this email.</summary>
    public FirstAdministrator Admin { get; set; } = new();
}

/// <summary>A key for HMAC-SHA256.</summary>
public sealed class SigningKey
{
    /// <summary>The <c>kid</c> in the token's header.</summary>
    public string Id { get; set; } = "";

    /// <summary>Base64, at least 32 bytes.</summary>
    public string Key { get; set; } = "";
}

public sealed class FirstAdministrator
{
    public string Email { get; set; } = "";
    public string Password { get; set; } = "";
}
