namespace XenoCrm.AppHost;

/// <summary>Something the person at the terminal can put right: the message says what and how; no stack is shown.</summary>
public sealed class LocalException(string message, Exception? inner = null) : Exception(message, inner);
