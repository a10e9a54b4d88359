using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Timers;

/// <summary>The schedule status of one timer, in <c>timers/{host}/{function}/status</c>.</summary>
internal sealed class TimerStatusStore(BlobContainerClient host, string hostId, string functionId)
{
    private readonly BlobClient _blob = host.GetBlobClient($"timers/{hostId}/{functionId}/status");

    public async Task<ScheduleStatus?> Read(CancellationToken token)
    {
        try
        {
            var content = await _blob.DownloadContentAsync(token);
            return JsonSerializer.Deserialize<ScheduleStatus>(content.Value.Content.ToMemory().Span);
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return null;
        }
        catch (JsonException)
        {
            // Unreadable is the same as none: the timer begins anew.
            return null;
        }
    }

    public async Task Write(ScheduleStatus status, CancellationToken token)
        => await _blob.UploadAsync(BinaryData.FromObjectAsJson(status), overwrite: true, token);
}
