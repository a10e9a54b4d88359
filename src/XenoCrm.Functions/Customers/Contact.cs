using System.Text.Json.Serialization;

namespace XenoCrm.Customers;

/// <summary>A message that is being, or was, sent to the customer and counts for the caps.</summary>
/// <param name="At">When it was handed over last; a millisecond early at most.</param>
public sealed record Contact(
    [property: JsonPropertyName("m")] string MessageId, [property: JsonPropertyName("c")] string Channel, [property: JsonPropertyName("t")] DateTimeOffset At);
