using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Benchmarks;

/// <summary>The parts of the app that customers, segments and messages are made with, on a database of the benchmark's own.</summary>
internal static class AppParts
{
    public static IServiceCollection On(Uri database)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Cosmos:Endpoint"] = database.ToString(),
            ["Cosmos:Key"] = CosmosProcess.Key,
            ["Signing:Key"] = Convert.ToBase64String(new byte[40]),
            ["Workspace:AddressKey"] = Convert.ToBase64String(new byte[40]),
        }).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        return services.AddPlatform(configuration).AddCustomers(configuration).AddSegments(configuration).AddCampaigns();
    }
}
