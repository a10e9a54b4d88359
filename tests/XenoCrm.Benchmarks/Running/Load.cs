using System.Diagnostics;

namespace XenoCrm.Benchmarks;

/// <summary>What a number of operations took.</summary>
internal sealed class Load
{
    private readonly long[] _ticks;

    private Load(double seconds, long[] ticks)
    {
        Seconds = seconds;
        Array.Sort(ticks);
        _ticks = ticks;
    }

    public double Seconds { get; }

    public double PerSecond => _ticks.Length / Seconds;

    /// <summary>The latency below which this part of the operations stayed, in milliseconds.</summary>
    public double Milliseconds(double quantile) =>
        _ticks[Math.Min(_ticks.Length - 1, (int)(quantile * _ticks.Length))] * 1000.0 / Stopwatch.Frequency;

    /// <summary>Runs operations 0 to count - 1, never more than a number of them at once.</summary>
    public static async Task<Load> RunAsync(string what, int count, int inFlight, Func<int, Task> operation)
    {
        using var stage = Report.Begin(what);
        var ticks = new long[count];
        var next = -1;
        async Task WorkAsync()
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                var since = Stopwatch.GetTimestamp();
                await operation(i);
                ticks[i] = Stopwatch.GetTimestamp() - since;
                stage.Done();
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Math.Min(inFlight, count)).Select(_ => Task.Run(WorkAsync)));
        return new Load(stage.Elapsed.TotalSeconds, ticks);
    }
}
