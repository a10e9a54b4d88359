namespace XenoCrm.Accounts;

/// <summary>Each role may do what the ones before it may.</summary>
public enum Role
{
    /// <summary>Reads.</summary>
    Viewer,

    /// <summary>Segments, campaigns, AI; launches only below the approval threshold.</summary>
    Marketer,

    /// <summary>All but users, keys and settings.</summary>
    Manager,

    Admin,
}

/// <summary>Who may call an HTTP function. One of this and <see cref="Platform.Http.PublicAttribute"/> is on each, or the app does not start.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RequireRoleAttribute(Role role) : Attribute
{
    public Role Role { get; } = role;

    /// <summary>Changes nothing, although it is no GET: an API key needs the scope for reading, and it is not audited.</summary>
    public bool Reads { get; init; }

    /// <summary>A GET that is audited: it hands out many people's data at once.</summary>
    public bool Audited { get; init; }

    /// <summary>
    /// What an API key must be good for. When absent: the first part of the path below <c>api</c> and <c>:read</c> for what
    /// only reads, else <c>:write</c> (<see cref="AccessTable"/>).
    /// </summary>
    public string? Scope { get; init; }

    /// <summary>Only somebody who has logged in, never an API key. Always so where the role is <see cref="Role.Admin"/>.</summary>
    public bool PeopleOnly { get; init; }
}
