using Microsoft.Azure.Cosmos;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Customers;

/// <summary>
/// Many customers at once, for statistics over them: what rules can ask about, and not the history, the search terms and the
/// bookkeeping, which are the larger part of a customer who has been written to often.
/// </summary>
public sealed class CustomerProfiles(CosmosDatabase database)
{
    private const string Members =
        "c.id, c.externalId, c.firstName, c.lastName, c.email, c.phone, c.phoneUsable, c.city, c.region, c.country, c.postalCode, c.company, c.language, c.timeZone, c.birthday, "
        + "c.tags, c.source, c.attributes, c.consent, c.createdAt, c.updatedAt, c.totalSpend, c.orderCount, c.averageOrderValue, c.firstOrderAt, c.lastOrderAt, "
        + "c.visits, c.lastVisitAt, c.lastActiveAt, c.categories, c.engagement, c.rfm, c.segmentIds";

    /// <summary>An answer of about 2 MB: the service's own limit is 4.</summary>
    private const int PageSize = 2000;

    private readonly Container container = database.Container(CustomerStore.ContainerName);

    /// <param name="most">More are not read, whatever the filter finds.</param>
    public async Task<List<Customer>> ReadAsync(CustomerFilter filter, int most, CancellationToken cancellation)
    {
        var found = new List<Customer>();
        using var pages = container.GetItemQueryStreamIterator(filter.ToQuery($"SELECT TOP {most} {Members} FROM c WHERE {{0}}"), requestOptions: new() { MaxItemCount = PageSize });
        while (pages.HasMoreResults)
        {
            foreach (var customer in await CosmosPages.ReadAsync<Customer>(pages, cancellation))
            {
                found.Add(customer.Value);
            }
        }

        return found;
    }
}
