using CsvHelper;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;

namespace XenoCrm.Segments;

/// <summary>
/// The members of a segment as CSV, read and sent page by page. The first columns are those of an import of customers; the
/// figures after them are for people.
/// </summary>
public sealed class ExportMembers(SegmentDirectory directory, CustomerStore customers, IOptions<WorkspaceOptions> workspace)
{
    private const int PageSize = 500;

    private static readonly string[] Columns =
        ["externalId", "email", "phone", "firstName", "lastName", "city", "country", "customerId", "totalSpend", "orderCount", "lastActiveAt"];

    public async Task<IResult> HandleAsync(string segmentId, CancellationToken cancellation)
    {
        // Before the answer begins, so that a segment that is not there is a problem document.
        await directory.RequireAsync(segmentId, cancellation);
        var filter = CompiledRule.ToFilterTagged(segmentId);
        var first = await customers.PageAsync(filter, null, PageSize, cancellation);
        return new CsvReply($"segment-{segmentId}.csv", (csv, aborted) => WriteAsync(csv, filter, first, aborted));
    }

    private async Task WriteAsync(CsvWriter csv, CustomerFilter filter, IReadOnlyList<Versioned<Customer>> page, CancellationToken cancellation)
    {
        foreach (var column in Columns)
        {
            csv.WriteField(column);
        }

        await csv.EndRecordAsync(cancellation);
        while (true)
        {
            foreach (var (customer, _) in page)
            {
                Write(csv, SegmentMember.Of(customer, workspace.Value.Currency));
                await csv.EndRecordAsync(cancellation);
            }

            await csv.FlushAsync(cancellation);
            if (page.Count < PageSize)
            {
                return;
            }

            page = await customers.PageAsync(filter, page[^1].Value.Id, PageSize, cancellation);
        }
    }

    private static void Write(CsvWriter csv, SegmentMember member)
    {
        foreach (var text in new[] { member.ExternalId, member.Email, member.Phone, member.FirstName, member.LastName, member.City, member.Country, member.Id })
        {
            csv.WriteField(text ?? "");
        }

        csv.WriteField(member.TotalSpend);
        csv.WriteField(member.OrderCount);
        csv.WriteField(member.LastActiveAt is { } at ? UtcTimeConverter.Write(at) : "");
    }
}
