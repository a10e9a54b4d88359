using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;

namespace XenoCrm.Customers;

/// <summary>A customer as the API shows it: money in major units, no internals.</summary>
/// <param name="PhoneUsable">False: the number is as given, its country is not certain, and nothing is sent to it.</param>
/// <param name="Categories">By name, over orders that are not cancelled or refunded.</param>
/// <param name="Segments">Ids of the segments the customer is in now.</param>
public sealed record CustomerView(
    string Id, string? ExternalId, string? FirstName, string? LastName, string? Email, string? Phone, bool PhoneUsable,
    string? City, string? Region, string? Country, string? PostalCode, string? Company, string? Language, string? TimeZone, DateOnly? Birthday,
    IReadOnlyList<string> Tags, string? Source, IReadOnlyDictionary<string, JsonElement> Attributes, IReadOnlyDictionary<string, Consent> Consent,
    string Currency, decimal TotalSpend, int OrderCount, decimal? AverageOrderValue, DateTimeOffset? FirstOrderAt, DateTimeOffset? LastOrderAt,
    int Visits, DateTimeOffset? LastVisitAt, DateTimeOffset? LastActiveAt,
    IReadOnlyDictionary<string, CategoryView> Categories, Engagement Engagement, Rfm? Rfm, IReadOnlyList<string> Segments,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

public sealed record CategoryView(int Count, decimal Spend, DateTimeOffset LastAt);

public sealed class CustomerViews(IOptions<WorkspaceOptions> options)
{
    private readonly string currency = options.Value.Currency;

    public CustomerView Of(Customer c) => new(
        c.Id, c.ExternalId, c.FirstName, c.LastName, c.Email, c.Phone, c.PhoneUsable,
        c.City, c.Region, c.Country, c.PostalCode, c.Company, c.Language, c.TimeZone, c.Birthday,
        c.Tags, c.Source, c.Attributes, c.Consent,
        currency, Money.ToMajor(c.TotalSpend, currency), c.OrderCount, c.AverageOrderValue is { } average ? Money.ToMajor(average, currency) : null,
        c.FirstOrderAt, c.LastOrderAt, c.Visits, c.LastVisitAt, c.LastActiveAt,
        c.Categories.ToDictionary(p => p.Key, p => new CategoryView(p.Value.Count, Money.ToMajor(p.Value.Spend, currency), p.Value.LastAt)),
        c.Engagement, c.Rfm, c.SegmentIds, c.CreatedAt, c.UpdatedAt);
}
