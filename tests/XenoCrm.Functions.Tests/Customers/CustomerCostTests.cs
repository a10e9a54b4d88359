using System.Text.Json;
using Microsoft.Azure.Cosmos;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>What writes and searches of customers cost, by the emulator's estimate: to be run by hand when indexes change.</summary>
public sealed class CustomerCostTests(ITestOutputHelper output)
{
    private const int Count = 3000;

    [Fact(Explicit = true)]
    public async Task What_writes_and_searches_cost()
    {
        await using var crm = await CrmHarness.StartAsync();
        string[] everything = ["/*"];
        await MeasureAsync(crm, "everything", everything, []);
        await MeasureAsync(crm, "named paths", CustomerStore.Definition.IncludedPaths, CustomerStore.Definition.CompositeIndexes);
        var without = CustomerStore.Definition.IncludedPaths.Where(p => !p.StartsWith("/search", StringComparison.Ordinal) && !p.StartsWith("/sortName", StringComparison.Ordinal)).ToArray();
        await MeasureAsync(crm, "without search", without, []);
    }

    private async Task MeasureAsync(CrmHarness crm, string name, string[] paths, string[][] composites)
    {
        var definition = new ContainerDefinition("cost-" + Guid.NewGuid().ToString("N"), "/customerId", paths, composites);
        var properties = definition.ToProperties();
        if (paths is ["/*"])
        {
            properties.IndexingPolicy = new IndexingPolicy();
        }

        var container = crm.Database.Container(definition.Name);
        await container.Database.CreateContainerAsync(properties);
        var (create, replace, visit) = (0.0, 0.0, 0.0);
        for (var i = 0; i < Count; i++)
        {
            var customer = crm.Customers.Derive(new Customer
            {
                Id = Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddSeconds(i)).ToString("N"), CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(i), UpdatedAt = default,
                ExternalId = $"C-{i}", FirstName = $"First{i % 97}", LastName = $"Last{i % 389}", Email = $"mail{i}@example.com", Phone = $"+4144{i:0000000}", PhoneUsable = true,
                City = $"City{i % 50}", Country = "CH", PostalCode = "8001", Language = "de-CH", TimeZone = "Europe/Zurich", Tags = ["vip"],
                Attributes = new Dictionary<string, JsonElement> { ["shoe"] = JsonElement.Parse("38"), ["hat"] = JsonElement.Parse("\"L\"") },
                Consent = new Dictionary<string, Consent> { ["email"] = new(ConsentState.Granted, DateTimeOffset.UnixEpoch, "form"), ["sms"] = new(ConsentState.Granted, DateTimeOffset.UnixEpoch, "form") },
            });
            create += (await container.CreateItemAsync(customer, new(customer.Id))).RequestCharge;
            if (i % 10 == 0)
            {
                replace += (await container.ReplaceItemAsync(crm.Customers.Derive(customer with { City = "Moved", LastName = "Married" }), customer.Id, new(customer.Id))).RequestCharge;
                visit += (await container.ReplaceItemAsync(crm.Customers.Derive(customer with { Visits = 1, LastVisitAt = DateTimeOffset.UnixEpoch }), customer.Id, new(customer.Id))).RequestCharge;
            }
        }

        output.WriteLine($"{name}: create {create / Count:0.00} RU, replace with another name {replace / (Count / 10):0.00}, visit {visit / (Count / 10):0.00}");
        foreach (var (title, where) in new[]
        {
            ("one list", "EXISTS(SELECT VALUE t FROM t IN c.search WHERE STARTSWITH(t, 'mail12'))"),
            ("six paths", string.Join(" OR ", new[] { "firstName", "lastName", "company", "email", "phone", "externalId" }.Select(f => $"STARTSWITH(c.{f}, 'mail12', true)"))),
        })
        {
            using var pages = container.GetItemQueryIterator<JsonElement>($"SELECT TOP 50 * FROM c WHERE c.type = 'customer' AND ({where}) ORDER BY c.id DESC");
            var (charge, found) = (0.0, 0);
            while (pages.HasMoreResults)
            {
                var page = await pages.ReadNextAsync();
                charge += page.RequestCharge;
                found += page.Count;
            }

            output.WriteLine($"  search by {title}: {charge:0.00} RU for {found}");
        }
    }
}
