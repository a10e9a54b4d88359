using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using XenoCrm.Local.FunctionsRuntime.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

/// <summary>A function app as a child process: it prints what runs, and can be killed or stopped like a real one.</summary>
internal sealed class CrashingApp : IAsyncDisposable
{
    public const string Variable = "FUNCTIONS_RUNTIME_TEST_APP";

    private readonly Process _process;
    private readonly Recorder _lines;

    private CrashingApp(Process process, Recorder lines)
    {
        _process = process;
        _lines = lines;
    }

    public IEnumerable<string> Lines => _lines.Items.Cast<string>();

    /// <param name="settings">Settings of the app, on its command line.</param>
    /// <param name="belowParent">Starts it as the child of a process that does nothing else; <see cref="Kill"/> kills that one only.</param>
    public static async Task<CrashingApp> Start(Dictionary<string, string> settings, bool belowParent = false)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, OfThisProgram([]))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in settings)
            start.ArgumentList.Add($"--{name}={value}");
        start.ArgumentList.Add("--urls=http://127.0.0.1:0");
        start.Environment[Variable] = belowParent ? "parent" : "app";
        start.Environment[ExitWithParent.Variable] = "1";
        var lines = new Recorder();
        var app = new CrashingApp(new Process { StartInfo = start }, lines);
        app._process.OutputDataReceived += (_, e) => lines.Add(e.Data ?? "");
        app._process.ErrorDataReceived += (_, e) => lines.Add(e.Data ?? "");
        app._process.Start();
        app._process.BeginOutputReadLine();
        app._process.BeginErrorReadLine();
        await app.WaitFor("Application started");
        return app;
    }

    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>What Ctrl+C and a service manager do, in the form that a process can be sent.</summary>
    public async Task Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString()]);
        await kill.WaitForExitAsync();
    }

    public void CloseInput() => _process.StandardInput.Close();

    public async Task<int> Exited()
    {
        await _process.WaitForExitAsync(new CancellationTokenSource(Eventually.Patience).Token);
        return _process.ExitCode;
    }

    public Task WaitFor(string text, int count = 1)
        => Eventually.True(() => Lines.Count(l => l.Contains(text, StringComparison.Ordinal)) >= count, () => string.Join('\n', Lines));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await Kill();
        _process.Dispose();
    }

    /// <summary>The tests may have been started by their own executable or by <c>dotnet TESTS.dll</c>.</summary>
    private static IEnumerable<string> OfThisProgram(string[] args) =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(CrashingApp).Assembly.Location, .. args] : args;

    public static async Task<int> Run(string[] args)
    {
        if (Environment.GetEnvironmentVariable(Variable) == "parent")
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!, OfThisProgram(args)) { UseShellExecute = false, RedirectStandardInput = true };
            start.Environment[Variable] = "app";
            using var child = Process.Start(start)!;
            await child.WaitForExitAsync();
            return child.ExitCode;
        }
        var builder = FunctionsApplication.CreateBuilder(args);
        builder.ConfigureFunctionsWebApplication();
        builder.UseFunctionsFrom(typeof(Functions));
        await builder.Build().RunAsync();
        Console.WriteLine("ended well");
        return 0;
    }

    internal sealed class Functions(Microsoft.Extensions.Configuration.IConfiguration settings)
    {
        private TimeSpan Work => TimeSpan.Parse(settings["Work"] ?? "00:00:00");

        [Function("CrashQueue")]
        public Task OfQueue([QueueTrigger("%Queue%")] string text, int dequeueCount, CancellationToken token) => Do($"queue {text} try {dequeueCount}", token);

        [Function("CrashBlob")]
        public Task OfBlob([BlobTrigger("%Container%/{name}")] string text, string name, CancellationToken token) => Do($"blob {name}", token);

        [Function("CrashTimer")]
        public Task OfTimer([TimerTrigger("0 0 3 * * *")] TimerInfo timer, CancellationToken token) => Do($"timer due {timer.IsPastDue}", token);

        [Function("CrashHttp")]
        public async Task<IResult> OfHttp([HttpTrigger("get", Route = "work")] HttpRequest request, CancellationToken token)
        {
            await Do("http", token);
            return Results.Text("done");
        }

        private async Task Do(string what, CancellationToken token)
        {
            Console.WriteLine("begin " + what);
            try
            {
                await Task.Delay(Work, token);
                Console.WriteLine("end " + what);
            }
            catch (OperationCanceledException)
            {
                Console.WriteLine("cancelled " + what);
                throw;
            }
        }
    }
}
