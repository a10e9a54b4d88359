using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

/// <summary>What a message costs, by channel, in the workspace's currency. A channel without a price has no estimate.</summary>
public sealed class ChannelPrices
{
    public const string Section = "Prices";

    public decimal? Email { get; set; }

    public decimal? Sms { get; set; }

    public decimal? WhatsApp { get; set; }

    public decimal? Push { get; set; }

    public decimal? Of(string channel) => channel switch { "email" => Email, "sms" => Sms, "whatsapp" => WhatsApp, _ => Push };
}

/// <summary>The setting of sending that decides whether customers who were never asked are written to.</summary>
public sealed class ReachOptions
{
    public const string Section = "Delivery";

    public bool RequireConsent { get; set; }
}

/// <param name="Reachable">Who has a usable address and has not said no. Suppressed addresses, which are known by their hash only, count as reachable.</param>
/// <param name="Price">Of one message, from the settings.</param>
/// <param name="Cost">Price × reachable.</param>
public sealed record ChannelEstimate(string Channel, long Reachable, decimal? Price, decimal? Cost);

/// <summary>How many customers a message would reach on each channel, by the rules of sending, and what that costs.</summary>
public sealed class ChannelReach(CustomerStore customers, IOptions<ChannelPrices> prices, IOptions<ReachOptions> options)
{
    public async Task<IReadOnlyList<ChannelEstimate>> EstimateAsync(CustomerFilter filter, CancellationToken cancellation) =>
        await Task.WhenAll(RuleCatalogue.Channels.Select(async channel =>
        {
            var reachable = await customers.CountAsync(filter with { Where = $"({filter.Where}) AND {Condition(channel)}" }, cancellation);
            var price = prices.Value.Of(channel);
            return new ChannelEstimate(channel, reachable, price, price * reachable);
        }));

    private string Condition(string channel)
    {
        var address = channel switch
        {
            "email" => "IS_STRING(c.email)",
            "sms" or "whatsapp" => "c.phoneUsable = true",
            _ => "IS_STRING(c.attributes.pushToken)",
        };
        var state = $"c.consent.{channel}.state";
        return options.Value.RequireConsent ? $"{address} AND {state} = 'granted'" : $"{address} AND NOT (IS_DEFINED({state}) AND {state} = 'withdrawn')";
    }
}
