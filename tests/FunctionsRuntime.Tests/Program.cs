using XenoCrm.Local.FunctionsRuntime.Tests.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Tests;

/// <summary>Runs the tests; or, when a test starts it so, a function app in a process of its own that can be killed.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (Environment.GetEnvironmentVariable(CrashingApp.Variable) is not null)
            return await CrashingApp.Run(args);
        return args.Any(a => a is "--server" or "--internal-msbuild-node")
            ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
    }
}
