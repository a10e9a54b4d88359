using System.Diagnostics;

namespace XenoCrm.Benchmarks;

/// <summary>Processor time and memory of a process, read from outside.</summary>
internal sealed record ProcessUsage(TimeSpan Processor, double RssMb)
{
    public static ProcessUsage Of(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return new(process.TotalProcessorTime, process.WorkingSet64 / 1048576.0);
    }

    public static ProcessUsage OfThis() => Of(Environment.ProcessId);
}
