using System.Globalization;
using XenoCrm.Delivery;

namespace XenoCrm.Insights;

public enum FigureUnit
{
    Count,

    /// <summary>The value is 0 to 100.</summary>
    Percent,
    Money,
}

/// <summary>One number that a summary may speak of.</summary>
/// <param name="Value">Exact for counts and money; percentages to one decimal.</param>
/// <param name="Text">As it is to be written.</param>
/// <param name="Currency">Of money.</param>
public sealed record Figure(string Name, decimal Value, FigureUnit Unit, string Text, string? Currency = null);

/// <summary>The figures of a campaign: from the ledger, and what can be computed from it alone.</summary>
internal static class Figures
{
    public static IReadOnlyList<Figure> Of(CampaignStatsView stats, ChannelResults past, IReadOnlyList<VariantOutcome>? variants = null)
    {
        var figures = new List<Figure>
        {
            Count("audience", stats.Audience), Count("sent", stats.Sent), Count("delivered", stats.Delivered), Count("failed", stats.Failed), Count("suppressed", stats.Suppressed), Count("skipped", stats.Skipped), Count("pending", stats.Pending),
            Count("opened", stats.Opened), Count("clicked", stats.Clicked), Count("unsubscribed", stats.Unsubscribed), Count("complained", stats.Complained), Count("ordered", stats.Conversions.Orders),
        };
        void Rate(string name, Rate rate)
        {
            if (rate.Value is { } value)
            {
                figures.Add(Percent(name, value));
            }
        }

        Rate("deliveryRate", stats.Rates.Delivered);
        Rate("failureRate", stats.Rates.Failed);
        Rate("openRate", stats.Rates.Opened);
        Rate("clickRate", stats.Rates.Clicked);
        Rate("unsubscribeRate", stats.Rates.Unsubscribed);
        Rate("complaintRate", stats.Rates.Complained);
        foreach (var revenue in stats.Conversions.Revenue)
        {
            figures.Add(Money("revenue", revenue.Total, revenue.Currency));
        }

        if (stats.Cost.Messages > 0)
        {
            figures.Add(Money("cost", stats.Cost.Messages, stats.Cost.Currency));
        }

        if (past.Campaigns > 0)
        {
            figures.Add(Count("earlierCampaigns", past.Campaigns));
            if (past.OpenRate is { } open)
            {
                figures.Add(Percent("earlierOpenRate", open));
            }

            if (past.ClickRate is { } click)
            {
                figures.Add(Percent("earlierClickRate", click));
            }
        }

        foreach (var variant in variants ?? [])
        {
            figures.Add(Count(OfVariant("sent", variant.Name), variant.Sent));
            if (variant is { OpenRate: { } opened, ClickRate: { } clicked })
            {
                figures.Add(Percent(OfVariant("openRate", variant.Name), opened));
                figures.Add(Percent(OfVariant("clickRate", variant.Name), clicked));
            }
        }

        return figures;
    }

    /// <summary><c>openRate of variant B</c>.</summary>
    public static string OfVariant(string figure, string variant) => $"{figure} of variant {variant}";

    public static Figure Count(string name, long value) => new(name, value, FigureUnit.Count, value.ToString("N0", CultureInfo.InvariantCulture));

    public static Figure Percent(string name, double share)
    {
        var value = Math.Round((decimal)share * 100, 1, MidpointRounding.AwayFromZero);
        return new(name, value, FigureUnit.Percent, value.ToString("0.#", CultureInfo.InvariantCulture) + "%");
    }

    public static Figure Money(string name, decimal value, string currency) =>
        new(name, value, FigureUnit.Money, string.Create(CultureInfo.InvariantCulture, $"{currency} {value:#,##0.00##}"), currency);

    /// <summary>What went wrong most often.</summary>
    public static string? TopReason(CampaignStatsView stats) => stats.Reasons.Where(r => r.Key != Reasons.Holdout).OrderByDescending(r => r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r => r.Key).FirstOrDefault();

    public static string Name(string reason) => reason.Replace('_', ' ').Replace('-', ' ');
}
