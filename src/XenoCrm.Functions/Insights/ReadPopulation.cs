using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using XenoCrm.Customers;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

public enum SampleBasis
{
    /// <summary>Every customer was looked at.</summary>
    All,

    /// <summary>A part of the members and a part of the others, chosen by the last digits of the id, which are random.</summary>
    Sample,
}

/// <summary>What figures about a segment and the rest are of.</summary>
/// <param name="Members">Customers who satisfy the rule now. Exact.</param>
/// <param name="Customers">All of them. Exact.</param>
/// <param name="MembersLookedAt">The shares of members are of these.</param>
/// <param name="OthersLookedAt">Those of everybody else are of these.</param>
/// <param name="Seed">Which part was chosen. It follows from the segment's id: asked again, the same customers are looked at.</param>
public sealed record SampleView(long Members, long Customers, SampleBasis Basis, int MembersLookedAt, int OthersLookedAt, long Seed);

/// <summary>
/// The customers whose id ends in one of some groups of hex digits. Ids are UUIDv7, whose last digits are random: that is a
/// share of all customers that is independent of everything else about them. A sample by the order of ids would be one by age.
/// </summary>
internal sealed record IdSlice(IReadOnlyList<string> Endings, int Of)
{
    private const int MaxDigits = 4;

    /// <summary>About that share; at most sixteen endings, since each is compared with every id in the index.</summary>
    public static IdSlice About(double share, long seed) => Parts(share, seed)[0];

    /// <summary>All customers in parts of about that share each.</summary>
    public static IReadOnlyList<IdSlice> Parts(double share, long seed)
    {
        var (digits, of) = (1, 16);
        while (share * of < 1 && digits < MaxDigits)
        {
            (digits, of) = (digits + 1, of * 16);
        }

        var count = Math.Clamp((int)Math.Round(share * of), 1, of);
        var first = (int)(seed % of);
        return [.. Enumerable.Range(0, of).Select(i => ((first + i) % of).ToString($"x{digits}", CultureInfo.InvariantCulture)).Chunk(count).Select(endings => new IdSlice(endings, of))];
    }

    /// <summary>Over the partition key, which is the id and, other than it, in an index of its own in every Cosmos DB.</summary>
    public CustomerFilter Within(CustomerFilter filter) => filter.And(string.Join(" OR ", Endings.Select(e => $"ENDSWITH(c.customerId, '{e}')")));
}

/// <param name="Part">What the others are a part by; null: nobody was left out.</param>
internal sealed record Population(IReadOnlyList<Customer> Members, IReadOnlyList<Customer> Others, SampleView View, IdSlice? Part, DateTimeOffset At)
{
    /// <summary>Of all customers, from the shares of the two.</summary>
    public double Everyone(double members, double others)
    {
        var share = View.Customers == 0 ? 0 : (double)View.Members / View.Customers;
        return (share * members) + ((1 - share) * others);
    }
}

/// <summary>
/// A segment and the rest of the customers, side by side: all of them up to <see cref="ReadAll"/>, above it a random part of
/// each, so that time and memory are bounded whatever the workspace. Sizes are counted by the indexes and always exact.
/// </summary>
public sealed class ReadPopulation(CustomerStore customers, CustomerProfiles profiles, TimeProvider clock)
{
    /// <summary>Up to so many customers all are read.</summary>
    public const int ReadAll = 10_000;

    /// <summary>About so many of each side: at most 1.4 points off, 19 times of 20.</summary>
    public const int EachSide = 5_000;

    internal async Task<Population> ReadAsync(string segmentId, CompiledRule rule, CancellationToken cancellation)
    {
        var at = clock.GetUtcNow();
        var moment = new Moment(at);
        var filter = rule.ToFilter(moment);
        var counting = customers.CountAsync(filter, cancellation);
        var all = await customers.CountAsync(CustomerFilter.All, cancellation);
        var size = Math.Min(await counting, all);
        var seed = SeedOf(segmentId);
        if (all <= ReadAll)
        {
            var everybody = await profiles.ReadAsync(CustomerFilter.All, ReadAll * 2, cancellation);
            var sides = everybody.ToLookup(c => rule.Matches(c, moment));
            return new([.. sides[true]], [.. sides[false]], new(sides[true].Count(), everybody.Count, SampleBasis.All, sides[true].Count(), sides[false].Count(), seed), null, at);
        }

        // Who is no member is found among everybody: "not" of a rule is a condition that no index serves. Where nearly
        // everybody is a member that finds few others, and does not read more for it.
        var part = IdSlice.About(Math.Min((double)EachSide / Math.Max(1, all - size), 2.0 * EachSide / all), seed);
        var readingMembers = profiles.ReadAsync(size <= EachSide ? filter : IdSlice.About((double)EachSide / size, seed).Within(filter), EachSide * 2, cancellation);
        var others = (await profiles.ReadAsync(part.Within(CustomerFilter.All), EachSide * 4, cancellation)).Where(c => !rule.Matches(c, moment)).ToList();
        var members = await readingMembers;
        return new(members, others, new(size, all, SampleBasis.Sample, members.Count, others.Count, seed), part, at);
    }

    internal static long SeedOf(string segmentId) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(segmentId)));
}
