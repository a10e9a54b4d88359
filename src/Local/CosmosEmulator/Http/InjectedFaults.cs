using System.Globalization;
using System.Security.Cryptography;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>
/// Refuses a share of the requests on purpose, to see how a client bears it: <c>PUT /_faults?percent=10</c> until
/// <c>percent=0</c>, <c>GET /_faults</c> says how it stands. A request that is refused has had no effect.
/// </summary>
internal sealed class InjectedFaults
{
    private static readonly (int Status, int SubStatus, string Message)[] All =
    [
        (429, 3200, "Request rate is large. More Request Units may be needed, so no changes were made."),
        (449, 0, "Conflicting request to resource has been attempted. Retry to avoid conflicts."),
        (503, 0, "The service is currently unavailable."),
    ];

    private double _percent;
    private long _refused;

    /// <summary>What to refuse this request with; null: nothing. Only a write meets another one (449).</summary>
    public (int Status, int SubStatus, string Message)? Next(Exchange exchange)
    {
        var percent = Volatile.Read(ref _percent);
        if (percent <= 0 || RandomNumberGenerator.GetInt32(10_000) >= percent * 100)
        {
            return null;
        }

        Interlocked.Increment(ref _refused);
        var isQuery = exchange.Method == "GET" || exchange.Flag("x-ms-documentdb-isquery") || exchange.Flag("x-ms-cosmos-is-query-plan-request");
        return All[isQuery ? 2 * RandomNumberGenerator.GetInt32(2) : RandomNumberGenerator.GetInt32(All.Length)];
    }

    public ValueTask Handle(Exchange exchange)
    {
        // PUT: no page of another origin can send it without being allowed to first, and none is.
        if (exchange.Method == "PUT")
        {
            if (!double.TryParse(exchange.Query("percent"), NumberStyles.Float, CultureInfo.InvariantCulture, out var percent) || percent is not (>= 0 and <= 100))
            {
                throw new EmulatorException(400, "PUT /_faults?percent=N takes a number from 0 to 100.");
            }

            Volatile.Write(ref _percent, percent);
        }

        var answer = string.Create(CultureInfo.InvariantCulture, $$"""{"percent":{{Volatile.Read(ref _percent)}},"refused":{{Interlocked.Read(ref _refused)}}}""");
        return exchange.Respond(200, System.Text.Encoding.UTF8.GetBytes(answer));
    }
}
