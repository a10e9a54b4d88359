namespace XenoCrm.Platform.Http;

/// <summary>Anyone may call this HTTP function.</summary>
/// <param name="why">What protects it instead, or why nothing needs to.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PublicAttribute(string why) : Attribute
{
    public string Why { get; } = why;
}
