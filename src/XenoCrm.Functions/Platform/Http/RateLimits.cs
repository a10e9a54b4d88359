using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>Settings under <c>RateLimits</c>. Each instance counts by itself: over all of them the limit is as many times higher.</summary>
public sealed class RateLimitOptions
{
    public const string Section = "RateLimits";

    /// <summary>Requests of one caller (user or API key) in a <see cref="Window"/>; 0: no limit.</summary>
    public int Requests { get; set; } = 6000;

    /// <summary>Sign-ins and refreshes from one address in a <see cref="Window"/>; 0: no limit.</summary>
    public int SignIns { get; set; } = 60;

    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How many proxies stand before the service and add the caller's address to <c>X-Forwarded-For</c>: 1 in Azure. With
    /// 0 the header is not believed, since anybody can send it.
    /// </summary>
    public int TrustedProxies { get; set; }
}

/// <summary>Callers of this function are counted by their address: nothing else is known of them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LimitByAddressAttribute : Attribute;

/// <summary>Counts requests, tells how many are left (<c>RateLimit</c> headers of the IETF draft), and refuses what is too much.</summary>
public sealed class RateLimits(IOptions<RateLimitOptions> options, TimeProvider clock)
{
    private readonly RateLimitOptions options = options.Value;
    private readonly FixedWindows callers = new(options.Value.Requests, options.Value.Window, clock);
    private readonly FixedWindows addresses = new(options.Value.SignIns, options.Value.Window, clock);

    /// <exception cref="ProblemException">429.</exception>
    public void CountCaller(HttpContext http, string caller) => Count(http, callers, caller, "caller");

    /// <exception cref="ProblemException">429.</exception>
    public void CountAddress(HttpContext http) => Count(http, addresses, AddressOf(http), "address");

    private static void Count(HttpContext http, FixedWindows windows, string key, string policy)
    {
        if (windows.Limit <= 0)
        {
            return;
        }

        var (isAllowed, left, seconds) = windows.Take(key);

        // When the answer begins: a problem document clears the headers that were set before.
        http.Response.OnStarting(() =>
        {
            http.Response.Headers["RateLimit-Policy"] = $"\"{policy}\";q={windows.Limit};w={(int)windows.Window.TotalSeconds}";
            http.Response.Headers["RateLimit"] = $"\"{policy}\";r={left};t={seconds}";
            return Task.CompletedTask;
        });
        if (!isAllowed)
        {
            throw (new RateLimited { RetryAfterSeconds = seconds }).ToException();
        }
    }

    private string AddressOf(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress;
        if (options.TrustedProxies > 0)
        {
            // From the right: what is further left, the caller may have written.
            var hops = http.Request.Headers["X-Forwarded-For"].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (hops.Length >= options.TrustedProxies && IPEndPoint.TryParse(hops[^options.TrustedProxies], out var hop))
            {
                address = hop.Address;
            }
        }

        if (address is null)
        {
            return "";
        }

        // Whoever has one address of IPv6 has all of its network.
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)) : address.ToString();
    }
}

/// <summary>Counts by key; the window of a key begins with its first request.</summary>
internal sealed class FixedWindows(int limit, TimeSpan window, TimeProvider clock)
{
    /// <summary>Some 2 MB. With more keys at once than this, those that find no room share one count.</summary>
    internal const int Capacity = 20_000;

    private readonly Dictionary<string, (long Ends, int Count)> counts = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private long cleanAgainAt;

    public int Limit => limit;

    public TimeSpan Window => window;

    /// <returns>Whether there was one left, how many are now, and the seconds until all are again.</returns>
    public (bool IsAllowed, int Left, int Seconds) Take(string key)
    {
        var now = clock.GetTimestamp();
        lock (gate)
        {
            if (!counts.TryGetValue(key, out var current) || current.Ends <= now)
            {
                if (counts.Count >= Capacity && !counts.ContainsKey(key))
                {
                    key = MakeRoom(now) ? key : "";
                    current = counts.GetValueOrDefault(key);
                }

                if (current.Ends <= now)
                {
                    current = (now + (long)(window.TotalSeconds * clock.TimestampFrequency), 0);
                }
            }

            // Refused ones do not count: who is told when to come back finds it true.
            var isAllowed = current.Count < limit;
            current.Count += isAllowed ? 1 : 0;
            counts[key] = current;
            return (isAllowed, limit - current.Count, (int)Math.Ceiling((current.Ends - now) / (double)clock.TimestampFrequency));
        }
    }

    internal int Keys => counts.Count;

    private bool MakeRoom(long now)
    {
        // At most once a second: going through all of them for each new key would be what an attacker wants.
        if (now >= cleanAgainAt)
        {
            cleanAgainAt = now + clock.TimestampFrequency;
            foreach (var (key, _) in counts.Where(c => c.Value.Ends <= now).ToList())
            {
                counts.Remove(key);
            }
        }

        return counts.Count < Capacity;
    }
}
