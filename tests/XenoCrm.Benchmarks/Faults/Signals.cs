using System.Runtime.InteropServices;

namespace XenoCrm.Benchmarks.Faults;

/// <summary>What Linux lets one process do to another.</summary>
internal static partial class Signals
{
    private const int SigKill = 9, SigContinue = 18, SigStop = 19;
    private const int SigFileSize = 25;
    private const int FileSizeLimit = 1;
    private const nint Ignore = 1;

    public static void Kill(int process) => _ = SendSignal(process, SigKill);

    public static void Freeze(int process) => _ = SendSignal(process, SigStop);

    public static void Thaw(int process) => _ = SendSignal(process, SigContinue);

    /// <summary>
    /// Lets a process that is started from here on, and those it starts, see a full disk (<see cref="LimitFiles"/>) as an
    /// error of the write. The signal that comes with it would end them.
    /// </summary>
    public static void SurviveFullDisks() => _ = SetHandler(SigFileSize, Ignore);

    /// <summary>No file may grow beyond so many bytes: the disk is full for it. Null: as it was.</summary>
    public static void LimitFiles(int process, ulong? bytes)
    {
        var limit = new Limit { Soft = bytes ?? ulong.MaxValue, Hard = ulong.MaxValue };
        _ = SetLimit(process, FileSizeLimit, in limit, IntPtr.Zero);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetHandler(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "prlimit64")]
    private static partial int SetLimit(int process, int resource, in Limit limit, IntPtr old);
}
