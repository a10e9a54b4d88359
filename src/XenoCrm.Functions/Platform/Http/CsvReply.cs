using CsvHelper;
using Microsoft.AspNetCore.Http;

namespace XenoCrm.Platform.Http;

/// <summary>
/// A CSV file as an answer, sent while it is read: nothing of it is kept. When the reading fails, the connection is cut, so
/// that the caller cannot take a part for the whole. Cells that a spreadsheet would run as a formula get a ' in front, which
/// imports take away.
/// </summary>
/// <param name="write">Ends its records with <see cref="CsvWriter.EndRecordAsync"/>: the other one may block.</param>
public sealed class CsvReply(string fileName, Func<CsvWriter, CancellationToken, Task> write) : IResult
{
    private static readonly CsvWriterOptions Options = new() { Injection = CsvInjection.Escape, WriteByteOrderMark = true };

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = "text/csv; charset=utf-8";
        response.Headers.ContentDisposition = $"attachment; filename=\"{fileName}\"";
        response.Headers.CacheControl = "no-store";
        var csv = CsvWriter.Create(response.Body, Options, leaveOpen: true);
        try
        {
            await write(csv, httpContext.RequestAborted);
            await csv.FlushAsync(httpContext.RequestAborted);
        }
        catch when (response.HasStarted)
        {
            httpContext.Abort();
            throw;
        }
    }
}
