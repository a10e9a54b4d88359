using Azure.Storage.Blobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Imports;

public sealed class ImportFunctions(
    WorkspaceStore<ImportJob> jobs, RegisterImport register, RunImport run, StartImport start, CancelImport cancel, ReadImportErrors errors, Cursors cursors)
{
    private const string List = "imports";

    /// <summary>Only registers: a blob trigger gives a file five tries and no checkpoint, a queue message gives as many as it takes.</summary>
    [Function("RegisterImport")]
    public Task Register(
        [BlobTrigger("imports/{kind}/{name}", Source = BlobTriggerSource.EventGrid)] BlobClient blob, string kind, string name, CancellationToken cancellation) =>
        register.HandleAsync(blob.Name, cancellation);

    /// <summary>Files that could not even be registered in the host's five tries: the storage was away for longer.</summary>
    [Function("RegisterMissedImport")]
    public Task RegisterMissed([QueueTrigger("webjobs-blobtrigger-poison")] MissedBlob missed, CancellationToken cancellation) =>
        missed.ContainerName == ImportBlobs.ContainerName ? register.HandleAsync(missed.BlobName, cancellation) : Task.CompletedTask;

    [Function("RunImport")]
    public Task Run([QueueTrigger(RegisterImport.Queue)] ImportMessage message, CancellationToken cancellation) => run.HandleAsync(message, cancellation);

    [Function("GiveUpImport")]
    public Task GiveUp([QueueTrigger(RegisterImport.Queue + "-poison")] ImportMessage message, CancellationToken cancellation) =>
        run.GiveUpAsync(message, cancellation);

    [Function("StartImport")]
    [RequireRole(Role.Manager)]
    [Describe("Start the import of a large file", "Answers an address to put the file to; the import begins when it is there. Files may also be dropped into the blob container 'imports', folder customers/ or orders/, with these settings as metadata.")]
    [Body(typeof(StartImportRequest)), Answers(201, typeof(StartImportResponse))]
    public async Task<IResult> Start(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports")] HttpRequest request, CancellationToken cancellation)
    {
        var started = await start.HandleAsync(await request.ReadAsync<StartImportRequest>(cancellation), request.Caller(), cancellation);
        return Reply.Created($"/api/imports/{started.Import.Id}", started);
    }

    [Function("ListImports")]
    [RequireRole(Role.Viewer)]
    [Describe("List imports, the newest first"), Paged, Answers(200, typeof(Page<ImportView>))]
    public async Task<IResult> Imports(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, List);
        var items = await jobs.PageAsync(page.Position, page.Limit, cancellation);
        return Reply.Ok(new Page<ImportView>(
            [.. items.Select(i => ImportView.Of(i.Value) with { Columns = null })], items.Count == page.Limit ? cursors.Protect(List, items[^1].Value.Id) : null));
    }

    [Function("GetImport")]
    [RequireRole(Role.Viewer)]
    [Describe("Show an import and its progress"), Answers(200, typeof(ImportView)), Problems(404)]
    public async Task<IResult> Get(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        var job = await jobs.ReadAsync(id, cancellation) ?? throw new ImportNotFound(id).ToException();
        return Reply.Ok(ImportView.Of(job.Value), job.ETag);
    }

    [Function("GetImportErrors")]
    [RequireRole(Role.Viewer)]
    [Describe("Show what was wrong with rows", "A CSV of the rows that were not taken, to be corrected and imported again; or JSON page by page, warnings included (Accept: application/json or format=json).")]
    [Query("format", typeof(string), "csv (the default) or json"), Paged]
    [Answers(200, typeof(string), ContentType = "text/csv"), Answers(200, typeof(Page<RowIssue>)), Problems(404)]
    public Task<IResult> Errors(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports/{id}/errors")] HttpRequest request, string id, CancellationToken cancellation) =>
        errors.HandleAsync(request, id, cancellation);

    [Function("CancelImport")]
    [RequireRole(Role.Manager)]
    [Describe("Cancel an import", "It stops after the rows it is writing, at most two thousand. What is written stays."), Answers(200, typeof(ImportView)), Problems(404, 409)]
    public async Task<IResult> Cancel(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports/{id}/cancel")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await cancel.HandleAsync(id, cancellation));
}

/// <summary>What the Functions host writes to <c>webjobs-blobtrigger-poison</c>; its other members do not matter here.</summary>
public sealed record MissedBlob(string ContainerName, string BlobName);
