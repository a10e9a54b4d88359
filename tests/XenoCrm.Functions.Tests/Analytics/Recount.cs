using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Analytics;

/// <summary>Everything that is stored, to count again what the figures mean, item by item and day by day.</summary>
internal sealed class Recount
{
    private Recount(IReadOnlyList<Customer> customers, IReadOnlyList<Order> orders, IReadOnlyList<Batch> batches, IReadOnlyList<Campaign> campaigns) =>
        (Customers, Orders, Batches, Campaigns) = (customers, orders, batches, campaigns);

    public IReadOnlyList<Customer> Customers { get; }

    /// <summary>Those that count.</summary>
    public IReadOnlyList<Order> Orders { get; }

    public IReadOnlyList<Batch> Batches { get; }

    public IReadOnlyList<Campaign> Campaigns { get; }

    public static async Task<Recount> ReadAsync(DeliveryHarness harness)
    {
        async Task<List<JsonElement>> All(string container)
        {
            var items = new List<JsonElement>();
            using var pages = harness.Get<CosmosDatabase>().Container(container).GetItemQueryStreamIterator("SELECT * FROM c");
            while (pages.HasMoreResults)
            {
                using var answer = await pages.ReadNextAsync();
                items.AddRange(JsonElement.Parse(new StreamReader(answer.Content).ReadToEnd()).GetProperty("Documents").EnumerateArray().Select(i => i.Clone()));
            }

            return items;
        }

        static List<T> Of<T>(IEnumerable<JsonElement> items) => [.. items.Select(i => i.Deserialize<T>(Json.Options)!)];
        static bool Is(JsonElement item, string type) => item.GetProperty("type").GetString() == type;
        var stored = await All(CustomerStore.ContainerName);
        return new(
            Of<Customer>(stored.Where(i => Is(i, Customer.TypeName))),
            [.. Of<Order>(stored.Where(i => Is(i, Order.TypeName))).Where(o => o.Status is not (OrderStatus.Cancelled or OrderStatus.Refunded))],
            Of<Batch>(await All("deliveries")),
            Of<Campaign>((await All(Workspace.ContainerName)).Where(i => i.GetProperty("kind").GetString() == Campaign.KindName)));
    }

    public static DateOnly Day(DateTimeOffset time, TimeZoneInfo zone) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(time, zone).DateTime);

    public IEnumerable<Order> Placed(DateOnly from, DateOnly to, TimeZoneInfo zone) => Orders.Where(o => Day(o.PlacedAt, zone) >= from && Day(o.PlacedAt, zone) <= to);

    /// <summary>As the answers have it: the workspace's currency first, and always.</summary>
    public static string Amounts(IEnumerable<Order> orders) => Amounts(orders.Select(o => (o.Currency, o.Amount - o.Refunded)));

    public static string Amounts(IEnumerable<(string Currency, long Minor)> some)
    {
        var list = some.ToList();
        return string.Join("; ", new[] { "USD" }.Concat(list.Select(s => s.Currency).Where(c => c != "USD").Distinct().Order(StringComparer.Ordinal))
            .Select(c => $"{c} {list.Count(s => s.Currency == c)} {Money.ToMajor(list.Where(s => s.Currency == c).Sum(s => s.Minor), c)}"));
    }

    public static string Amounts(JsonElement revenue) =>
        string.Join("; ", revenue.EnumerateArray().Select(r => $"{r.GetProperty("currency").GetString()} {r.GetProperty("orders").GetInt64()} {r.GetProperty("revenue").GetDecimal()}"));
}
