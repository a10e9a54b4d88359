using System.Diagnostics;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace XenoCrm.Local.FunctionsRuntime.Timers;

/// <summary>
/// Makes this process the only one that does something, by the lease of a blob. After a crash another instance (or this
/// one, started again) takes over when the lease has run out.
/// </summary>
internal sealed class SingletonLease : IAsyncDisposable
{
    /// <summary>The shortest that storage gives.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(15);

    private readonly BlobLeaseClient _lease;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _renewing;

    private SingletonLease(BlobLeaseClient lease)
    {
        _lease = lease;
        _renewing = Renew();
    }

    /// <summary>Cancelled when the lease is lost, or may be: another instance can begin from then on.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>The lease, or null when another process has it.</summary>
    public static async Task<SingletonLease?> TryAcquire(BlobContainerClient container, string name, CancellationToken token)
    {
        var blob = container.GetBlobClient(name);
        for (var created = false; ; created = true)
        {
            try
            {
                var lease = blob.GetBlobLeaseClient();
                await lease.AcquireAsync(Length, cancellationToken: token);
                return new SingletonLease(lease);
            }
            catch (RequestFailedException e) when (e.Status == 409)
            {
                return null;
            }
            catch (RequestFailedException e) when (e.Status == 404 && !created)
            {
                await container.CreateIfNotExistsAsync(cancellationToken: token);
                await CreateIfMissing(blob, token);
            }
        }
    }

    /// <summary>Gives the lease back, so that another instance need not wait for it to run out.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _renewing;
        if (!_lost.IsCancellationRequested)
        {
            try
            {
                await _lease.ReleaseAsync();
            }
            catch (Exception e) when (e is RequestFailedException || StorageHealth.IsOutage(e))
            {
                // It runs out by itself.
            }
        }
        _stop.Dispose();
        _lost.Dispose();
    }

    private async Task Renew()
    {
        var renewed = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await Task.Delay(Length / 3, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            try
            {
                var asked = Stopwatch.GetTimestamp();
                await _lease.RenewAsync();
                renewed = asked;
            }
            catch (Exception e)
            {
                var over = Stopwatch.GetElapsedTime(renewed) > Length - (Length / 5);
                if (over || e is RequestFailedException { Status: 404 or 409 or 412 })
                {
                    await _lost.CancelAsync();
                    return;
                }
            }
        }
    }

    private static async Task CreateIfMissing(BlobClient blob, CancellationToken token)
    {
        try
        {
            await blob.UploadAsync(BinaryData.FromString(""), overwrite: false, token);
        }
        catch (RequestFailedException e) when (e.Status is 409 or 412)
        {
            // Another instance was faster.
        }
    }
}
