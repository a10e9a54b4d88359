using System.Text.Json;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

public class DemoTests(ITestOutputHelper output)
{
    [Fact]
    public async Task The_demo_ends_balanced_and_says_so_in_one_json_object()
    {
        using var folder = new TemporaryFolder();
        var (exitCode, lines) = await AppHostProcess.RunAsync(TimeSpan.FromMinutes(5), output.WriteLine,
            "demo", "--size", "2000", "--json", "--data", folder.Path, "--port-base", AppHostProcess.FreePortBase().ToString());
        exitCode.ShouldBe(0, string.Join('\n', lines));

        var json = JsonDocument.Parse(lines[^1]).RootElement;
        json.EnumerateObject().Select(p => p.Name).ShouldBe(["customers", "orders", "segment", "campaign", "vendor", "seconds", "perSecond", "balanced"]);
        json.GetProperty("campaign").EnumerateObject().Select(p => p.Name)
            .ShouldBe(["audience", "sent", "delivered", "failed", "suppressed", "skipped", "pending"]);

        var report = DemoReport.Parse(lines[^1]);
        report.Balanced.ShouldBeTrue();
        report.Customers.ShouldBe(new ImportFigures(2000, 2000, 0));
        report.Orders.ShouldBe(new ImportFigures(6000, 6000, 0));
        var expected = CrmClient.TotalsOf(Path.Combine(folder["input"], "demo-orders.csv"), "Customer ID", "Amount").Values.Count(c => c.Spend > 100);
        report.Segment.Members.ShouldBe(expected);
        report.Segment.Members.ShouldBeInRange(1200, 1800);
        var campaign = report.Campaign;
        campaign.Audience.ShouldBe(expected);
        campaign.Pending.ShouldBe(0);
        (campaign.Delivered + campaign.Failed + campaign.Suppressed + campaign.Skipped).ShouldBe(campaign.Audience);
        campaign.Delivered.ShouldBeGreaterThan(campaign.Audience / 2);
        campaign.Failed.ShouldBeGreaterThan(0);
        report.Vendor.ShouldBe(new VendorFigures(campaign.Sent, 0));
    }

    [Fact]
    public async Task Northwind_arrives_to_the_cent()
    {
        var customers = Path.Combine(AppContext.BaseDirectory, "data", "northwind-customers.csv");
        var orders = Path.Combine(AppContext.BaseDirectory, "data", "northwind-orders.csv");
        using var folder = new TemporaryFolder();
        var ports = AppHostProcess.FreePortBase();
        var (exitCode, lines) = await AppHostProcess.RunAsync(TimeSpan.FromMinutes(3), output.WriteLine,
            "demo", "--customers", customers, "--orders", orders, "--json", "--data", folder.Path, "--port-base", ports.ToString());
        exitCode.ShouldBe(0, string.Join('\n', lines));
        var report = DemoReport.Parse(lines[^1]);
        report.Customers.ShouldBe(new ImportFigures(91, 91, 0));
        report.Orders.ShouldBe(new ImportFigures(830, 830, 0));
        // Nobody there has an email address: an honest ledger says so, and the vendor was not troubled.
        report.Campaign.Audience.ShouldBe(89);
        report.Campaign.Skipped.ShouldBe(89);
        report.Vendor.Distinct.ShouldBe(0);

        // The data is still there for the next start.
        await using var system = await AppHostProcess.StartAsync(folder.Path, ports);
        using var api = await system.LogInAsync();
        var found = await api.CustomersAsync();
        found.Count.ShouldBe(91);
        found.Values.Sum(c => c.Spend).ShouldBe(1_265_792.98m);
        var totals = CrmClient.TotalsOf(orders, "CustomerID", "Total");
        foreach (var (id, customer) in found)
            customer.ShouldBe(totals.GetValueOrDefault(id), id);

        var import = await api.ImportOfAsync("customers/northwind-customers.csv");
        import.GetProperty("warnings").GetInt64().ShouldBeGreaterThan(0);
        var issues = await api.ListAsync($"api/imports/{import.GetProperty("id").GetString()}/errors?format=json", CancellationToken.None);
        issues.ShouldContain(i => i.ToString().Contains("phone", StringComparison.OrdinalIgnoreCase));
    }
}
