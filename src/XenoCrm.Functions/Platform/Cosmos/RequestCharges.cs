using Microsoft.Azure.Cosmos;

namespace XenoCrm.Platform.Cosmos;

/// <summary>
/// What the requests of a piece of work are charged, in request units: of everything that the work awaits, and of nothing
/// that runs beside it.
/// </summary>
public sealed class RequestCharges
{
    private static readonly AsyncLocal<RequestCharges?> Current = new();
    private readonly Lock gate = new();
    private double total;

    /// <summary>Of the work that goes on from here, in the method that calls this and in those that it calls.</summary>
    public static RequestCharges Begin() => Current.Value = new();

    public double Total
    {
        get
        {
            lock (gate)
            {
                return total;
            }
        }
    }

    /// <summary>What there is so far, which is not counted again.</summary>
    public double Take()
    {
        lock (gate)
        {
            return (total, total = 0).Item1;
        }
    }

    /// <summary>Requests that many callers share are made outside of each of them: whoever makes an operation in bulk says what it was charged.</summary>
    public static void Add(double charge)
    {
        if (Current.Value is { } charges)
        {
            lock (charges.gate)
            {
                charges.total += charge;
            }
        }
    }

    /// <summary>Sees every request of the client that answers at once.</summary>
    internal sealed class Handler : RequestHandler
    {
        public override async Task<ResponseMessage> SendAsync(RequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            Add(answer.Headers.RequestCharge);
            return answer;
        }
    }
}
