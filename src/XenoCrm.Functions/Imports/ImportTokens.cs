using System.Security.Cryptography;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>
/// What a dry run in a request hands out, so that exactly that can be imported: it names the dry run and the hash of its
/// file, signed. The settings and the columns are the dry run's.
/// </summary>
public sealed class ImportTokens(Cursors signer, WorkspaceStore<ImportJob> jobs)
{
    private const string Purpose = "import-token";

    public static string HashOf(ReadOnlyMemory<byte> file) => Convert.ToHexStringLower(SHA256.HashData(file.Span));

    public string Of(ImportJob dryRun) => signer.Protect(Purpose, $"{dryRun.Id}:{dryRun.FileHash}");

    /// <param name="option">What the request says, by name: an option may be left out, but not be another.</param>
    /// <exception cref="ProblemException">The token is not valid, or this is not what it was given for.</exception>
    public async Task<ImportJob> RedeemAsync(string token, ImportKind kind, ReadOnlyMemory<byte> file, Func<string, string?> option, CancellationToken cancellation)
    {
        string[] parts;
        try
        {
            parts = signer.Unprotect(Purpose, token).Split(':');
        }
        catch (ProblemException)
        {
            throw new TokenInvalid().ToException();
        }

        var dryRun = (await jobs.ReadAsync(parts[0], cancellation))?.Value ?? throw new TokenInvalid().ToException();
        if (dryRun.FilesDeletedAt is not null)
        {
            throw new DryRunExpired(dryRun.Id).ToException();
        }

        var mismatch = dryRun.Target != kind ? "kind of import"
            : parts[1] != HashOf(file) ? "file"
            : dryRun.Settings.Mismatch(kind, option) is { } name ? $"'{name}'"
            : null;
        return mismatch is null ? dryRun : throw new TokenMismatch(mismatch).ToException();
    }
}
