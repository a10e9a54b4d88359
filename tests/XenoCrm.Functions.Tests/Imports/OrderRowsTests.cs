using XenoCrm.Orders;

namespace XenoCrm.Imports;

public class OrderRowsTests
{
    [Theory]
    [InlineData("440.00", 44000L, null)]
    [InlineData("0.005", 0L, null)]
    [InlineData("0.015", 2L, null)]
    [InlineData("0.025", 2L, null)]
    [InlineData("+12.5", 1250L, null)]
    [InlineData(".5", 50L, null)]
    [InlineData("\"1.234,56\"", null, RowCodes.AmountAmbiguous)]
    [InlineData("\"1,234.56\"", null, RowCodes.AmountAmbiguous)]
    [InlineData("\"1,234\"", null, RowCodes.AmountAmbiguous)]
    [InlineData("1 234.56", null, RowCodes.AmountAmbiguous)]
    [InlineData("\"1,2,3\"", null, RowCodes.AmountInvalid)]
    [InlineData("(12.00)", null, RowCodes.AmountInvalid)]
    [InlineData("12.00-", null, RowCodes.AmountInvalid)]
    [InlineData("€ 5", null, RowCodes.AmountInvalid)]
    [InlineData("5 EUR", null, RowCodes.AmountInvalid)]
    [InlineData("+-5", null, RowCodes.AmountInvalid)]
    [InlineData(".", null, RowCodes.AmountInvalid)]
    [InlineData("٣", null, RowCodes.AmountInvalid)]
    [InlineData("1e400", null, RowCodes.AmountInvalid)]
    [InlineData("1e4", null, RowCodes.AmountInvalid)]
    [InlineData("NaN", null, RowCodes.AmountInvalid)]
    [InlineData("Infinity", null, RowCodes.AmountInvalid)]
    [InlineData("$5", null, RowCodes.AmountInvalid)]
    [InlineData("", null, RowCodes.Required)]
    [InlineData("99999999999999999999999999999999999999999", null, RowCodes.AmountOutOfRange)]
    [InlineData("99999999999", null, "order.amount_too_large")]
    [InlineData("-5", null, "order.amount_negative")]
    public async Task Amounts_are_plain_decimals_rounded_half_to_even(string amount, long? minor, string? code)
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, $"InvoiceNo,CustomerID,Amount\n1,C1,{amount}\n");

        runs[0].Issues.Select(i => i.Code).ShouldBe(code is null ? [] : [code]);
        runs[0].Orders.Select(o => o.Draft.Amount).ShouldBe(code is null ? [minor] : []);
    }

    [Theory]
    [InlineData(",", "1.234,56", 123456L)]
    [InlineData(",", "1234,5", 123450L)]
    [InlineData(",", "1.234", 123400L)]
    [InlineData(",", "1 234 567,00", 123456700L)]
    [InlineData(",", "1\u00A0234,00", 123400L)]
    [InlineData(",", "12,345", 1234L)]
    [InlineData(",", "-0,00", 0L)]
    [InlineData(",", "1,234.56", null)]
    [InlineData(",", "12.34,56", null)]
    [InlineData(",", "1.234 567,00", null)]
    [InlineData(".", "1,234.56", 123456L)]
    [InlineData(".", "12,34,567.00", 123456700L)]
    [InlineData(".", "1'234.56", 123456L)]
    [InlineData(".", "1,234", 123400L)]
    [InlineData(".", "1.234", 123L)]
    [InlineData(".", "1,23", null)]
    [InlineData(".", "1,2345", null)]
    [InlineData(".", "1,,234", null)]
    [InlineData(".", ",234", null)]
    [InlineData(".", "1.234,56", null)]
    public async Task A_decimal_separator_decides_and_allows_groups(string separator, string amount, long? minor)
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, $"OrderID;CustomerID;Total\n1;C1;{amount}\n", new() { DecimalSeparator = separator });

        runs[0].Orders.Select(o => o.Draft.Amount).ShouldBe(minor is null ? [] : [minor]);
        runs[0].Issues.Select(i => i.Code).ShouldBe(minor is null ? [RowCodes.AmountInvalid] : []);
    }

    [Theory]
    [InlineData("1996-07-04", "1996-07-04T00:00:00Z", null)]
    [InlineData("1996-07-04T08:15", "1996-07-04T08:15:00Z", null)]
    [InlineData("1996-07-04 08:15:30.5", "1996-07-04T08:15:30.5Z", null)]
    [InlineData("1996-07-04T08:15:00+02:00", "1996-07-04T06:15:00Z", null)]
    [InlineData("19960704", "1996-07-04T00:00:00Z", null)]
    [InlineData("04/07/1996", null, RowCodes.DateAmbiguous)]
    [InlineData("13.07.1996 10:00", null, RowCodes.DateAmbiguous)]
    [InlineData("1996-13-04", null, RowCodes.DateInvalid)]
    [InlineData("yesterday", null, RowCodes.DateInvalid)]
    public async Task Dates_are_ISO_8601_unless_the_file_says_otherwise(string date, string? time, string? code)
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, $"OrderID,CustomerID,Total,OrderDate\n1,C1,5,{date}\n");

        runs[0].Issues.Select(i => i.Code).ShouldBe(code is null ? [] : [code]);
        runs[0].Orders.Select(o => o.Draft.PlacedAt).ShouldBe(code is null ? [DateTimeOffset.Parse(time!)] : []);
    }

    [Theory]
    [InlineData("dd/MM/yyyy", "04/07/1996", "1996-07-04T00:00:00Z")]
    [InlineData("MM/dd/yyyy", "04/07/1996", "1996-04-07T00:00:00Z")]
    [InlineData("dd-MM-yyyy HH:mm", "04-07-1996 9:05", "1996-07-04T09:05:00Z")]
    [InlineData("d.M.yyyy", "4.7.1996", "1996-07-04T00:00:00Z")]
    public async Task A_date_format_decides(string format, string date, string time)
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, $"OrderID,CustomerID,Total,OrderDate\n1,C1,5,{date}\n", new() { DateFormat = format });

        runs[0].Orders.ShouldHaveSingleItem().Draft.PlacedAt.ShouldBe(DateTimeOffset.Parse(time));
    }

    [Fact]
    public async Task Every_problem_of_an_order_has_its_column()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, "Order No,Customer,Total,Currency,Status\n,,x,EUR,lost\n7,C1,1.50,USD,Completed\n");

        runs.Codes().ShouldBe(
            ["2 Order No order.number_missing", "2 Customer order.customer_missing", "2 Total import.amount_invalid", "2 Currency order.currency_unsupported", "2 Status import.value_unknown"],
            ignoreOrder: true);
        runs[0].Orders.ShouldHaveSingleItem().Draft.Status.ShouldBe(OrderStatus.Delivered);
    }

    [Fact]
    public async Task The_orders_of_Northwind_are_all_understood()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Imports/data/northwind-orders.csv"), TestContext.Current.CancellationToken));

        var orders = runs.SelectMany(r => r.Orders).Select(o => o.Draft).ToList();
        orders.Count.ShouldBe(830);
        orders.Sum(o => o.Amount).ShouldBe(126_579_298);
        runs.Codes().ShouldBeEmpty();
        (orders[0].OrderNumber, orders[0].Customer!.ExternalId, orders[0].PlacedAt).ShouldBe(("10248", "VINET", DateTimeOffset.Parse("1996-07-04T00:00:00Z")));
    }

    [Fact]
    public async Task An_order_number_that_comes_twice_is_warned_of()
    {
        var runs = await ReadRuns.OfAsync(ImportKind.Orders, "orderNumber,customerId,amount\n1,C1,5\n1,C1,5\n1,C1,6\n1,C2,6\n2,C1,6\n");

        runs.Codes().ShouldBe(["4 orderNumber import.duplicate_in_file", "5 orderNumber import.order_number_repeated"]);
        runs[0].Orders.Count.ShouldBe(5);
    }
}
