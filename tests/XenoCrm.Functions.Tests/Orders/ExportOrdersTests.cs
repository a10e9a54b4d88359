using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Customers;
using XenoCrm.Imports;

namespace XenoCrm.Orders;

/// <summary>What is exported is what is stored, does not run in a spreadsheet, and changes nothing when it is imported.</summary>
public sealed class ExportOrdersTests(ImportStorage storage)
{
    /// <summary>More than two of the export's pages.</summary>
    private const int Count = 1100;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task<(int Status, JsonElement Body, string Text)> ExportAsync(ImportSystem system, string query = "") =>
        await system.AnswerAsync(r => system.Get<ExportOrders>().HandleAsync(r, Cancellation), r => r.QueryString = new(query));

    private static OrderInput Order(int i) => new()
    {
        OrderNumber = i % 7 == 0 ? $"=SUM({i})" : i % 7 == 1 ? $"-{i}, \"x\"" : $"N{i}",
        Customer = (i % 3) switch
        {
            0 => new() { ExternalId = $"@C{i % 10}" },
            1 => new() { Email = $"c{i % 10}@example.com" },
            _ => new() { Phone = $"+4144668180{i % 10}" },
        },
        Amount = i / 100m, Status = i % 4 == 2 ? OrderStatus.Refunded : OrderStatus.Paid, PlacedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMilliseconds(i / 3),
        Items = i % 2 == 0 ? [new("Tea", "Drinks", 1.5m, 2), new("Cup", "Pots", 1, 3)] : null,
    };

    [Fact]
    public async Task An_export_is_complete_safe_and_changes_nothing_when_it_comes_back()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        var rows = Enumerable.Range(0, Count).Select(i => new OrderRow(OrderNormalizer.Normalize(Order(i), "USD", []).ShouldNotBeNull(), i)).ToList();
        (await system.Get<OrderWriter>().UpsertAsync(rows, new("test", CreateMissingCustomers: true), Cancellation)).ShouldAllBe(r => r.Outcome == WriteOutcome.Created);
        var before = await StoredAsync(system);

        var export = await ExportAsync(system);
        export.Status.ShouldBe(200);
        var lines = export.Text.TrimStart('\uFEFF').Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldBe("orderNumber,customer.externalId,customer.email,customer.phone,amount,currency,status,placedAt,refundedAmount,itemCount");
        lines.Length.ShouldBe(Count + 1);
        foreach (var line in lines)
        {
            "=+-@\t".ShouldNotContain(line[0]);
            line.Split(',').ShouldAllBe(cell => cell.Length == 0 || !"=+@".Contains(cell[0]), line);
        }

        var again = await system.AnswerAsync(r => system.Get<UploadImport>().HandleAsync(r, ImportKind.Orders, Cancellation), r =>
        {
            r.ContentType = "text/csv";
            r.Method = HttpMethods.Post;
            r.Body = new MemoryStream(Encoding.UTF8.GetBytes(export.Text));
            r.ContentLength = r.Body.Length;
        });
        again.Status.ShouldBe(200, again.Text);
        (again.Body.GetProperty("rows").GetInt64(), again.Body.GetProperty("unchanged").GetInt64()).ShouldBe((Count, Count), again.Text);
        (await StoredAsync(system)).ShouldBe(before);

        // The list's filters are the export's.
        var some = await ExportAsync(system, "?status=refunded&category=Pots&sort=amount");
        some.Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1 + Enumerable.Range(0, Count).Count(i => i % 4 == 2 && i % 2 == 0));
        (await ExportAsync(system, "?status=lost")).Body.GetProperty("code").GetString().ShouldBe("request.invalid");
        (await ExportAsync(system, "?category=none")).Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1);
    }

    /// <summary>Everything in the container, as it is stored.</summary>
    private static async Task<List<string>> StoredAsync(ImportSystem system) =>
        [.. (await system.QueryAsync<JsonElement>("SELECT * FROM c")).Select(e => e.GetRawText()).Order(StringComparer.Ordinal)];
}
