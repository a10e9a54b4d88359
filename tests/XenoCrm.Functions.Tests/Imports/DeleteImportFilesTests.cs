using Azure.Storage.Blobs;
using Microsoft.Extensions.Options;

namespace XenoCrm.Imports;

public sealed class DeleteImportFilesTests(ImportStorage storage)
{
    [Fact]
    public async Task Files_and_row_errors_go_after_the_retention_and_no_sooner()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var system = await ImportSystem.StartAsync(storage);
        var blobs = system.Get<BlobServiceClient>();
        const string Good = "customers/retention.csv", Replaced = "customers/retention-replaced.csv", Waiting = "customers/retention-waiting.csv";
        var done = await system.FinishAsync(await system.DropAsync(Good, "id,email\nA1,a@x.org\nA2,not an email\n"u8.ToArray()));
        var replaced = await system.FinishAsync(await system.DropAsync(Replaced, "id\nB1\n"u8.ToArray()));
        await system.DropAsync(Replaced, "id\nB2\n"u8.ToArray());
        await system.DropAsync(Waiting, "id\nC1\n"u8.ToArray());
        (await system.ReportAsync(done)).ShouldNotBeEmpty();

        async Task DeleteAfterAsync(TimeSpan time) =>
            await new DeleteImportFiles(system.Jobs, blobs, system.Get<IOptions<ImportOptions>>(), new Later(time)).HandleAsync(cancellation);
        async Task<bool> ExistsAsync(string name) => await blobs.GetBlobContainerClient(ImportBlobs.ContainerName).GetBlobClient(name).ExistsAsync(cancellation);

        await DeleteAfterAsync(TimeSpan.FromDays(29));
        (await ExistsAsync(Good), (await system.JobAsync(done.Id)).FilesDeletedAt).ShouldBe((true, null));

        await DeleteAfterAsync(TimeSpan.FromDays(31));
        (await ExistsAsync(Good)).ShouldBeFalse();
        (await system.ReportAsync(done)).ShouldBeEmpty();
        foreach (var format in new[] { "csv", "json" })
        {
            var errors = await system.AnswerAsync(r => system.Get<ReadImportErrors>().HandleAsync(r, done.Id, cancellation), r => r.QueryString = new("?format=" + format));
            (errors.Status, errors.Body.GetProperty("code").GetString()).ShouldBe((410, "import.errors_expired"));
        }

        var after = await system.JobAsync(done.Id);
        (after.FilesDeletedAt is not null, after.Counts.Created, after.Counts.Failed).ShouldBe((true, done.Counts.Created, done.Counts.Failed));

        // What is put under an old name is another import's, and what is not over keeps its file.
        (await system.JobAsync(replaced.Id)).FilesDeletedAt.ShouldNotBeNull();
        (await ExistsAsync(Replaced)).ShouldBeTrue();
        (await ExistsAsync(Waiting)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_dry_run_that_is_being_carried_out_keeps_its_file()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var system = await ImportSystem.StartAsync(storage);
        var blobs = system.Get<BlobServiceClient>();
        var dry = await system.FinishAsync(await system.DropAsync("customers/retention-commit.csv", "id\nD1\n"u8.ToArray(), new() { ["dryRun"] = "true" }));
        var commit = await system.Get<CommitImport>().HandleAsync(dry.Id, new("u1", "Test", Accounts.Role.Manager), cancellation);
        var delete = new DeleteImportFiles(system.Jobs, blobs, system.Get<IOptions<ImportOptions>>(), new Later(TimeSpan.FromDays(31)));

        await delete.HandleAsync(cancellation);
        (await system.JobAsync(dry.Id)).FilesDeletedAt.ShouldBeNull();
        (await system.FinishAsync(commit.Id)).Counts.ShouldBe(new ImportCounts(1, 1));

        await delete.HandleAsync(cancellation);
        (await system.JobAsync(dry.Id)).FilesDeletedAt.ShouldNotBeNull();
    }

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
