using System.Globalization;
using System.Text.Json;
using CsvHelper;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Http;

namespace XenoCrm.Customers;

/// <summary>
/// Customers as CSV, in the columns that an import of customers reads: imported again, it changes nothing. What
/// follows from orders and visits comes last, in columns that an import leaves alone.
/// </summary>
public sealed class ExportCustomers(CustomerStore store, CustomerFilters filters, AttributeSchema schema, IOptions<WorkspaceOptions> workspace)
{
    /// <summary>Read at a time: what the memory holds, whatever the length of the file.</summary>
    private const int PageSize = 500;
    private const char TagSeparator = ';';

    private static readonly (string Name, Func<Customer, string?> Value)[] Profile =
    [
        ("externalId", c => c.ExternalId), ("firstName", c => c.FirstName), ("lastName", c => c.LastName), ("email", c => c.Email), ("phone", c => c.Phone),
        ("city", c => c.City), ("region", c => c.Region), ("country", c => c.Country), ("postalCode", c => c.PostalCode), ("company", c => c.Company),
        ("language", c => c.Language), ("timeZone", c => c.TimeZone), ("birthday", c => c.Birthday?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        ("tags", c => c.Tags.Count == 0 ? null : string.Join(TagSeparator, c.Tags)), ("source", c => c.Source),
        .. CustomerNormalizer.Channels.Select(channel => ("consent." + channel, (Func<Customer, string?>)(c =>
            !c.Consent.TryGetValue(channel, out var consent) ? null : consent.State == ConsentState.Granted ? "granted" : "withdrawn"))),
    ];

    /// <summary>Columns that only an export has. None has a name that an import would take for a field.</summary>
    public static readonly IReadOnlyList<string> ReadOnlyColumns =
        ["crmId", "totalSpend", "currency", "orderCount", "firstOrderAt", "lastOrderAt", "visits", "lastActiveAt", "segmentIds", "createdAt", "updatedAt"];

    /// <summary>The filter is checked here, before anything is answered; the rest happens while the answer is sent.</summary>
    public async Task<IResult> HandleAsync(HttpRequest request, CancellationToken cancellation)
    {
        var query = await filters.ReadAsync(request, [], cancellation);
        var attributes = (await schema.ReadNowAsync(cancellation)).Keys.Keys.Order(StringComparer.Ordinal).ToList();
        return new CsvReply("customers.csv", (output, token) => WriteAsync(output, query?.Filter, attributes, token));
    }

    private async Task WriteAsync(CsvWriter csv, CustomerFilter? filter, List<string> attributes, CancellationToken cancellation)
    {
        foreach (var name in Profile.Select(p => p.Name).Concat(attributes.Select(key => "attributes." + key)).Concat(ReadOnlyColumns))
        {
            csv.WriteField(name);
        }

        await csv.EndRecordAsync(cancellation);
        for (string? after = null; filter is not null;)
        {
            var page = await store.PageAsync(filter, after, PageSize, cancellation);
            foreach (var (customer, _) in page)
            {
                Write(csv, customer, attributes);
                await csv.EndRecordAsync(cancellation);
            }

            await csv.FlushAsync(cancellation);
            if (page.Count < PageSize)
            {
                break;
            }

            after = page[^1].Value.Id;
        }
    }

    private void Write(CsvWriter csv, Customer c, List<string> attributes)
    {
        foreach (var (_, value) in Profile)
        {
            csv.WriteField(value(c) ?? "");
        }

        foreach (var key in attributes)
        {
            switch (c.Attributes.TryGetValue(key, out var value) ? value.ValueKind : JsonValueKind.Undefined)
            {
                case JsonValueKind.Number when value.TryGetDecimal(out var number):
                    csv.WriteField(number);
                    break;
                case JsonValueKind.Number:
                    csv.WriteField(value.GetDouble());
                    break;
                case JsonValueKind.True or JsonValueKind.False:
                    csv.WriteField(value.GetRawText());
                    break;
                case JsonValueKind.String:
                    csv.WriteField(value.GetString()!);
                    break;
                default:
                    csv.WriteField("");
                    break;
            }
        }

        var currency = workspace.Value.Currency;
        csv.WriteField(c.Id);
        csv.WriteField(Money.ToMajor(c.TotalSpend, currency));
        csv.WriteField(currency);
        csv.WriteField(c.OrderCount);
        csv.WriteField(Time(c.FirstOrderAt));
        csv.WriteField(Time(c.LastOrderAt));
        csv.WriteField(c.Visits);
        csv.WriteField(Time(c.LastActiveAt));
        csv.WriteField(string.Join(TagSeparator, c.SegmentIds));
        csv.WriteField(Time(c.CreatedAt));
        csv.WriteField(Time(c.UpdatedAt));
    }

    private static string Time(DateTimeOffset? time) => time is { } at ? UtcTimeConverter.Write(at) : "";
}
