using System.Diagnostics.Metrics;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Platform.Telemetry;

/// <summary>What the database charges, by function, container and kind of request. Throttled requests are counted: they mean that work waits.</summary>
internal sealed class RequestUnits : RequestHandler
{
    private static readonly Counter<double> Charge = AppTelemetry.Meter.CreateCounter<double>("xenocrm.database.request_units", "{RU}", "Request units that the database charged.");

    private static readonly Counter<long> Throttled = AppTelemetry.Meter.CreateCounter<long>("xenocrm.database.throttled", "{request}", "Requests that the database put off.");

    public override async Task<ResponseMessage> SendAsync(RequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (!Charge.Enabled)
        {
            return response;
        }

        var container = ContainerOf(request.RequestUri.OriginalString);
        Charge.Add(response.Headers.RequestCharge, new("faas.name", TraceMiddleware.Function), new("db.collection.name", container), new("db.operation.name", request.Method.Method));
        if ((int)response.StatusCode == 429)
        {
            Throttled.Add(1, new KeyValuePair<string, object?>("db.collection.name", container));
        }

        return response;
    }

    /// <summary>Of <c>dbs/xenocrm/colls/NAME/docs/…</c>; the rest of it may name a person.</summary>
    internal static string? ContainerOf(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var index = Array.IndexOf(parts, "colls");
        return index >= 0 && index + 1 < parts.Length ? parts[index + 1] : null;
    }
}
