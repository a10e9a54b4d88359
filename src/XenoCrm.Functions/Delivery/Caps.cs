using XenoCrm.Campaigns;
using XenoCrm.Customers;

namespace XenoCrm.Delivery;

/// <summary>How many messages a customer gets at most.</summary>
public sealed class Cap
{
    public int Messages { get; set; }

    /// <summary>Within so many days, counted back from each message.</summary>
    public int Days { get; set; }

    /// <summary>Counts, and holds back, only messages of that channel; null: of all.</summary>
    public Channel? Channel { get; set; }
}

/// <summary>The caps as a rule over what a customer was sent.</summary>
public static class Caps
{
    /// <param name="messageId">Of the message in question, which is not held against itself.</param>
    public static bool Exceeds(IEnumerable<Cap> caps, IReadOnlyList<Contact>? contacts, Channel channel, string? messageId, DateTimeOffset now) =>
        contacts is not null && caps.Any(cap => (cap.Channel is null || cap.Channel == channel)
            && contacts.Count(c => c.MessageId != messageId && c.At > now.AddDays(-cap.Days) && (cap.Channel is null || c.Channel == channel.Name())) >= cap.Messages);
}
