using CsvHelper;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;

namespace XenoCrm.Orders;

/// <summary>
/// Orders as CSV, read and sent page by page. The columns are an import's: the file changes nothing when it comes back,
/// and the last two are for people. Pages go by key, so each order that is there throughout is in the file once.
/// </summary>
public sealed class ExportOrders(OrderStore orders, CustomerStore customers, OrderViews views)
{
    private const int PageSize = 500;

    private static readonly string[] Columns =
        ["orderNumber", "customer.externalId", "customer.email", "customer.phone", "amount", "currency", "status", "placedAt", "refundedAmount", "itemCount"];

    public async Task<IResult> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var filter = OrderFilter.Of(request, null, views.Currency);

        // Before the answer begins, so that a storage that does not answer is a problem document.
        var first = await ReadAsync(filter, null, cancellation);
        return new CsvReply("orders.csv", (csv, aborted) => WriteAsync(csv, filter, first, aborted));
    }

    private async Task WriteAsync(
        CsvWriter csv, OrderFilter filter, (IReadOnlyList<Order> Orders, Dictionary<string, Customer> Customers) page, CancellationToken cancellation)
    {
        foreach (var column in Columns)
        {
            csv.WriteField(column);
        }

        await csv.EndRecordAsync(cancellation);
        while (true)
        {
            foreach (var order in page.Orders)
            {
                // Without its customer: deleted with it since the page was read.
                if (page.Customers.TryGetValue(order.CustomerId, out var customer))
                {
                    Write(csv, order, customer);
                    await csv.EndRecordAsync(cancellation);
                }
            }

            await csv.FlushAsync(cancellation);
            if (page.Orders.Count < PageSize)
            {
                return;
            }

            page = await ReadAsync(filter, filter.KeyOf(page.Orders[^1]), cancellation);
        }
    }

    private async Task<(IReadOnlyList<Order> Orders, Dictionary<string, Customer> Customers)> ReadAsync(OrderFilter filter, string? position, CancellationToken cancellation)
    {
        var page = await orders.PageAsync(filter, position, PageSize, cancellation);
        var owners = await customers.ReadManyAsync([.. page.Select(o => o.CustomerId).Distinct()], cancellation);
        return (page, owners.ToDictionary(c => c.Value.Id, c => c.Value));
    }

    private static void Write(CsvWriter csv, Order order, Customer customer)
    {
        csv.WriteField(order.OrderNumber);
        csv.WriteField(customer.ExternalId ?? "");
        csv.WriteField(customer.Email ?? "");
        csv.WriteField(customer.PhoneUsable ? customer.Phone! : "");
        csv.WriteField(Money.ToMajor(order.Amount, order.Currency));
        csv.WriteField(order.Currency);
        csv.WriteField(order.Status.ToString().ToLowerInvariant());
        csv.WriteField(UtcTimeConverter.Write(order.PlacedAt));
        csv.WriteField(Money.ToMajor(order.Refunded, order.Currency));
        csv.WriteField(order.Items.Count);
    }
}
