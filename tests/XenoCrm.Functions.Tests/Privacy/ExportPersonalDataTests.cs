using System.IO.Pipelines;
using System.Text.Json;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Orders;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Privacy;

public sealed class ExportPersonalDataTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Everything_that_is_held_is_in_it_over_all_orders_and_campaigns()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var crm = await CrmHarness.StartAsync();
        CustomerDraft Draft(CustomerInput input) => CustomerNormalizer.Normalize(input, []);
        var maria = (await crm.Writer.UpsertAsync(Draft(new() { ExternalId = "A", Email = "a@x.org", Consent = new Dictionary<string, ConsentInput> { ["email"] = new(ConsentState.Granted) } }), "test", cancellation)).Value.Id;
        await crm.Writer.UpsertAsync(Draft(new() { ExternalId = "A", Consent = new Dictionary<string, ConsentInput> { ["email"] = new(ConsentState.Withdrawn) } }), "test", cancellation);
        var second = (await crm.Writer.UpsertAsync(Draft(new() { ExternalId = "B" }), "test", cancellation)).Value.Id;
        await crm.Orders.UpsertAsync(
            [.. Enumerable.Range(0, 620).Select(i => new OrderRow(OrderNormalizer.Normalize(new() { OrderNumber = $"o{i}", Customer = new() { ExternalId = "A" }, Amount = 1, PlacedAt = Start.AddHours(i) }, "USD", [])!, i))],
            new("test", crm.Journal("i1")), cancellation);
        await crm.Get<MergeCustomers>().HandleAsync(new(maria, second), cancellation);
        await crm.Get<SuppressionStore>().AddAsync(new(crm.Hasher.Hash(Channel.Email, "a@x.org"), Channel.Email, "bounced", Start, "x"), cancellation);
        await crm.Get<BatchStore>().CreateManyAsync(
            [.. Enumerable.Range(0, 70).Select(n => Batch.Create("c1", n, [$"other{n}", n % 2 == 0 ? maria : $"another{n}"], Start)), Batch.Create("c2", 0, [second], Start)], cancellation);

        var body = new MemoryStream();
        var export = crm.Get<ExportPersonalData>();
        await export.WriteAsync((await crm.Customers.ReadAsync(maria, cancellation))!.Value, PipeWriter.Create(body), cancellation);
        using var document = JsonDocument.Parse(body.ToArray());
        var data = document.RootElement;
        data.GetProperty("customer").GetProperty("email").GetString().ShouldBe("a@x.org");
        data.GetProperty("consentHistory").EnumerateArray().ShouldHaveSingleItem().GetProperty("state").GetString().ShouldBe("granted");
        data.GetProperty("orders").EnumerateArray().Select(o => o.GetProperty("order").GetProperty("orderNumber").GetString()).Distinct().Count().ShouldBe(620);
        data.GetProperty("imports").EnumerateArray().Select(i => i.GetString()).ShouldBe(["i1"]);
        var messages = data.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("id").GetString()!).ToList();
        messages.ShouldBe([.. Enumerable.Range(0, 35).Select(n => $"c1.{n * 2}.1"), "c2.0.0"], ignoreOrder: true);
        data.GetProperty("suppressions").EnumerateArray().ShouldHaveSingleItem().GetProperty("reason").GetString().ShouldBe("bounced");
        data.GetProperty("merged").EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetString().ShouldBe(second);
        data.GetProperty("identities").GetArrayLength().ShouldBe(3);
        data.EnumerateObject().Select(p => p.Name).ShouldBe(
            ["exportedAt", "customer", "consentHistory", "pastVisits", "lastMessages", "segments", "merged", "imports", "identities", "suppressions", "orders", "messages"]);
    }
}
