using System.Text.Json;
using Azure.Storage.Queues.Models;
using XenoCrm.Local.FunctionsRuntime.Hosting;

#pragma warning disable MA0054 // The serializer's and the parsers' own messages quote their input, which may be personal data.

namespace XenoCrm.Local.FunctionsRuntime.Queues;

/// <summary>How a message becomes the trigger's parameter, and what else of it binds by name.</summary>
internal static class QueueBinding
{
    public static readonly string[] DataNames =
        ["QueueTrigger", "DequeueCount", "ExpirationTime", "Id", "InsertionTime", "NextVisibleTime", "PopReceipt"];

    public static ParameterBinder Trigger(Type type)
    {
        if (type == typeof(QueueMessage))
            return invocation => new(invocation.Event<QueueMessage>());
        if (type == typeof(string))
            return invocation => new(invocation.Event<QueueMessage>().Body.ToString());
        if (type == typeof(BinaryData))
            return invocation => new(invocation.Event<QueueMessage>().Body);
        if (type == typeof(byte[]))
            return invocation => new(invocation.Event<QueueMessage>().Body.ToArray());
        return invocation => new(FromJson(invocation, type));
    }

    public static Dictionary<string, object?> Data(QueueMessage message) => new(StringComparer.OrdinalIgnoreCase)
    {
        ["QueueTrigger"] = message.Body.ToString(),
        ["DequeueCount"] = message.DequeueCount,
        ["ExpirationTime"] = message.ExpiresOn,
        ["Id"] = message.MessageId,
        ["InsertionTime"] = message.InsertedOn,
        ["NextVisibleTime"] = message.NextVisibleOn,
        ["PopReceipt"] = message.PopReceipt,
    };

    private static object? FromJson(Invocation invocation, Type type)
    {
        try
        {
            return JsonSerializer.Deserialize(invocation.Event<QueueMessage>().Body.ToMemory().Span, type, Json.OptionsOf(invocation));
        }
        catch (JsonException e)
        {
            throw new BindingException($"The message is not the JSON of a {type.Name} (line {e.LineNumber}, byte {e.BytePositionInLine}).");
        }
    }
}
