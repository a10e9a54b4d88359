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
}
