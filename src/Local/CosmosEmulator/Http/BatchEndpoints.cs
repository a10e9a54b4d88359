using System.Buffers;
using XenoCrm.Local.CosmosEmulator.Batch;
using XenoCrm.Local.CosmosEmulator.Items;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Http;

/// <summary>Transactional batches (one partition key, all or nothing) and bulk requests (each operation on its own).</summary>
internal sealed class BatchEndpoints(Store store, ThroughputLimit? limit)
{
    private const int MaxOperations = 100;
    private const int MaxBytes = 2_202_010;

    public async ValueTask Batch(Exchange exchange, Container container)
    {
        var body = await exchange.ReadBody();
        if (body.Length > MaxBytes)
        {
            throw new EmulatorException(413, $"Request size is too large: a batch may have {MaxBytes} bytes, this one has {body.Length}.");
        }

        var isJson = JsonBatch.Is(body.Span);
        var rows = isJson ? JsonBatch.ReadOperations(body) : HybridRow.ReadOperations(body);
        if (rows.Count is 0 or > MaxOperations)
        {
            throw new EmulatorException(400, $"A batch has one to {MaxOperations} operations, this one has {rows.Count}.");
        }

        var atomic = exchange.Flag("x-ms-cosmos-batch-atomic");
        var common = exchange.Header("x-ms-documentdb-partitionkey") is not null ? ItemEndpoints.RequireKey(exchange, container) : null;
        if (atomic && common is null)
        {
            throw new EmulatorException(400, "A transactional batch needs a partition key: x-ms-documentdb-partitionkey.");
        }

        var operations = new ItemOperation[rows.Count];
        for (var i = 0; i < operations.Length; i++)
        {
            operations[i] = Prepare(rows[i], container, common);
        }

        var stopAtFailure = !atomic && string.Equals(exchange.Header("x-ms-cosmos-batch-continue-on-error"), "false", StringComparison.OrdinalIgnoreCase);
        await store.Write(new ItemRequest(container, operations, atomic) { StopAtFailure = stopAtFailure });
        exchange.SetLsn(container);
        var answer = new ArrayBufferWriter<byte>(256 + operations.Sum(o => 128 + (o.Answer?.Length ?? 0)));
        if (isJson)
        {
            JsonBatch.WriteResults(answer, operations);
        }
        else
        {
            HybridRow.WriteResults(answer, operations);
        }

        var charge = operations.Sum(o => o.Charge);
        exchange.SetCharge(charge);
        limit?.Spend(charge);
        exchange.SetHeader("Content-Type", isJson ? "application/json" : "application/octet-stream");
        await exchange.Respond(Array.TrueForAll(operations, o => o.Status < 300) ? 200 : 207, answer.WrittenMemory);
    }

    /// <summary>One that cannot be prepared fails alone: it carries its status into the batch.</summary>
    private static ItemOperation Prepare(BatchOperation row, Container container, PartitionKey? common)
    {
        var kind = (OperationKind)row.Kind;
        try
        {
            var key = common ?? PartitionKey.Parse(row.PartitionKey ?? throw new EmulatorException(400, "An operation has no partition key."));
            var body = kind is OperationKind.Create or OperationKind.Upsert or OperationKind.Replace ? ItemBody.Parse(row.Body.Span, container) : null;
            if (body is not null && !body.Key.Equals(key))
            {
                throw new EmulatorException(400, "PartitionKey extracted from document doesn't match the one specified in the header.", 1001);
            }

            if (body is not null && row.Id is not null && row.Id != body.Id)
            {
                throw new EmulatorException(400, $"The id of the item ('{body.Id}') is not the one of the operation ('{row.Id}').");
            }

            return new ItemOperation
            {
                Kind = Enum.IsDefined(kind) ? kind : throw new EmulatorException(400, $"The operation type {row.Kind} is not supported."),
                Key = key,
                Id = body?.Id ?? row.Id ?? throw new EmulatorException(400, "An operation has no id."),
                Body = body,
                Patch = kind == OperationKind.Patch ? JsonPatch.Parse(row.Body.Span) : null,
                IfMatch = row.IfMatch,
                IfNoneMatch = row.IfNoneMatch,
                Minimal = row.Minimal,
            };
        }
        catch (EmulatorException refused)
        {
            var failed = new ItemOperation { Kind = kind, Key = common ?? PartitionKey.FromEncoded([]), Id = row.Id ?? string.Empty };
            failed.Fail(refused.Status, refused.Message, refused.SubStatus);
            return failed;
        }
    }
}
