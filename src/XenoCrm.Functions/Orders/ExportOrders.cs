using CsvHelper;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Platform;

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

    // A spreadsheet runs what begins like a formula; an import takes the mark before it away.
    private static readonly CsvWriterOptions Options = new() { Injection = CsvInjection.Escape, WriteByteOrderMark = true };

    public async Task<IResult> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var filter = OrderFilter.Of(request, null, views.Currency);

        // Before the answer begins, so that a storage that does not answer is a problem document.
        var first = await ReadAsync(filter, null, cancellation);
        return new CsvReply(this, filter, first);
    }

    private async Task<(IReadOnlyList<Order> Orders, Dictionary<string, Customer> Customers)> ReadAsync(OrderFilter filter, string? position, CancellationToken cancellation)
    {
        var page = await orders.PageAsync(filter, position, PageSize, cancellation);
        var owners = await customers.ReadManyAsync([.. page.Select(o => o.CustomerId).Distinct()], cancellation);
        return (page, owners.ToDictionary(c => c.Value.Id, c => c.Value));
    }

    private sealed class CsvReply(ExportOrders export, OrderFilter filter, (IReadOnlyList<Order> Orders, Dictionary<string, Customer> Customers) first) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var cancellation = httpContext.RequestAborted;
            httpContext.Response.ContentType = "text/csv; charset=utf-8";
            httpContext.Response.Headers.ContentDisposition = "attachment; filename=\"orders.csv\"";
            await using var csv = CsvWriter.Create(httpContext.Response.Body, Options, leaveOpen: true);
            foreach (var column in Columns)
            {
                csv.WriteField(column);
            }

            csv.EndRecord();
            for (var page = first; ; page = await export.ReadAsync(filter, filter.KeyOf(page.Orders[^1]), cancellation))
            {
                foreach (var order in page.Orders)
                {
                    // Deleted with its customer since the page was read.
                    if (page.Customers.TryGetValue(order.CustomerId, out var customer))
                    {
                        Write(csv, order, customer);
                    }
                }

                await csv.FlushAsync(cancellation);
                if (page.Orders.Count < PageSize)
                {
                    return;
                }
            }
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
            csv.EndRecord();
        }
    }
}
