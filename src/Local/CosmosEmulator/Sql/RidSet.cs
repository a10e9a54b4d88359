using System.Numerics;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>A set of items, a bit for each rid.</summary>
public sealed class RidSet(long lastRid)
{
    private readonly ulong[] _words = new ulong[(lastRid >> 6) + 1];

    public void Add(long rid) => _words[rid >> 6] |= 1UL << (int)(rid & 63);

    public bool Contains(long rid) => rid >> 6 < _words.Length && (_words[rid >> 6] >> (int)(rid & 63) & 1) != 0;

    public long Count
    {
        get
        {
            var count = 0L;
            foreach (var word in _words)
            {
                count += BitOperations.PopCount(word);
            }

            return count;
        }
    }

    /// <summary>Ascending.</summary>
    public IEnumerable<long> Rids
    {
        get
        {
            for (var i = 0; i < _words.Length; i++)
            {
                for (var word = _words[i]; word != 0; word &= word - 1)
                {
                    yield return ((long)i << 6) + BitOperations.TrailingZeroCount(word);
                }
            }
        }
    }

    /// <param name="other">A set of the same source.</param>
    public void IntersectWith(RidSet other)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] &= other._words[i];
        }
    }

    /// <inheritdoc cref="IntersectWith"/>
    public void ExceptWith(RidSet other)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] &= ~other._words[i];
        }
    }

    /// <inheritdoc cref="IntersectWith"/>
    public void UnionWith(RidSet other)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            _words[i] |= other._words[i];
        }
    }
}
