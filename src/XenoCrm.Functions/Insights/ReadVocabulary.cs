using XenoCrm.Customers;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>
/// The words that customers give a sentence to speak of, from a thousand of them: which places, tags and categories there are
/// changes slowly, and a rare one that is not among them is taken as it is written, which the answer says.
/// </summary>
public sealed class ReadVocabulary(CustomerStore customers, RuleCatalogue catalogue, SegmentDirectory segments, TimeProvider clock) : IDisposable
{
    public const int SampleSize = 1000;
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim gate = new(1, 1);
    private (Vocabulary Vocabulary, AttributeTypes Types, long At)? current;

    public async Task<Vocabulary> ReadAsync(CancellationToken cancellation)
    {
        await catalogue.RefreshAsync(cancellation);
        await gate.WaitAsync(cancellation);
        try
        {
            if (current is { } known && ReferenceEquals(known.Types, catalogue.Types) && clock.GetElapsedTime(known.At) < MaxAge)
            {
                return known.Vocabulary;
            }

            var at = clock.GetTimestamp();
            var types = catalogue.Types;
            var sample = customers.SampleAsync(CustomerFilter.All, SampleSize, cancellation);
            var all = await segments.AllAsync(cancellation);
            var vocabulary = new Vocabulary(await sample, types.Keys, all.Select(s => (s.Name, s.Id)));
            current = (vocabulary, types, at);
            return vocabulary;
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose() => gate.Dispose();
}
