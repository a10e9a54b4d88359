using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Imports;

public sealed class UndoFunctions(UndoImport undo, UndoReport report)
{
    [Function("UndoImport")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Undo an import", "Puts back the values that it changed and deletes what it created, where nothing has touched them since. Follow it at the import; what was left, and why, is at /undo as a CSV. Asking again has no effect.")]
    [Answers(202, typeof(ImportView)), Problems(404, 409)]
    public async Task<IResult> Request(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports/{id}/undo")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Status(202, await undo.RequestAsync(id, request.Caller(), cancellation));

    [Function("GetImportUndo")]
    [RequireRole(Role.Viewer, Audited = true)]
    [Describe("Show what the undo of an import left", "A CSV: the row of the import, the customer, the order, and the reason.")]
    [Answers(200, typeof(string), ContentType = "text/csv"), Problems(404)]
    public Task<IResult> Left(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports/{id}/undo")] HttpRequest request, string id, CancellationToken cancellation) =>
        report.HandleAsync(id, cancellation);

    [Function("RunImportUndo")]
    public Task Run([QueueTrigger(UndoImport.Queue)] ImportMessage message, CancellationToken cancellation) => undo.HandleAsync(message, cancellation);

    [Function("GiveUpImportUndo")]
    public Task GiveUp([QueueTrigger(UndoImport.Queue + "-poison")] ImportMessage message, CancellationToken cancellation) => undo.GiveUpAsync(message, cancellation);
}
