using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;

namespace XenoCrm.Delivery;

/// <summary>Who carries the messages of each channel.</summary>
public sealed class VendorOptions
{
    public const string Section = "Vendors";
    private static readonly string[] Default = [GenericHttpVendor.VendorName];

    /// <summary>Names of vendors, the preferred one first; the next one is used while it does not answer. None: <c>generic</c>.</summary>
    public IList<string> Email { get; } = [];

    public IList<string> Sms { get; } = [];

    public IList<string> WhatsApp { get; } = [];

    public IList<string> Push { get; } = [];

    public IEnumerable<string> Of(Channel channel)
    {
        var names = channel switch { Channel.Email => Email, Channel.Sms => Sms, Channel.WhatsApp => WhatsApp, _ => Push };
        return names.Count == 0 ? Default : names;
    }
}

/// <summary>Finds out at the start, and not with the first message, that a vendor cannot be used.</summary>
public sealed class VendorOptionsValidator(IEnumerable<IVendor> vendors) : IValidateOptions<VendorOptions>
{
    public ValidateOptionsResult Validate(string? name, VendorOptions options)
    {
        var known = vendors.ToDictionary(v => v.Name);
        var faults = new List<string>();
        foreach (var channel in Enum.GetValues<Channel>())
        {
            foreach (var chosen in options.Of(channel))
            {
                if (!known.TryGetValue(chosen, out var vendor))
                {
                    faults.Add($"Vendors__{channel} names the vendor '{chosen}', which does not exist. There are: {string.Join(", ", known.Keys.Order(StringComparer.Ordinal))}.");
                }
                else if (vendor.FaultFor(channel) is { } fault)
                {
                    faults.Add($"Vendors__{channel} names the vendor '{chosen}': {fault}");
                }
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults.Distinct());
    }
}

/// <summary>The vendors that there are, and the choice among them.</summary>
public sealed class VendorPool(IEnumerable<IVendor> vendors, IOptions<VendorOptions> options, TimeProvider clock) : IDisposable
{
    private readonly Dictionary<string, VendorGateway> gateways = vendors.ToDictionary(v => v.Name, v => new VendorGateway(v, clock));

    /// <summary>The channel's first vendor that is not known to be down; the first of all when all are.</summary>
    public VendorGateway Choose(Channel channel)
    {
        var names = options.Value.Of(channel);
        return gateways[names.FirstOrDefault(n => !gateways[n].IsDown) ?? names.First()];
    }

    /// <summary>Those that can be asked about a message.</summary>
    public IEnumerable<IVendor> WithStatus => gateways.Values.Select(g => g.Vendor).Where(v => v.KeepsStatus);

    /// <param name="name">As stored with a message; null when none was.</param>
    /// <returns>Null when there is no such vendor any more.</returns>
    public VendorGateway? Find(string? name) => name is null ? null : gateways.GetValueOrDefault(name);

    public void Dispose()
    {
        foreach (var gateway in gateways.Values)
        {
            gateway.Dispose();
        }
    }
}
