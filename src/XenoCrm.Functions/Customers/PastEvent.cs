namespace XenoCrm.Customers;

/// <summary>
/// Something that happened to a customer and that its present state does not tell any more, because something newer took
/// its place: an earlier visit, an earlier answer about a channel. What is still true is not repeated here, so that a
/// customer without a past costs nothing.
/// </summary>
/// <param name="Channel">Of an answer about consent, with its <paramref name="State"/> and <paramref name="Source"/>; null for a visit.</param>
public sealed record PastEvent(DateTimeOffset At, string? Channel = null, ConsentState? State = null, string? Source = null)
{
    /// <summary>
    /// The newest of each kind are kept: each is some 80 bytes that every later write of the customer carries. Of each kind,
    /// because a month of visits must not push out what proves a consent.
    /// </summary>
    public const int Max = 30;

    public static PastEvent Visit(DateTimeOffset at) => new(at);

    public static PastEvent Of(string channel, Consent consent) => new(consent.At, channel, consent.State, consent.Source);

    /// <returns>By time, the newest last.</returns>
    public static IReadOnlyList<PastEvent> Add(IReadOnlyList<PastEvent> past, params IEnumerable<PastEvent> more) =>
        [.. past.Concat(more).OrderBy(e => e.At).GroupBy(e => e.Channel is null).SelectMany(kind => kind.TakeLast(Max)).OrderBy(e => e.At)];
}
