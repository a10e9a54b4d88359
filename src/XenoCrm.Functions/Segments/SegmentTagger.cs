using System.Text.Json;
using Microsoft.Extensions.Logging;
using XenoCrm.Customers;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>
/// The active rules in this process's memory. They are read again when someone asks and they are older than
/// <see cref="MaxAge"/>; how writes with rules of that age are made good is told at <see cref="SegmentRebuild"/>.
/// </summary>
public sealed class SegmentTagger(WorkspaceStore<Segment> segments, RuleParser parser, TimeProvider clock, ILogger<SegmentTagger> log)
    : ISegmentTagger, IDisposable
{
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim gate = new(1, 1);
    private volatile SegmentRules? current;
    private AttributeTypes? types;
    private long staleBefore = long.MinValue;

    /// <summary>The rules as of the last refresh.</summary>
    /// <exception cref="InvalidOperationException">There was none: tags computed now would be wrong.</exception>
    public SegmentRules Rules => current ?? throw new InvalidOperationException("RefreshAsync must be called before segments are computed.");

    public ValueTask RefreshAsync(CancellationToken cancellation) => IsFresh(current) ? default : new(ReadAsync(cancellation));

    public IReadOnlyList<string> SegmentsOf(Customer customer) => Rules.SegmentsOf(customer, new Moment(clock.GetUtcNow()));

    public string? NameOf(string segmentId) => current?.Find(segmentId)?.Name;

    /// <summary>A segment was just changed by this process: the next refresh reads.</summary>
    public void Invalidate() => Interlocked.Exchange(ref staleBefore, clock.GetTimestamp());

    public void Dispose() => gate.Dispose();

    private bool IsFresh(SegmentRules? rules) =>
        rules is not null && rules.ReadAt > Interlocked.Read(ref staleBefore) && clock.GetElapsedTime(rules.ReadAt) <= MaxAge;

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (IsFresh(current))
            {
                return;
            }

            var readAt = clock.GetTimestamp();
            await parser.RefreshAsync(cancellation);
            var readWith = parser.Types;
            var active = new List<ActiveRule>();
            await foreach (var (segment, _) in segments.AllAsync(cancellation))
            {
                if (!segment.Deleted)
                {
                    active.Add(Compile(segment, isKnown: ReferenceEquals(readWith, types)));
                }
            }

            types = readWith;
            current = new SegmentRules(active, readAt);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <param name="isKnown">Attributes have the types that the rules in memory were read with.</param>
    private ActiveRule Compile(Segment segment, bool isKnown)
    {
        // Most of the time nothing has changed: a rule is read once per version.
        if (isKnown && current?.Find(segment.Id) is { } known && known.Version == segment.Version)
        {
            // The name is no part of the version: it asks for no rebuild.
            return known.Name == segment.Name ? known : known with { Name = segment.Name };
        }

        try
        {
            return new(segment.Id, segment.Version, parser.Parse(segment.Rule), segment.Name);
        }
        catch (ProblemException exception)
        {
            // Stored by another version of the service. Failing every write of a customer for it would be worse.
            log.LogUnreadable(exception, segment.Id);
            return new(segment.Id, segment.Version, null, segment.Name);
        }
    }
}
