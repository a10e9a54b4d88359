using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Azure.Storage.Blobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Accounts;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Imports;
using XenoCrm.Local.CosmosEmulator;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Segments;

/// <summary>Whoever writes a customer, by whatever way: the tags are right when the write returns, with no rebuild.</summary>
public sealed class LiveMembershipTests(ImportStorage storage) : IAsyncLifetime
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;

    private ServiceProvider app = null!;
    private readonly Dictionary<string, string> names = [];

    public async ValueTask InitializeAsync()
    {
        var (connection, cosmos) = await storage.StartAsync();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AzureWebJobsStorage"] = connection,
            ["Cosmos:Endpoint"] = cosmos.ToString(),
            ["Cosmos:Key"] = EmulatorOptions.WellKnownKey,
            ["Cosmos:Database"] = "live" + Guid.NewGuid().ToString("N"),
            ["Signing:Key"] = Convert.ToBase64String(new byte[40]),
            ["Workspace:AddressKey"] = Convert.ToBase64String(new byte[40]),
        }).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddPlatform(configuration).AddCustomers(configuration).AddOrders(configuration).AddSegments(configuration).AddImports(configuration).AddCampaigns();
        app = services.BuildServiceProvider();
        await Get<CosmosDatabase>().EnsureCreatedAsync();
        await new CreateImportContainers(Get<BlobServiceClient>()).StartAsync(Cancellation);
        foreach (var (name, rule) in new[]
        {
            ("bern", Rules.OneJson("city", "=", "\"bern\"")),
            ("spender", Rules.OneJson("totalSpend", ">=", "100")),
            ("visitor", Rules.OneJson("visits", ">=", "1")),
            ("reader", Rules.OneJson("categories.Books.count", ">=", "1")),
        })
        {
            names.Add((await Get<SaveSegment>().CreateAsync(new(name, null, JsonElement.Parse(rule)), Cancellation)).View.Id, name);
        }

        var both = $$"""{ "combinator": "and", "rules": [ {{string.Join(", ", names.Take(2).Select(n => $$"""{ "field": "segments", "operator": "contains", "value": "{{n.Key}}" }"""))}} ] }""";
        names.Add((await Get<SaveSegment>().CreateAsync(new("both", null, JsonElement.Parse(both)), Cancellation)).View.Id, "both");
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    [Fact]
    public async Task By_the_API_of_customers()
    {
        var save = Get<SaveCustomer>();
        var created = await save.CreateAsync(new CustomerInput { ExternalId = "C1", City = "Bern" }, Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern"]);
        await save.ReplaceAsync(created.Value.Id, new CustomerInput { ExternalId = "C1", City = "Basel" }, null, Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBeEmpty();
        await save.PatchAsync(created.Value.Id, new JsonObject { ["city"] = "BERN" }, null, Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern"]);
        await Get<RecordVisit>().HandleAsync(created.Value.Id, new VisitInput(null), Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern", "visitor"]);

        var bulk = await Get<BulkCustomers>().HandleAsync(
            new([JsonElement.Parse("""{ "externalId": "C1", "city": "Thun" }"""), JsonElement.Parse("""{ "externalId": "C2", "city": "Bern" }""")]), Cancellation);
        bulk.Items.ShouldAllBe(i => i.Outcome == WriteOutcome.Created || i.Outcome == WriteOutcome.Updated);
        (await SegmentsOfAsync("C1")).ShouldBe(["visitor"]);
        (await SegmentsOfAsync("C2")).ShouldBe(["bern"]);
    }

    [Fact]
    public async Task By_orders_and_what_becomes_of_them()
    {
        var customer = await Get<SaveCustomer>().CreateAsync(new CustomerInput { ExternalId = "C1", City = "Bern" }, Cancellation);
        var save = Get<SaveOrder>();
        await save.UpsertAsync(Order("C1", "1", 60, "Books"), Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern", "reader"]);
        await save.UpsertAsync(Order("C1", "2", 40, "Shoes"), Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern", "both", "reader", "spender"]);

        await save.PatchAsync(OrderViews.IdOf(customer.Value.Id, "1"), JsonElement.Parse("""{ "status": "cancelled" }"""), null, Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern"]);
        await save.UpsertAsync(Order("C1", "3", 70, "Books"), Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern", "both", "reader", "spender"]);
        await save.DeleteAsync(OrderViews.IdOf(customer.Value.Id, "3"), null, Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern"]);

        await Get<BulkOrders>().HandleAsync(new([Order("C1", "4", 500, "Books"), Order("C9", "5", 500, "Shoes")], CreateMissingCustomers: true), Cancellation);
        (await SegmentsOfAsync("C1")).ShouldBe(["bern", "both", "reader", "spender"]);
        (await SegmentsOfAsync("C9")).ShouldBe(["spender"]);
    }

    [Fact]
    public async Task By_imports_of_customers_and_orders()
    {
        await ImportAsync(ImportKind.Customers, "id,city\nC1,Bern\nC2,Basel\n");
        (await SegmentsOfAsync("C1")).ShouldBe(["bern"]);
        (await SegmentsOfAsync("C2")).ShouldBeEmpty();
        await ImportAsync(ImportKind.Customers, "id,city\nC1,Basel\nC2,Bern\n");
        (await SegmentsOfAsync("C1")).ShouldBeEmpty();
        (await SegmentsOfAsync("C2")).ShouldBe(["bern"]);
        await ImportAsync(ImportKind.Orders, "orderNumber,customerId,amount,placedAt\nO1,C1,150,2026-01-31\nO2,C2,50,2026-01-31\n");
        (await SegmentsOfAsync("C1")).ShouldBe(["spender"]);
        (await SegmentsOfAsync("C2")).ShouldBe(["bern"]);
        await ImportAsync(ImportKind.Orders, "orderNumber,customerId,amount,placedAt\nO1,C1,15,2026-01-31\nO2,C2,500,2026-01-31\n");
        (await SegmentsOfAsync("C1")).ShouldBeEmpty();
        (await SegmentsOfAsync("C2")).ShouldBe(["bern", "both", "spender"]);
    }

    private static OrderInput Order(string customer, string number, decimal amount, string category) => new()
    {
        Customer = new() { ExternalId = customer }, OrderNumber = number, Amount = amount, Items = [new("P", category, 1, amount)],
    };

    private T Get<T>()
        where T : notnull => app.GetRequiredService<T>();

    private async Task ImportAsync(ImportKind kind, string csv)
    {
        var http = new DefaultHttpContext { RequestServices = app };
        http.SetCaller(new("u1", "Test", Role.Admin));
        var file = Encoding.UTF8.GetBytes(csv);
        (http.Request.ContentType, http.Request.ContentLength, http.Request.Body) = ("text/csv", file.Length, new MemoryStream(file));
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        await (await Get<UploadImport>().HandleAsync(http.Request, kind, Cancellation)).ExecuteAsync(http);
        http.Response.StatusCode.ShouldBe(200, Encoding.UTF8.GetString(answer.ToArray()));
    }

    /// <summary>As stored, by name.</summary>
    private async Task<IEnumerable<string>> SegmentsOfAsync(string externalId)
    {
        var filter = new CustomerFilter("c.externalId = @id", new Dictionary<string, object?> { ["@id"] = externalId });
        var found = await Get<CustomerStore>().PageAsync(filter, null, 2, Cancellation);
        return found.ShouldHaveSingleItem().Value.SegmentIds.Select(s => names[s]).Order();
    }
}
