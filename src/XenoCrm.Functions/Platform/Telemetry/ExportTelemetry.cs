using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace XenoCrm.Platform.Telemetry;

/// <summary>
/// Sends traces and figures to an OpenTelemetry collector (OTLP), where the standard variable
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names one. Otherwise nothing is collected, and what is not collected costs nothing.
/// The exporter reads the other standard variables itself (protocol, headers, sampling).
/// </summary>
public sealed class ExportTelemetry(IConfiguration configuration) : IHostedService, IDisposable
{
    public const string EndpointSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>This app's, the worker's (an activity for each invocation), the web server's, and those of outgoing calls.</summary>
    public static readonly string[] Sources = [AppTelemetry.Name, "Microsoft.Azure.Functions.Worker", "Microsoft.AspNetCore", "System.Net.Http", "Azure.Cosmos.Operation"];

    public static readonly string[] Meters = [AppTelemetry.Name, "Microsoft.Azure.Functions.Worker", "Microsoft.AspNetCore.Hosting", "System.Net.Http", "System.Runtime"];

    private TracerProvider? traces;
    private MeterProvider? figures;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration[EndpointSetting] is not { Length: > 0 })
        {
            return Task.CompletedTask;
        }

        var resource = ResourceBuilder.CreateDefault().AddService("xenocrm", serviceVersion: AppTelemetry.Version)
            .AddAttributes([new("vcs.ref.head.revision", AppTelemetry.Build)]).AddEnvironmentVariableDetector();
        traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Sources).AddOtlpExporter().Build();
        figures = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Meters).AddOtlpExporter().Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left.</summary>
    public void Dispose()
    {
        traces?.Dispose();
        figures?.Dispose();
    }
}
