using Spectre.Console;

namespace XenoCrm.AppHost.Demo;

/// <summary>Shows how far the demo is: bars in a terminal, otherwise a line now and then.</summary>
internal sealed class DemoView
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(2);

    private readonly ProgressContext? _bars;

    private DemoView(ProgressContext? bars) => _bars = bars;

    public static Task<T> RunAsync<T>(Func<DemoView, Task<T>> run)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
            return run(new DemoView(null));
        return AnsiConsole.Progress()
            .AutoRefresh(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new SpinnerColumn())
            .StartAsync(bars => run(new DemoView(bars)));
    }

    public Stage Begin(string name) => new(name, _bars?.AddTask(Markup.Escape(name), autoStart: true, maxValue: 1));

    /// <summary>One step of the job.</summary>
    internal sealed class Stage(string name, ProgressTask? bar)
    {
        private readonly long _since = TimeProvider.System.GetTimestamp();
        private long _lastLine = TimeProvider.System.GetTimestamp();

        public void Report(long done, long total, string unit)
        {
            if (bar is not null)
            {
                bar.MaxValue = Math.Max(1, total);
                bar.Value = done;
                bar.Description = Markup.Escape($"{name}: {done:N0} of {total:N0} {unit}");
            }
            else if (TimeProvider.System.GetElapsedTime(_lastLine) >= LineEvery)
            {
                _lastLine = TimeProvider.System.GetTimestamp();
                RunCommand.Say($"{name}: {done:N0} of {total:N0} {unit}");
            }
        }

        /// <returns>How long it took.</returns>
        public TimeSpan End(string result)
        {
            var took = TimeProvider.System.GetElapsedTime(_since);
            if (bar is not null)
            {
                bar.Description = Markup.Escape($"{name}: {result}");
                bar.Value = bar.MaxValue;
                bar.StopTask();
            }
            else
            {
                RunCommand.Say($"{name}: {result} ({took.TotalSeconds:0.0} s)");
            }
            return took;
        }
    }
}
