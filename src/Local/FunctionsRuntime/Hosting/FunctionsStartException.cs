namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>The app cannot run as it is written or configured; the message says which function or setting, and what to do.</summary>
public sealed class FunctionsStartException : Exception
{
    public FunctionsStartException(string message)
        : base(message)
    {
    }

    public FunctionsStartException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
