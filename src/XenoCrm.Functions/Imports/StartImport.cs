using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Accounts;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Imports;

/// <summary>Announces a file that is too large for a request.</summary>
public sealed record StartImportRequest
{
    public ImportKind? Kind { get; init; }

    /// <summary>Only say what the import would do; <c>POST /api/imports/{id}/commit</c> then does it.</summary>
    public bool DryRun { get; init; }

    /// <summary>Header → field, or null to ignore the column.</summary>
    public IReadOnlyDictionary<string, string?>? Mapping { get; init; }

    /// <summary>What dates look like beside ISO 8601: <c>dd/MM/yyyy</c>.</summary>
    public string? DateFormat { get; init; }

    /// <summary><c>,</c> or <c>.</c>: then amounts may be grouped.</summary>
    public string? DecimalSeparator { get; init; }

    /// <summary>Of a file that is not UTF-8 and has no byte order mark: <c>windows-1252</c>, <c>utf-16le</c>.</summary>
    public string? Encoding { get; init; }

    /// <summary>Unknown columns become attributes.</summary>
    public bool Attributes { get; init; }

    /// <summary>An order of an unknown customer creates the customer.</summary>
    public bool CreateMissingCustomers { get; init; }
}

/// <summary>Where to send the file: <c>PUT</c> it to <paramref name="Url"/> with these headers, then follow the import.</summary>
public sealed record ImportUpload(Uri Url, string Method, IReadOnlyDictionary<string, string> Headers, DateTimeOffset ExpiresAt);

public sealed record StartImportResponse(ImportView Import, ImportUpload Upload);

public sealed class StartImportValidator : AbstractValidator<StartImportRequest>
{
    public StartImportValidator() => RuleFor(r => r.Kind).NotNull();
}

/// <summary>Makes the job before the file is there, so that the caller has its id and the file needs no metadata.</summary>
public sealed class StartImport(WorkspaceStore<ImportJob> jobs, ImportBlobs blobs, Ids ids, TimeProvider clock, IOptions<ImportOptions> options)
{
    public async Task<StartImportResponse> HandleAsync(StartImportRequest request, Caller caller, CancellationToken cancellation, string? requestId = null)
    {
        var kind = request.Kind!.Value;
        var settings = new ImportSettings
        {
            Mapping = request.Mapping,
            DateFormat = request.DateFormat,
            DecimalSeparator = request.DecimalSeparator,
            Encoding = request.Encoding,
            Attributes = request.Attributes,
            CreateMissingCustomers = request.CreateMissingCustomers,
        };
        settings.Validate(kind);

        var id = requestId ?? ids.New();
        var job = new ImportJob
        {
            Id = id,
            State = ImportState.AwaitingUpload,
            Target = kind,
            Blob = $"{kind.ToString().ToLowerInvariant()}/{id}.csv",
            DryRun = request.DryRun,
            Settings = settings,
            CreatedBy = caller.Id,
            CreatedAt = clock.GetUtcNow(),

            // An address that nobody uses leaves nothing behind.
            Ttl = (int)(options.Value.UploadTime + TimeSpan.FromDays(1)).TotalSeconds,
        };
        job = (await jobs.CreateOnceAsync(job, cancellation)).Value;
        var (address, expires) = await blobs.UploadAddressAsync(job.Blob!, options.Value.UploadTime, cancellation);
        return new(
            ImportView.Of(job),
            new(address, "PUT", new Dictionary<string, string> { ["x-ms-blob-type"] = "BlockBlob", ["Content-Type"] = "text/csv" }, expires));
    }
}
