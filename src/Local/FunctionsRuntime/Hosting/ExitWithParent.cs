using Microsoft.Extensions.Hosting;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>
/// Ends a process that another one started when that one is gone, however it went. A parent that is killed with
/// SIGKILL tells its children nothing, but the pipe it held on their standard input closes: the child reads until then.
/// Only with <c>XENO_EXIT_WITH_PARENT=1</c>: otherwise a terminal or /dev/null on standard input would decide.
/// </summary>
public static class ExitWithParent
{
    public const string Variable = "XENO_EXIT_WITH_PARENT";

    /// <summary>Whether this process was started to end with its parent.</summary>
    public static bool Wanted => Environment.GetEnvironmentVariable(Variable) == "1";

    /// <summary>
    /// Stops the app when its input ends. A parent that closes it and lives on is answered with a graceful stop. When
    /// the parent is gone, what it had started besides (storage, database) is ending too, and its successor may be
    /// starting: <paramref name="parentGone"/> is called first, to give up what runs at once.
    /// </summary>
    public static void Watch(IHostApplicationLifetime lifetime, Action parentGone)
    {
        if (!Wanted)
            return;
        var parent = ParentId();
        Watch(Console.OpenStandardInput(), () =>
        {
            // The kernel closes a dying process's pipes a moment before it gives its children another parent.
            for (var i = 0; i < 5 && parent is not null; i++, Thread.Sleep(50))
            {
                if (ParentId() == parent)
                    continue;
                parentGone();
                break;
            }
            lifetime.StopApplication();
        });
    }

    /// <param name="input">The pipe from the parent; what comes through it is ignored.</param>
    /// <param name="gone">Called once, when it ends or breaks.</param>
    public static void Watch(Stream input, Action gone)
    {
        // A thread, because a read of standard input cannot be cancelled and would hold a pool thread for ever.
        var thread = new Thread(() =>
        {
            var buffer = new byte[256];
            try
            {
                while (input.Read(buffer) > 0)
                {
                }
            }
            catch (IOException)
            {
                // A broken pipe is an end too.
            }
            gone();
        })
        {
            IsBackground = true,
            Name = "exit with parent",
        };
        thread.Start();
    }

    /// <summary>Null where the system does not say (it is asked on Linux only).</summary>
    private static string? ParentId()
    {
        try
        {
            // "pid (name) state ppid …", and the name may hold anything.
            var status = File.ReadAllText("/proc/self/stat");
            return status[(status.LastIndexOf(')') + 2)..].Split(' ')[1];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
