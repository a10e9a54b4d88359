namespace XenoCrm.Accounts;

/// <summary>Settings under <c>Auth</c>.</summary>
public sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Also the audience of the tokens.</summary>
    public string Issuer { get; set; } = "xenocrm";

    /// <summary>
    /// The first signs; all verify. Put a new one first and remove the old one when the sessions begun under it have been
    /// refreshed: after <see cref="RefreshLifetime"/>, or at once to end them all.
    /// </summary>
    public IList<SigningKey> SigningKeys { get; set; } = [];

    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>A session that is not used ends after this long.</summary>
    public TimeSpan RefreshLifetime { get; set; } = TimeSpan.FromDays(14);

    /// <summary>Then everybody logs in again, however busy the session.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromDays(90);

    /// <summary>
    /// So long a refresh token that was just replaced is answered with the one that replaced it, as two windows of a
    /// browser or a lost answer need. Later it counts as stolen.
    /// </summary>
    public TimeSpan RefreshGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>So much later than the instance that did it, the others notice that somebody was locked out.</summary>
    public TimeSpan RevocationDelay { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Wrong passwords in a row before a user is locked out.</summary>
    public int FailuresAllowed { get; set; } = 5;

    /// <summary>The first lock; each further wrong password doubles it.</summary>
    public TimeSpan FirstLock { get; set; } = TimeSpan.FromSeconds(30);

    public TimeSpan LongestLock { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Created at the first start, when there is no user of this email.</summary>
    public FirstAdministrator Admin { get; set; } = new();

    public GoogleOptions Google { get; set; } = new();
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

/// <summary>Sign-in with a Google account.</summary>
public sealed class GoogleOptions
{
    /// <summary>The OAuth client ids that ID tokens may be for; none: nobody signs in with Google.</summary>
    public IList<string> ClientIds { get; set; } = [];

    /// <summary>Google Workspace domains whose people become users when they first sign in; of others only users there are.</summary>
    public IList<string> Domains { get; set; } = [];

    /// <summary>What they become.</summary>
    public Role NewUserRole { get; set; } = Role.Viewer;

    /// <summary>Where Google publishes its keys (JWK).</summary>
    public string CertificatesUrl { get; set; } = "https://www.googleapis.com/oauth2/v3/certs";
}
