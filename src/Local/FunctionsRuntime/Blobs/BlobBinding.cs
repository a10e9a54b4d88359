using System.Reflection;
using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Local.FunctionsRuntime.Hosting;
using XenoCrm.Local.FunctionsRuntime.Storage;

#pragma warning disable MA0054 // The serializer's and the parsers' own messages quote their input, which may be personal data.

namespace XenoCrm.Local.FunctionsRuntime.Blobs;

/// <summary>A blob that a trigger found: this version of it.</summary>
internal sealed record BlobEvent(BlobContainerClient Container, string Name, ETag ETag)
{
    public BlobClient Client => Container.GetBlobClient(Name);

    public string Path => Container.Name + "/" + Name;
}

/// <summary>How a blob becomes a parameter.</summary>
internal static class BlobBinding
{
    public static readonly string[] DataNames = ["BlobTrigger", "Uri", "Metadata", "Properties"];

    public static ParameterBinder Trigger(Type type)
        => invocation => Value(type, invocation.Event<BlobEvent>().Client, isThere: true, invocation);

    public static Dictionary<string, object?> Data(BlobEvent blob, BlobItem item, Dictionary<string, string> parts)
    {
        var data = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase)
        {
            ["BlobTrigger"] = blob.Path,
            ["Uri"] = blob.Client.Uri.ToString(),
            ["Metadata"] = JsonSerializer.Serialize(item.Metadata ?? new Dictionary<string, string>()),
            ["Properties"] = JsonSerializer.Serialize(new { item.Properties.ContentLength, item.Properties.ContentType, item.Properties.LastModified }),
        };
        foreach (var (name, value) in parts)
            data[name] = value;
        return data;
    }

    public static ParameterBinder Input(ParameterInfo parameter, BlobInputAttribute attribute, IConfiguration configuration)
    {
        var path = BlobPath.Parse(Settings.Resolve(attribute.BlobPath, configuration));
        var wholeContainer = !attribute.BlobPath.Contains('/');
        var type = parameter.ParameterType;
        if (wholeContainer && type != typeof(BlobContainerClient))
            throw new FunctionsStartException($"[BlobInput(\"{attribute.BlobPath}\")] names a container; the parameter must be a BlobContainerClient.");
        return invocation =>
        {
            var container = invocation.InstanceServices.GetRequiredService<StorageClients>()
                .Blobs(attribute.Connection).GetBlobContainerClient(path.Container);
            if (wholeContainer)
                return new(container);
            var data = invocation.BindingContext.BindingData;
            var name = path.Fill(n => data.TryGetValue(n, out var value) && value is not null
                ? value.ToString()!
                : throw new BindingException($"The blob path of '{parameter.Name}' needs '{n}', which the trigger did not give."));
            return Value(type, container.GetBlobClient(name), isThere: false, invocation);
        };
    }

    /// <summary>Null when the blob is not there, but for the clients, which need none.</summary>
    private static ValueTask<object?> Value(Type type, BlobClient blob, bool isThere, Invocation invocation)
    {
        if (type == typeof(BlobClient) || type == typeof(BlobBaseClient))
            return new(blob);
        if (type == typeof(BlobContainerClient))
            return new(blob.GetParentBlobContainerClient());
        return type == typeof(Stream) ? Opened(blob, isThere, invocation) : Content(type, blob, invocation);
    }

    private static async ValueTask<object?> Opened(BlobClient blob, bool isThere, Invocation invocation)
        // The blob that triggered is known to be there; its stream costs nothing until it is read.
        => isThere || await blob.ExistsAsync(invocation.CancellationToken)
            ? new LazyBlobStream(blob)
            : null;

    private static async ValueTask<object?> Content(Type type, BlobClient blob, Invocation invocation)
    {
        BinaryData content;
        try
        {
            content = (await blob.DownloadContentAsync(invocation.CancellationToken)).Value.Content;
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return null;
        }
        if (type == typeof(string))
            return content.ToString();
        if (type == typeof(byte[]))
            return content.ToArray();
        if (type == typeof(BinaryData))
            return content;
        try
        {
            return JsonSerializer.Deserialize(content.ToMemory().Span, type, Json.OptionsOf(invocation));
        }
        catch (JsonException e)
        {
            throw new BindingException($"The blob is not the JSON of a {type.Name} (line {e.LineNumber}, byte {e.BytePositionInLine}).");
        }
    }
}
