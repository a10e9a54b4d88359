namespace XenoCrm.Webhooks;

public sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    /// <summary>Whether subscribers may be reached without TLS. For trying things out.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>
    /// Whether subscribers may be in this network: loopback, private and link-local addresses, whatever name leads there.
    /// False: an address that somebody subscribes cannot be used to reach what only this service reaches.
    /// </summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>For one request, from connecting to the head of the answer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A subscription whose receiver has failed for so long, without one success, is disabled.</summary>
    public TimeSpan DisableAfter { get; set; } = TimeSpan.FromDays(3);

    /// <summary>Requests that one instance has under way at one receiver.</summary>
    public int ConcurrentPosts { get; set; } = 10;
}
