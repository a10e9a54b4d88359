using XenoCrm.Customers;

namespace XenoCrm.Campaigns;

/// <summary>Stands in where a content is shown without saying for whom.</summary>
public static class SampleCustomer
{
    public static Customer At(DateTimeOffset now) => new()
    {
        Id = new string('0', 32), ExternalId = "C-1001", FirstName = "Ada", LastName = "Example", Email = "ada@example.com", Phone = "+41790000000", PhoneUsable = true,
        City = "Zürich", Country = "CH", PostalCode = "8001", Language = "en-US", OrderCount = 3, TotalSpend = 123450, AverageOrderValue = 41150, Visits = 7,
        FirstOrderAt = now.AddDays(-200), LastOrderAt = now.AddDays(-20), LastVisitAt = now.AddDays(-5), LastActiveAt = now.AddDays(-5), CreatedAt = now.AddDays(-300), UpdatedAt = now,
    };
}
