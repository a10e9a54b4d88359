using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Analytics;

/// <param name="WithOrders">With an order that counts.</param>
/// <param name="Active">With an order or a visit in the days of the settings.</param>
/// <param name="AtRisk">With two orders or more, and none in these days: as the segment template of that name has it.</param>
public sealed record CustomerTotals(long Total, long WithOrders, long Active, long AtRisk);

/// <summary>One item: how many customers there are, and how they are.</summary>
public sealed class CustomerRollUp(RollUpTools tools, CustomerStore customers) : RollUps<CustomerTotals>(tools, KindName)
{
    public const string KindName = "analytics-customers";
    public const string Key = "all";

    protected override async Task<CustomerTotals> ComputeAsync(string key, DateTimeOffset now, CancellationToken cancellation)
    {
        var since = UtcTimeConverter.Write(now.AddDays(-Tools.Options.ActiveDays));
        var counts = await Task.WhenAll(
            customers.CountAsync(CustomerFilter.All, cancellation),
            customers.CountAsync(CustomerFilter.All.And("c.orderCount > 0"), cancellation),
            customers.CountAsync(CustomerFilter.All.And("c.lastActiveAt >= @since", ("@since", since)), cancellation),
            customers.CountAsync(CustomerFilter.All.And("c.orderCount >= 2 AND c.lastOrderAt < @since", ("@since", since)), cancellation));
        return new(counts[0], counts[1], counts[2], counts[3]);
    }

    protected override IEnumerable<string> Usual() => [Key];
}
