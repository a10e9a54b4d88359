using Azure.Storage.Blobs;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Accounts;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.Idempotency;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Imports;

public sealed class ImportFunctions(
    WorkspaceStore<ImportJob> jobs, RegisterImport register, RunImport run, StartImport start, CancelImport cancel, ReadImportErrors errors,
    ReadImportChanges changes, CommitImport commit, PreviewMapping preview, MappingMemory memory, Cursors cursors)
{
    private const string List = "imports";
    private const string Mappings = "import-mappings";

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
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Start the import of a large file", "Answers an address to put the file to; the import begins when it is there. With dryRun it only says what it would do: see changes and commit. Files may also be dropped into the blob container 'imports', folder customers/ or orders/, with these settings as metadata (mapping as JSON).")]
    [Body(typeof(StartImportRequest)), Answers(201, typeof(StartImportResponse)), Problems(413, 415)]
    public async Task<IResult> Start(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports")] HttpRequest request, CancellationToken cancellation)
    {
        var started = await start.HandleAsync(await request.ReadAsync<StartImportRequest>(cancellation), request.Caller(), cancellation, request.EffectId());
        return Reply.Created($"/api/imports/{started.Import.Id}", started);
    }

    [Function("PreviewImport")]
    [RequireRole(Role.Manager, Reads = true)]
    [Describe("Preview how the columns of a file are mapped", "Sample values, what each column is taken for and why, suggestions for names that are not known. The first 64 KB of the file are enough; nothing is imported.")]
    [Body(typeof(string), ContentTypes = ["text/csv", "multipart/form-data"])]
    [Query("kind", typeof(ImportKind), "customers or orders")]
    [Query("mapping", typeof(string), "JSON object: header → field, or null to ignore the column. Absent: as it was mapped the last time, else by name")]
    [Query("encoding", typeof(string), "Of a file that is not UTF-8 and has no byte order mark: windows-1252, utf-16le, utf-16be")]
    [Query("attributes", typeof(bool), "Take unknown columns for attributes.*")]
    [Answers(200, typeof(MappingPreview)), Problems(413, 415, 422)]
    public async Task<IResult> Preview(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports/preview")] HttpRequest request, CancellationToken cancellation) =>
        Reply.Ok(await preview.HandleAsync(request, cancellation));

    [Function("ListImportMappings")]
    [RequireRole(Role.Viewer)]
    [Describe("List remembered mappings", "A mapping that brought in rows is used again for files with the same headers, in any order, until one is given."), Paged]
    [Answers(200, typeof(Page<MappingView>))]
    public async Task<IResult> RememberedMappings(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports/mappings")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, Mappings);
        return Reply.Ok(page.Of(await memory.PageAsync(page.Position, page.Limit + 1, cancellation), cursors, Mappings, m => m, m => m.Id));
    }

    [Function("ForgetImportMapping")]
    [RequireRole(Role.Manager)]
    [Describe("Forget a remembered mapping"), Answers(204), Problems(404)]
    public async Task<IResult> Forget(
        [HttpTrigger(AuthorizationLevel.Anonymous, "delete", Route = "api/imports/mappings/{id}")] HttpRequest request, string id, CancellationToken cancellation)
    {
        await memory.ForgetAsync(id, cancellation);
        return Reply.NoContent();
    }

    [Function("ListImports")]
    [RequireRole(Role.Viewer)]
    [Describe("List imports, the newest first"), Paged, Answers(200, typeof(Page<ImportView>))]
    public async Task<IResult> Imports(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports")] HttpRequest request, CancellationToken cancellation)
    {
        var page = PageRequest.From(request, cursors, List);
        var found = await jobs.PageAsync(page.Position, page.Limit + 1, cancellation);
        return Reply.Ok(page.Of(found, cursors, List, i => ImportView.Of(i.Value) with { Columns = null }, i => i.Value.Id));
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
    [RequireRole(Role.Viewer, Audited = true)]
    [Describe("Show what was wrong with rows", "A CSV of the rows that were not taken, to be corrected and imported again; or JSON page by page, warnings included (Accept: application/json or format=json). In the order in which the rows were written, which of more than 2,000 orders is by customer: each says its row.")]
    [Query("format", typeof(string), "csv (the default) or json"), Paged]
    [Answers(200, typeof(string), ContentType = "text/csv"), Answers(200, typeof(Page<RowIssue>)), Problems(404, 410)]
    public Task<IResult> Errors(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports/{id}/errors")] HttpRequest request, string id, CancellationToken cancellation) =>
        errors.HandleAsync(request, id, cancellation);

    [Function("GetImportChanges")]
    [RequireRole(Role.Viewer)]
    [Describe("Show what a dry run would do", "Row by row: created, updated (with the fields before and after), unchanged or failed. While it is running, as far as it has come. In the order in which an import writes the rows, which of more than 2,000 orders is by customer: each says its row.")]
    [Query("outcome", typeof(string), "Only rows that would be created, updated, unchanged or failed"), Paged]
    [Answers(200, typeof(Page<RowChange>)), Problems(404, 409, 410)]
    public async Task<IResult> Changes(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/imports/{id}/changes")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await changes.HandleAsync(request, id, cancellation));

    [Function("CommitImport")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Carry out a dry run", "Imports exactly that version of the file, with the same options and columns; another version is 409. Rows are decided again by what is stored now: those that are not what the dry run said get the warning import.changed_since_dry_run. Asking again answers the same import. A dry run in a request is carried out by sending its file again with ?token=.")]
    [Answers(202, typeof(ImportView)), Problems(404, 409, 410)]
    public async Task<IResult> Commit(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports/{id}/commit")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Accepted(await commit.HandleAsync(id, request.Caller(), cancellation));

    [Function("CancelImport")]
    [RequireRole(Role.Manager), Idempotent]
    [Describe("Cancel an import", "It stops after the rows it is writing, at most two thousand; until then it is 'cancelling'. What is written stays and is counted."), Answers(200, typeof(ImportView)), Problems(404, 409)]
    public async Task<IResult> Cancel(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/imports/{id}/cancel")] HttpRequest request, string id, CancellationToken cancellation) =>
        Reply.Ok(await cancel.HandleAsync(id, cancellation));
}

/// <summary>What the Functions host writes to <c>webjobs-blobtrigger-poison</c>; its other members do not matter here.</summary>
public sealed record MissedBlob(string ContainerName, string BlobName);
