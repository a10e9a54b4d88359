using System.Text.Json;
using XenoCrm.Platform;

namespace XenoCrm.Delivery;

/// <summary>
/// A queue message of receipts: an object, so that it can carry its trace. Messages that are still waiting from before that
/// was so, and what people put there by hand, are bare arrays.
/// </summary>
public sealed record ReceiptMessage(IReadOnlyList<Receipt> Receipts)
{
    /// <summary>What <see cref="Of"/> adds.</summary>
    public const int WrapBytes = 16;

    /// <param name="array">The JSON of the receipts.</param>
    public static byte[] Of(ReadOnlyMemory<byte> array) => [.. "{\"receipts\":"u8, .. array.Span, (byte)'}'];

    /// <exception cref="JsonException">It is neither.</exception>
    public static IReadOnlyList<Receipt> Read(string message) =>
        (message.AsSpan().TrimStart() is ['[', ..]
            ? JsonSerializer.Deserialize<Receipt[]>(message, Json.Options)
            : JsonSerializer.Deserialize<ReceiptMessage>(message, Json.Options)?.Receipts)
        ?? throw new JsonException("The message holds no receipts.");
}
