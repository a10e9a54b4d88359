using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;

namespace XenoCrm.Platform.Telemetry;

/// <summary>
/// The names that traces and figures of this app go under. Features make their instruments of <see cref="Meter"/>; what
/// the host, ASP.NET Core and the SDKs say of themselves is exported beside them (<see cref="ExportTelemetry"/>).
/// </summary>
public static class AppTelemetry
{
    public const string Name = "XenoCrm";

    public static readonly ActivitySource Source = new(Name);

    public static readonly Meter Meter = new(Name);

    private static readonly string[] Informational =
        (typeof(AppTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+', 2);

    public static string Version => Informational[0];

    /// <summary>The commit that the app was built from; empty where it was built outside of a repository.</summary>
    public static string Build => Informational.Length > 1 ? Informational[1] : "";

    /// <summary>
    /// What several callers' work becomes when it is done in one go belongs to the trace of the first and is linked to the
    /// others'. Without a listener too: log lines and outgoing calls have the trace's id then.
    /// </summary>
    /// <returns>Null when there is nothing to follow.</returns>
    public static Activity? Follow(string name, IReadOnlyCollection<ActivityContext> causes)
    {
        var known = causes.Where(c => c.TraceId != default).Distinct().ToList();
        if (known.Count == 0)
        {
            return null;
        }

        var activity = Source.StartActivity(name, ActivityKind.Internal, known[0], links: known.Skip(1).Select(c => new ActivityLink(c)));
        return activity ?? new Activity(name).SetParentId(known[0].TraceId, known[0].SpanId, known[0].TraceFlags).Start();
    }
}
