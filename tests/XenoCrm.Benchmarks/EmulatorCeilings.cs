using System.Diagnostics;

namespace XenoCrm.Benchmarks;

/// <summary>What counting costs without a database around it, on all cores. Milliseconds, the best of several.</summary>
internal static class EmulatorCeilings
{
    private const int Repeats = 7;

    /// <summary>Three arrays of values.</summary>
    public static double CountColumns(int items)
    {
        var values = Enumerable.Range(0, items).Select(EmulatorItems.Values).ToArray();
        var (countries, spends, visits) = (values.Select(v => v.Country[0]).ToArray(), values.Select(v => v.Spend).ToArray(), values.Select(v => v.Visits).ToArray());
        return Best(items, (from, to) =>
        {
            var count = 0;
            for (var i = from; i < to; i++)
                count += countries[i] == 'D' && spends[i] > 500 && visits[i] >= 10 ? 1 : 0;
            return count;
        });
    }

    /// <summary>The bytes of the items: a search for each of the three names, and its value compared.</summary>
    public static double CountBytes(int items)
    {
        // A tenth of a million is enough to be out of every cache.
        var measured = Math.Min(items, 100_000);
        var bytes = Enumerable.Range(0, measured).Select(i => EmulatorItems.Json(i)).ToArray();
        var time = Best(measured, (from, to) =>
        {
            var count = 0;
            for (var i = from; i < to; i++)
            {
                ReadOnlySpan<byte> json = bytes[i];
                json = json[(json.IndexOf("\"region\":"u8) + 9)..];
                if (!json.StartsWith("\"DE\""u8))
                    continue;
                json = json[(json.IndexOf("\"points\":"u8) + 9)..];
                if (!(System.Buffers.Text.Utf8Parser.TryParse(json, out int points, out _) && points > 500))
                    continue;
                json = json[(json.IndexOf("\"logins\":"u8) + 9)..];
                count += System.Buffers.Text.Utf8Parser.TryParse(json, out int logins, out _) && logins >= 10 ? 1 : 0;
            }

            return count;
        });
        return time * items / measured;
    }

    private static double Best(int items, Func<int, int, int> count)
    {
        var parts = Environment.ProcessorCount;
        var best = double.MaxValue;
        for (var repeat = 0; repeat < Repeats; repeat++)
        {
            var since = Stopwatch.GetTimestamp();
            Parallel.For(0, parts, part => count((int)((long)items * part / parts), (int)((long)items * (part + 1) / parts)));
            best = Math.Min(best, Stopwatch.GetElapsedTime(since).TotalMilliseconds);
        }

        return best;
    }
}
