using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Imports;

/// <summary>Imports within a request, and examples of the files.</summary>
public sealed class DataFunctions(UploadImport upload)
{
    private const string CustomersSample = """
        externalId,firstName,lastName,email,phone,city,region,country,postalCode,company,language,timeZone,birthday,tags,consent.email
        C-1001,Maria,Anders,maria.anders@example.com,+49 30 0074321,Berlin,,DE,12209,Alfreds Futterkiste,de-DE,Europe/Berlin,1984-03-17,vip;newsletter,yes
        C-1002,Thomas,Hardy,thomas.hardy@example.com,020 7946 0018,London,,GB,WA1 1DP,Around the Horn,en-GB,Europe/London,,wholesale,no

        """;

    private const string OrdersSample = """
        orderNumber,customer.externalId,customer.email,placedAt,amount,currency,category
        O-5001,C-1001,,2026-01-31T08:15:00Z,149.90,USD,Beverages
        O-5002,,thomas.hardy@example.com,2026-02-02,56.00,USD,Confections

        """;

    [Function("ImportCustomers")]
    [RequireRole(Role.Manager), Idempotent(MaxBodyBytes = 16 * 1024 * 1024)]
    [Describe("Import customers from a CSV of at most 5 MB", "200: all rows are in; 207: some are, see issues; 422: none. The same file again changes nothing. With dryRun nothing is written and the answer says what would be, with a token; the same file with that token is imported with the dry run's options and columns, and rows that are not what it said get a warning.")]
    [Body(typeof(string), ContentTypes = ["text/csv", "multipart/form-data"])]
    [Query("dryRun", typeof(bool), "Say what would be created, updated, unchanged or fail; write nothing")]
    [Query("token", typeof(string), "Of a dry run of this file: 409 when the file or an option is another")]
    [Query("mapping", typeof(string), "JSON object: header → field, or null to ignore the column. Others are mapped by name. Absent: as these headers were mapped the last time; {}: all by name")]
    [Query("dateFormat", typeof(string), "What dates look like beside ISO 8601, such as dd/MM/yyyy")]
    [Query("encoding", typeof(string), "Of a file that is not UTF-8 and has no byte order mark: windows-1252, utf-16le, utf-16be")]
    [Query("attributes", typeof(bool), "Take unknown columns for attributes.*")]
    [Answers(200, typeof(ImportReport)), Answers(207, typeof(ImportReport)), Problems(409, 410, 413, 415, 422)]
    public Task<IResult> Customers(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/data/import/customers")] HttpRequest request, CancellationToken cancellation) =>
        upload.HandleAsync(request, ImportKind.Customers, cancellation);

    [Function("ImportOrders")]
    [RequireRole(Role.Manager), Idempotent(MaxBodyBytes = 16 * 1024 * 1024)]
    [Describe("Import orders from a CSV of at most 5 MB", "200: all rows are in; 207: some are, see issues; 422: none. The same file again changes nothing. With dryRun and token as for customers.")]
    [Body(typeof(string), ContentTypes = ["text/csv", "multipart/form-data"])]
    [Query("dryRun", typeof(bool), "Say what would be created, updated, unchanged or fail; write nothing")]
    [Query("token", typeof(string), "Of a dry run of this file: 409 when the file or an option is another")]
    [Query("mapping", typeof(string), "JSON object: header → field, or null to ignore the column. Others are mapped by name. Absent: as these headers were mapped the last time; {}: all by name")]
    [Query("dateFormat", typeof(string), "What dates look like beside ISO 8601, such as dd/MM/yyyy")]
    [Query("encoding", typeof(string), "Of a file that is not UTF-8 and has no byte order mark: windows-1252, utf-16le, utf-16be")]
    [Query("decimalSeparator", typeof(string), "Comma or point: amounts may be grouped then, 1.234,56 or 1,234.56")]
    [Query("createMissingCustomers", typeof(bool), "Create a customer that is not there from the order's reference")]
    [Answers(200, typeof(ImportReport)), Answers(207, typeof(ImportReport)), Problems(409, 410, 413, 415, 422)]
    public Task<IResult> Orders(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/data/import/orders")] HttpRequest request, CancellationToken cancellation) =>
        upload.HandleAsync(request, ImportKind.Orders, cancellation);

    [Function("GetCustomerSample")]
    [RequireRole(Role.Viewer)]
    [Describe("Get an example of a customers file"), Answers(200, typeof(string), ContentType = "text/csv")]
    public IResult CustomerSample([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/data/samples/customer")] HttpRequest request) =>
        Sample(CustomersSample, "customers-sample.csv");

    [Function("GetOrderSample")]
    [RequireRole(Role.Viewer)]
    [Describe("Get an example of an orders file"), Answers(200, typeof(string), ContentType = "text/csv")]
    public IResult OrderSample([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/data/samples/order")] HttpRequest request) =>
        Sample(OrdersSample, "orders-sample.csv");

    private static IResult Sample(string csv, string name) => Results.File(Encoding.UTF8.GetBytes(csv), "text/csv; charset=utf-8", name);
}
