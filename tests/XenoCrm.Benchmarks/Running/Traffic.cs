using System.Globalization;

namespace XenoCrm.Benchmarks;

/// <summary>What goes to the database.</summary>
internal sealed class Traffic
{
    private readonly Lock _lock = new();

    public long Requests { get; private set; }

    public double Ru { get; private set; }

    public void Reset()
    {
        lock (_lock)
            (Requests, Ru) = (0, 0);
    }

    public HttpMessageHandler Handler() => new Counter(this) { InnerHandler = new SocketsHttpHandler { MaxConnectionsPerServer = 256 } };

    private sealed class Counter(Traffic traffic) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            var ru = answer.Headers.TryGetValues("x-ms-request-charge", out var values) ? double.Parse(values.First(), CultureInfo.InvariantCulture) : 0;
            lock (traffic._lock)
            {
                traffic.Requests++;
                traffic.Ru += ru;
            }

            return answer;
        }
    }
}
