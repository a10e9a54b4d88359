namespace XenoCrm.Platform.Errors;

/// <summary>
/// An expected failure: what a caller did wrong or ran into, and what the service answers (RFC 9457).
/// Features derive one record per failure in their <c>…Errors.cs</c>.
/// </summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">Stable, dotted, lower case: <c>customer.not_found</c>. Clients may switch on it.</param>
/// <param name="Title">The same for every occurrence of the code.</param>
/// <param name="Detail">This occurrence, in words a caller can act on. No personal data: it may be logged.</param>
public abstract record Problem(int Status, string Code, string Title, string Detail)
{
    /// <summary>JSON pointer into the request → messages; only for validation.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>Seconds after which a repeat makes sense; sent as <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>What was asked for lives elsewhere: this part of the request's path becomes that one in <c>Location</c>.</summary>
    public (string From, string To)? Moved { get; init; }

    public ProblemException ToException() => new(this);
}

/// <summary>Carries a <see cref="Problem"/> to the one place that writes it (<see cref="ProblemMiddleware"/>).</summary>
public sealed class ProblemException(Problem problem) : Exception($"{problem.Code}: {problem.Detail}")
{
    public Problem Problem { get; } = problem;
}
