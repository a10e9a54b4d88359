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

    /// <summary>Stops the app, gracefully, when the parent is gone.</summary>
    public static void Watch(IHostApplicationLifetime lifetime)
    {
        if (Environment.GetEnvironmentVariable(Variable) == "1")
            Watch(Console.OpenStandardInput(), lifetime.StopApplication);
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
}
