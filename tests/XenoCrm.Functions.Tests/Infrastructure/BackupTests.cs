using XenoCrm.AppHost;

namespace XenoCrm.Infrastructure;

public sealed class BackupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xeno-backup-").FullName;

    private string Data => Path.Combine(folder, "data");

    private FileInfo Backup => new(Path.Combine(folder, "backups", "one.tar.gz"));

    [Fact]
    public async Task What_is_restored_is_what_was_there()
    {
        Write("cosmos/log/1.bin", "first");
        Write("azurite/queues/a.json", "{}");
        Write("logs/app.log", "not kept");

        (await BackupCommand.BackupAsync(Data, Backup, default)).ShouldBeGreaterThan(0);
        Write("cosmos/log/1.bin", "later");
        Write("cosmos/log/2.bin", "new");
        await BackupCommand.RestoreAsync(Data, Backup, fresh: true, default);

        Read("cosmos/log/1.bin").ShouldBe("first");
        Read("azurite/queues/a.json").ShouldBe("{}");
        File.Exists(Path.Combine(Data, "cosmos/log/2.bin")).ShouldBeFalse();
        File.Exists(Path.Combine(Data, "restoring")).ShouldBeFalse();

        // Into a folder of its own: a backup can be looked at beside what runs.
        var other = Path.Combine(folder, "other");
        await BackupCommand.RestoreAsync(other, Backup, fresh: false, default);
        File.ReadAllText(Path.Combine(other, "cosmos/log/1.bin")).ShouldBe("first");
        Directory.Exists(Path.Combine(other, "logs")).ShouldBeFalse();
    }

    [Fact]
    public async Task Data_that_is_there_is_not_replaced_unasked()
    {
        Write("cosmos/1.bin", "first");
        await BackupCommand.BackupAsync(Data, Backup, default);
        Write("cosmos/1.bin", "later");

        await Should.ThrowAsync<LocalException>(() => BackupCommand.RestoreAsync(Data, Backup, fresh: false, default));

        Read("cosmos/1.bin").ShouldBe("later");
    }

    [Fact]
    public async Task A_damaged_backup_changes_nothing()
    {
        Write("cosmos/1.bin", string.Concat(Enumerable.Range(0, 20_000)));
        await BackupCommand.BackupAsync(Data, Backup, default);
        var bytes = await File.ReadAllBytesAsync(Backup.FullName);
        await File.WriteAllBytesAsync(Backup.FullName, bytes.AsMemory(0, bytes.Length / 2));
        Write("cosmos/1.bin", "later");

        await Should.ThrowAsync<LocalException>(() => BackupCommand.RestoreAsync(Data, Backup, fresh: true, default));

        Read("cosmos/1.bin").ShouldBe("later");
        Directory.Exists(Path.Combine(Data, "restoring")).ShouldBeFalse();
    }

    [Fact]
    public async Task While_the_system_runs_there_is_no_backup()
    {
        Write("cosmos/1.bin", "first");
        using var running = await DataFolder.OpenAsync(Data, fresh: false, demo: false, _ => { }, default);

        (await Should.ThrowAsync<LocalException>(() => BackupCommand.BackupAsync(Data, Backup, default))).Message.ShouldContain("Another AppHost");

        Backup.Exists.ShouldBeFalse();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Write(string name, string text)
    {
        var path = Path.Combine(Data, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private string Read(string name) => File.ReadAllText(Path.Combine(Data, name));
}
