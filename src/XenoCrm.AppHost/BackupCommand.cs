using System.Formats.Tar;
using System.IO.Compression;

namespace XenoCrm.AppHost;

/// <summary>
/// Copies of the local data: everything that the storage, the database and the vendor hold, in one file. Made and put back
/// while nothing runs (the folder's lock sees to it): a copy of files that are being written would be of no moment at all.
/// </summary>
internal static class BackupCommand
{
    /// <summary>Written and renamed: a backup that was interrupted is none.</summary>
    public static async Task<long> BackupAsync(string folder, FileInfo file, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder))
            throw new LocalException($"There is no data in {folder}.");
        using var data = await DataFolder.OpenAsync(folder, fresh: false, demo: false, RunCommand.Say, cancellation);
        var parts = data.StateParts.Where(p => Directory.Exists(data[p])).ToList();
        if (parts.Count == 0)
            throw new LocalException($"There is no data in {data.Path}.");
        var unfinished = file.FullName + "~";
        file.Directory!.Create();
        await using (var output = File.Create(unfinished))
        await using (var zip = new GZipStream(output, CompressionLevel.Fastest))
        await using (var tar = new TarWriter(zip))
        {
            foreach (var part in parts)
            {
                foreach (var entry in Directory.EnumerateFileSystemEntries(data[part], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Prepend(data[part]))
                    await tar.WriteEntryAsync(entry, Path.GetRelativePath(data.Path, entry), cancellation);
            }
        }

        File.Move(unfinished, file.FullName, overwrite: true);
        return new FileInfo(file.FullName).Length;
    }

    /// <summary>Everything is unpacked beside the data before anything is replaced: a file that is damaged costs nothing.</summary>
    public static async Task RestoreAsync(string folder, FileInfo file, bool fresh, CancellationToken cancellation)
    {
        if (!file.Exists)
            throw new LocalException($"There is no file {file.FullName}.");
        using var data = await DataFolder.OpenAsync(folder, fresh: false, demo: false, RunCommand.Say, cancellation);
        if (!fresh && data.StateParts.Any(p => Directory.Exists(data[p])))
            throw new LocalException($"{data.Path} holds data. Say --fresh to have it replaced by the backup, or choose another folder with --data.");
        var unpacked = data["restoring"];
        if (Directory.Exists(unpacked))
            Directory.Delete(unpacked, recursive: true);
        Directory.CreateDirectory(unpacked);
        try
        {
            await using var input = file.OpenRead();
            await using var zip = new GZipStream(input, CompressionMode.Decompress);
            await TarFile.ExtractToDirectoryAsync(zip, unpacked, overwriteFiles: false, cancellation);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or IOException)
        {
            Directory.Delete(unpacked, recursive: true);
            throw new LocalException($"{file.FullName} is no backup, or a damaged one: {e.Message}", e);
        }

        var parts = data.StateParts.Where(p => Directory.Exists(Path.Combine(unpacked, p))).ToList();
        if (parts.Count == 0)
        {
            Directory.Delete(unpacked, recursive: true);
            throw new LocalException($"{file.FullName} holds no data of this system.");
        }

        foreach (var part in data.StateParts.Where(p => Directory.Exists(data[p])))
            Directory.Delete(data[part], recursive: true);
        foreach (var part in parts)
            Directory.Move(Path.Combine(unpacked, part), data[part]);
        Directory.Delete(unpacked, recursive: true);
    }
}
