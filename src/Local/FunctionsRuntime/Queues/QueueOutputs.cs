using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Azure.Storage.Queues;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.Extensions.Configuration;
using XenoCrm.Local.FunctionsRuntime.Hosting;
using XenoCrm.Local.FunctionsRuntime.Storage;

namespace XenoCrm.Local.FunctionsRuntime.Queues;

/// <summary>
/// Sends what functions return to queues ([QueueOutput] on the method or on properties of its result). Sent before the
/// trigger is told of success: a message that could not be stored fails the invocation.
/// </summary>
internal sealed class QueueOutputs(StorageClients storage, HostSettings settings, IConfiguration configuration)
{
    private readonly ConcurrentDictionary<QueueOutputAttribute, QueueClient> _created = new();

    public async Task Send(Function function, object? result, CancellationToken token)
    {
        if (result is null)
            return;
        foreach (var output in function.QueueOutputs)
        {
            // Middleware may have put a result of another type in the place of the function's own.
            var value = output.Property is null ? result
                : output.Property.DeclaringType!.IsInstanceOfType(result) ? output.Property.GetValue(result) : null;
            foreach (var text in Messages(value))
            {
                var queue = await Queue(output.Attribute, token);
                await queue.SendMessageAsync(Encode(text), token);
            }
        }
    }

    /// <summary>The properties of a function's result that are output bindings.</summary>
    public static IEnumerable<(PropertyInfo Property, OutputBindingAttribute Binding)> PropertiesOf(MethodInfo method)
    {
        var type = method.ReturnType;
        if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>)))
            type = type.GetGenericArguments()[0];
        return type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(p => (p, p.GetCustomAttribute<OutputBindingAttribute>()))
            .Where(p => p.Item2 is not null)!;
    }

    private static IEnumerable<string> Messages(object? value) => value switch
    {
        null => [],
        string text => [text],
        byte[] bytes => [Encoding.UTF8.GetString(bytes)],
        BinaryData data => [data.ToString()],
        IDictionary or JsonDocument or JsonElement => [JsonSerializer.Serialize(value, Json.Options)],
        IEnumerable many => many.Cast<object?>().SelectMany(Messages),
        _ => [JsonSerializer.Serialize(value, value.GetType(), Json.Options)],
    };

    private string Encode(string text) => settings.Queues.Base64 ? Convert.ToBase64String(Encoding.UTF8.GetBytes(text)) : text;

    private async Task<QueueClient> Queue(QueueOutputAttribute output, CancellationToken token)
    {
        if (_created.TryGetValue(output, out var known))
            return known;
        var queue = storage.Queue(output.Connection, Settings.Resolve(output.QueueName, configuration));
        await queue.CreateIfNotExistsAsync(cancellationToken: token);
        return _created[output] = queue;
    }

}

/// <summary>A queue that a function's result goes to: the whole result, or one property of it.</summary>
internal sealed record QueueOutput(PropertyInfo? Property, QueueOutputAttribute Attribute)
{
    public static QueueOutput[] Of(MethodInfo method) =>
    [
        .. method.GetCustomAttributes<QueueOutputAttribute>().Select(a => new QueueOutput(null, a)),
        .. QueueOutputs.PropertiesOf(method).Where(p => p.Binding is QueueOutputAttribute).Select(p => new QueueOutput(p.Property, (QueueOutputAttribute)p.Binding)),
    ];
}
