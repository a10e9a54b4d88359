using System.Globalization;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>Makes faults one after the other, at seeded moments, and puts right what it did.</summary>
internal sealed class FaultMaker(FaultySystem system, int seed)
{
    private const int MaxFaults = 8;

    private readonly Random _random = new(seed);

    /// <summary>What was done so far, in words.</summary>
    public List<string> Done { get; } = [];

    /// <summary>By kind.</summary>
    public Dictionary<string, int> Kinds { get; } = [];

    /// <summary>Goes on until it has made its faults or is stopped; everything is as it should be when it returns.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        // As many for every seed as it says, so that a seed is the same run again whatever the machine's speed.
        var count = _random.Next(3, MaxFaults + 1);
        for (var i = 0; i < count; i++)
        {
            var pause = TimeSpan.FromMilliseconds(_random.Next(100, 3000));
            var fault = Choose();
            try
            {
                await Task.Delay(pause, stop);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            lock (Done)
            {
                Done.Add(fault.What);
                Kinds[fault.Kind] = Kinds.GetValueOrDefault(fault.Kind) + 1;
            }

            await fault.Make();
        }

        if (system.Skew != TimeSpan.Zero)
            await system.KillAllAsync(TimeSpan.Zero);
    }

    private (string Kind, string What, Func<Task> Make) Choose()
    {
        var part = Pick(FaultySystem.Processes);
        var other = Pick(FaultySystem.Processes);
        var disk = Pick(FaultySystem.WithFiles);
        var cable = Pick([.. system.Cables.Keys]);
        var seconds = 0.3 + (4 * _random.NextDouble());
        var percent = _random.Next(5, 40);
        var skew = TimeSpan.FromSeconds(_random.Next(-240, 240));
        return _random.Next(100) switch
        {
            < 22 => ("kill", $"kill {part}", () => KillAsync(part)),
            < 30 => ("kill two", $"kill {part} and {other}", () => KillAsync(part, other)),
            < 38 => ("kill all", "kill all", () => system.KillAllAsync(system.Skew)),
            < 52 => ("freeze", Text($"freeze {part} for {seconds:0.0} s"), () => FreezeAsync(part, seconds)),
            < 62 => ("cut", Text($"cut the line to {cable} for {seconds:0.0} s"), () => SpoilAsync(cable, Line.Cut, seconds)),
            < 70 => ("slow", Text($"delay the line to {cable} for {seconds:0.0} s"), () => SpoilAsync(cable, Line.Slow, seconds)),
            < 80 => ("deaf", Text($"lose answers of {cable} for {seconds:0.0} s"), () => SpoilAsync(cable, Line.Deaf, seconds)),
            < 88 => ("refuse", Text($"cosmos refuses {percent} % for {seconds:0.0} s"), () => RefuseAsync(percent, seconds)),
            < 95 => ("disk full", Text($"disk of {disk} full for {seconds:0.0} s"), () => FillAsync(disk, seconds)),
            _ => ("clock", Text($"kill all, and the clock {skew.TotalSeconds:+0;-0} s"), () => system.KillAllAsync(skew)),
        };
    }

    private Task KillAsync(params string[] parts)
    {
        foreach (var process in parts.Distinct().Select(system.ProcessOf))
        {
            if (process is { } id)
                Signals.Kill(id);
        }

        return Task.CompletedTask;
    }

    private async Task FreezeAsync(string part, double seconds)
    {
        if (system.ProcessOf(part) is not { } process)
            return;
        Signals.Freeze(process);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        Signals.Thaw(process);
    }

    private async Task SpoilAsync(string cable, Line line, double seconds)
    {
        system.Cables[cable].Line = line;
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        system.Cables[cable].Line = Line.Good;
    }

    private async Task RefuseAsync(double percent, double seconds)
    {
        await system.RefuseAsync(percent);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await system.RefuseAsync(0);
    }

    /// <summary>No file of it can grow.</summary>
    private async Task FillAsync(string part, double seconds)
    {
        if (system.ProcessOf(part) is not { } process)
            return;
        Signals.LimitFiles(process, 0);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        Signals.LimitFiles(process, null);
    }

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
