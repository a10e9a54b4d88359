using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Orders;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Privacy;

/// <param name="Id">Campaign, batch and place: <c>{campaignId}.{batch}.{index}</c>.</param>
public sealed record PersonalMessage(
    string Id, string CampaignId, MessageStatus Status, string? Reason, string? AddressHash, DateTimeOffset CreatedAt,
    DateTimeOffset? At, DateTimeOffset? SentAt, DateTimeOffset? OpenedAt, DateTimeOffset? ClickedAt);

/// <summary>
/// Everything that is held about a person, as one JSON document. Orders and messages are written as they are read: a
/// customer of 100,000 orders takes no more memory than one of a thousand.
/// </summary>
public sealed class ExportPersonalData(
    CustomerStore customers, CustomerViews views, CustomerWriter writer, OrderStore orders, OrderViews orderViews, BatchStore batches, SuppressionStore suppressions,
    AddressHasher hasher, ISegmentTagger segments, TimeProvider clock)
{
    private const int BatchesPerRead = 50;
    private const int OrdersPerRead = 500;

    public async Task<IResult> HandleAsync(string customerId, CancellationToken cancellation)
    {
        // Before the answer begins: a customer that is not there, or storage that does not answer, is a problem document.
        var customer = await customers.ReadAsync(customerId, cancellation) ?? throw await customers.MissingAsync(customerId, cancellation);
        await segments.RefreshAsync(cancellation);
        return new Document(this, customer.Value);
    }

    /// <param name="body">Not a stream: the writer would flush that by itself, which the server does not allow.</param>
    internal async Task WriteAsync(Customer customer, PipeWriter body, CancellationToken cancellation)
    {
        await using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        Write(json, "exportedAt", clock.GetUtcNow());
        Write(json, "customer", views.Of(customer));
        Write(json, "consentHistory", customer.Past.Where(p => p.Channel is not null));
        Write(json, "pastVisits", customer.Past.Where(p => p.Channel is null).Select(p => p.At));
        Write(json, "lastMessages", customer.Messages);
        Write(json, "segments", customer.SegmentIds.Select(id => new { id, name = segments.NameOf(id) }));
        Write(json, "merged", (customer.Merged ?? []).Select(m => new { m.Id, m.At }));
        Write(json, "imports", customer.Imports.Select(i => i.Id));

        var keys = hasher.KeysOf(customer).All.Concat(customer.FormerKeys ?? []).Concat((customer.Merged ?? []).SelectMany(m => m.Keys)).Distinct().ToList();
        Write(json, "identities", await writer.IdentitiesAsync(keys, cancellation));
        var hashes = Enum.GetValues<Channel>()
            .Select(channel => (Channel: channel, Address: SendRules.Address(customer, channel)))
            .Where(a => a.Address is not null).Select(a => hasher.Hash(a.Channel, a.Address!)).ToList();
        Write(json, "suppressions", await suppressions.ReadManyAsync(hashes, cancellation));

        json.WriteStartArray("orders");
        var filter = new OrderFilter { CustomerId = customer.Id };
        string? position = null;
        while (true)
        {
            var page = await orders.PageAsync(filter, position, OrdersPerRead, cancellation);
            foreach (var order in page)
            {
                JsonSerializer.Serialize(json, new { order = orderViews.Of(order), history = order.Changes, order.MovedFrom }, Json.Options);
            }

            await FlushAsync(json, body, cancellation);
            if (page.Count < OrdersPerRead)
            {
                break;
            }

            position = filter.KeyOf(page[^1]);
        }

        json.WriteEndArray();
        json.WriteStartArray("messages");
        foreach (var id in (customer.Merged ?? []).Select(m => m.Id).Append(customer.Id))
        {
            foreach (var some in (await batches.IdsOfCustomerAsync(id, cancellation)).Chunk(BatchesPerRead))
            {
                foreach (var (batch, _) in await batches.ReadManyAsync(some, cancellation))
                {
                    for (var i = 0; i < batch.Recipients.Count; i++)
                    {
                        if (batch.Recipients[i] is var r && r.CustomerId == id)
                        {
                            JsonSerializer.Serialize(json, new PersonalMessage(
                                batch.MessageId(i), batch.CampaignId, r.Status, r.Reason, r.AddressHash, batch.CreatedAt,
                                batch.Time(r.At), batch.Time(r.SentAt), batch.Time(r.OpenedAt), batch.Time(r.ClickedAt)), Json.Options);
                        }
                    }
                }

                await FlushAsync(json, body, cancellation);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await FlushAsync(json, body, cancellation);
    }

    private static async Task FlushAsync(Utf8JsonWriter json, PipeWriter body, CancellationToken cancellation)
    {
        await json.FlushAsync(cancellation);
        await body.FlushAsync(cancellation);
    }

    private static void Write<T>(Utf8JsonWriter json, string name, T value)
    {
        json.WritePropertyName(name);
        JsonSerializer.Serialize(json, value, Json.Options);
    }

    private sealed class Document(ExportPersonalData export, Customer customer) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "application/json; charset=utf-8";
            httpContext.Response.Headers.ContentDisposition = $"attachment; filename=\"customer-{customer.Id}.json\"";
            httpContext.Response.Headers.CacheControl = "no-store";
            await export.WriteAsync(customer, httpContext.Response.BodyWriter, httpContext.RequestAborted);
        }
    }
}
