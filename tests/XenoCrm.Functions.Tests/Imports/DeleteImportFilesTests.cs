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
        var after = await system.JobAsync(done.Id);
        (after.FilesDeletedAt is not null, after.Counts.Created, after.Counts.Failed).ShouldBe((true, done.Counts.Created, done.Counts.Failed));

        // What is put under an old name is another import's, and what is not over keeps its file.
        (await system.JobAsync(replaced.Id)).FilesDeletedAt.ShouldNotBeNull();
        (await ExistsAsync(Replaced)).ShouldBeTrue();
        (await ExistsAsync(Waiting)).ShouldBeTrue();
    }

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
