using FsCheck;
using FsCheck.Fluent;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

public sealed class OrderTotalsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Customer Nobody = new() { Id = "c", CreatedAt = Start, UpdatedAt = Start };

    private static Order Make(int number, long amount, OrderStatus status, int day, int category) => new()
    {
        CustomerId = "c",
        OrderNumber = $"{number}",
        Amount = amount,
        Currency = "USD",
        Status = status,
        PlacedAt = Start.AddDays(day),
        Items = category == 0 ? [] : [new("p", $"cat{category % 3}", 1.5m, amount / 2), new("q", category == 5 ? null : "cat1", 2, 33)],
        CreatedAt = Start,
        UpdatedAt = Start,
    };

    /// <summary>Random orders put, changed and removed, step by step where that is possible: always what a sum over all gives.</summary>
    [Fact]
    public void Step_by_step_equals_summing_up()
    {
        var steps = 0;
        var fallbacks = 0;
        var step = Gen.Choose(0, 7).SelectMany(number => Gen.Choose(0, 3).SelectMany(kind => Gen.Choose(0, 100_000).SelectMany(amount =>
            Gen.Choose(0, 5).SelectMany(status => Gen.Choose(0, 9).SelectMany(day => Gen.Choose(0, 5).Select(category =>
                (IsRemoval: kind == 0, Order: Make(number, amount, (OrderStatus)status, day, category))))))));

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Gen.ListOf(step).ToArbitrary(), list =>
        {
            var stored = new Dictionary<string, Order>();
            var customer = Nobody;
            foreach (var (isRemoval, order) in list)
            {
                steps++;
                var old = stored.GetValueOrDefault(order.OrderNumber);
                if (isRemoval)
                {
                    stored.Remove(order.OrderNumber);
                }
                else
                {
                    stored[order.OrderNumber] = order;
                }

                var next = old is null ? customer : OrderTotals.TryRemove(customer, old);
                fallbacks += next is null ? 1 : 0;
                customer = next is null ? OrderTotals.Of(customer, stored.Values) : isRemoval ? next : OrderTotals.Add(next, order);
                Same(customer, OrderTotals.Of(Nobody, stored.Values));
            }
        }));

        steps.ShouldBeGreaterThan(10_000);
        fallbacks.ShouldBeInRange(1, steps / 2);
    }

    [Theory]
    [InlineData(OrderStatus.Placed, OrderStatus.Delivered, true)]
    [InlineData(OrderStatus.Delivered, OrderStatus.Placed, false)]
    [InlineData(OrderStatus.Delivered, OrderStatus.Refunded, true)]
    [InlineData(OrderStatus.Delivered, OrderStatus.Cancelled, false)]
    [InlineData(OrderStatus.Placed, OrderStatus.Refunded, false)]
    [InlineData(OrderStatus.Cancelled, OrderStatus.Placed, false)]
    [InlineData(OrderStatus.Refunded, OrderStatus.Cancelled, false)]
    [InlineData(OrderStatus.Cancelled, OrderStatus.Cancelled, true)]
    public void A_status_goes_forward(OrderStatus from, OrderStatus to, bool isAllowed) => OrderFlow.Allows(from, to).ShouldBe(isAllowed);

    [Fact]
    public void Every_pair_of_states_is_decided_once()
    {
        var states = Enum.GetValues<OrderStatus>();
        var allowed = states.SelectMany(from => states.Where(to => from != to && OrderFlow.Allows(from, to)).Select(to => $"{from}>{to}"));
        allowed.ShouldBe(
        [
            "Placed>Paid", "Placed>Shipped", "Placed>Delivered", "Placed>Cancelled",
            "Paid>Shipped", "Paid>Delivered", "Paid>Cancelled", "Paid>Refunded",
            "Shipped>Delivered", "Shipped>Cancelled", "Shipped>Refunded",
            "Delivered>Refunded",
        ], ignoreOrder: true);
    }

    private static void Same(Customer a, Customer b)
    {
        (a.TotalSpend, a.OrderCount, a.FirstOrderAt, a.LastOrderAt).ShouldBe((b.TotalSpend, b.OrderCount, b.FirstOrderAt, b.LastOrderAt));
        a.Categories.OrderBy(c => c.Key).ShouldBe(b.Categories.OrderBy(c => c.Key));
    }
}
