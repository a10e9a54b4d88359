using System.Runtime.CompilerServices;

namespace XenoCrm;

internal static class LeaveNothingBehind
{
    /// <summary>A killed .NET process leaves its debugger's pipes in the temporary folder, and these tests kill dozens.</summary>
    [ModuleInitializer]
    internal static void OpenNoDiagnosticPipes() => Environment.SetEnvironmentVariable("DOTNET_EnableDiagnostics", "0");
}
