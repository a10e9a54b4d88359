using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Segments;

namespace XenoCrm.Delivery;

/// <summary>What vendors charge, in the workspace's currency.</summary>
public sealed class PriceOptions
{
    public const string Section = "Delivery:Prices";

    /// <summary>Where none of these fits, the channel's price of the settings <c>Prices:…</c> holds.</summary>
    public IList<VendorPrice> Messages { get; } = [];

    /// <summary>Of a million request units of the database; null: they are counted and not priced.</summary>
    public decimal? MillionRequestUnits { get; set; }
}

/// <summary>Of one message; of an SMS, of each part.</summary>
public sealed class VendorPrice
{
    public Channel Channel { get; set; }

    /// <summary>Null: any.</summary>
    public string? Vendor { get; set; }

    /// <summary>What numbers begin with, such as <c>+41</c>; null: any.</summary>
    public string? Prefix { get; set; }

    public decimal Amount { get; set; }
}

/// <summary>The price of a message when it is handed over: the entry with the longest prefix that fits, of these the vendor's own.</summary>
public sealed class PriceTable(IOptions<PriceOptions> options, IOptions<ChannelPrices> channels)
{
    /// <summary>Stored prices are whole millionths of the currency's unit: their sums are exact.</summary>
    public const decimal Scale = 1_000_000m;

    /// <returns>Millionths, for all parts of an SMS; null when nobody knows it.</returns>
    public long? Of(string vendor, VendorMessage message) =>
        Of(vendor, message.Channel, message.To) is { } price ? message.Channel == Channel.Sms ? price * Parts(message) : price : null;

    private static int Parts(VendorMessage message) => SmsText.Measure(message.Render().Text ?? "").Parts;

    private long? Of(string vendor, Channel channel, string to)
    {
        var best = options.Value.Messages
            .Where(p => p.Channel == channel && (p.Vendor is null || p.Vendor == vendor) && (p.Prefix is null || to.StartsWith(p.Prefix, StringComparison.Ordinal)))
            .OrderByDescending(p => p.Prefix?.Length ?? 0).ThenByDescending(p => p.Vendor is not null)
            .FirstOrDefault();
        return (best?.Amount ?? channels.Value.Of(channel.Name())) is { } amount ? (long)decimal.Round(amount * Scale) : null;
    }

    public decimal? OfUnits(double units) => options.Value.MillionRequestUnits is { } price ? decimal.Round(price * (decimal)units / 1_000_000m, 6) : null;
}
