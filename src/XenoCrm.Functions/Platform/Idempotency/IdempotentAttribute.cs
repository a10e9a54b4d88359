namespace XenoCrm.Platform.Idempotency;

/// <summary>
/// The function takes <c>Idempotency-Key</c> (see <see cref="IdempotentRequests"/>): what it does, it does once for a key.
/// It must be safe to run again after a crash at any line, under the same <see cref="RequestKey.EffectId"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IdempotentAttribute : Attribute
{
    /// <summary>Of the body, which is read before the function runs. Functions that take files check their own, smaller limit.</summary>
    public int MaxBodyBytes { get; init; } = Http.RequestBody.MaxBytes;
}
