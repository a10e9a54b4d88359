using CsvHelper;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

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

    // A spreadsheet runs what begins like a formula; an import takes the mark before it away.
    private static readonly CsvWriterOptions Options = new() { Injection = CsvInjection.Escape, WriteByteOrderMark = true };

    public async Task<IResult> HandleAsync(string segmentId, CancellationToken cancellation)
    {
        // Before the answer begins, so that a segment that is not there is a problem document.
        await directory.RequireAsync(segmentId, cancellation);
        var filter = CompiledRule.ToFilterTagged(segmentId);
        return new CsvReply(
            after => customers.PageAsync(filter, after, PageSize, cancellation), await customers.PageAsync(filter, null, PageSize, cancellation), segmentId, workspace.Value.Currency);
    }

    private sealed class CsvReply(
        Func<string, Task<IReadOnlyList<Versioned<Customer>>>> read, IReadOnlyList<Versioned<Customer>> first, string segmentId, string currency) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "text/csv; charset=utf-8";
            httpContext.Response.Headers.ContentDisposition = $"attachment; filename=\"segment-{segmentId}.csv\"";
            await using var csv = CsvWriter.Create(httpContext.Response.Body, Options, leaveOpen: true);
            foreach (var column in Columns)
            {
                csv.WriteField(column);
            }

            await csv.EndRecordAsync(httpContext.RequestAborted);
            for (var page = first; ; page = await read(page[^1].Value.Id))
            {
                foreach (var (customer, _) in page)
                {
                    Write(csv, SegmentMember.Of(customer, currency));

                    // The other way of ending a record writes to the connection at once when the buffer is full, which the server refuses.
                    await csv.EndRecordAsync(httpContext.RequestAborted);
                }

                await csv.FlushAsync(httpContext.RequestAborted);
                if (page.Count < PageSize)
                {
                    return;
                }
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
}
