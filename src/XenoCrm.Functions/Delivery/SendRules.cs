using XenoCrm.Campaigns;
using XenoCrm.Customers;

namespace XenoCrm.Delivery;

/// <summary>Why a recipient was not written to. Stable: they are in the ledger and in exports.</summary>
public static class Reasons
{
    public const string CustomerGone = "customer_gone";

    /// <summary>Was made one with another recipient of the campaign since its launch, and that one's message is the person's.</summary>
    public const string CustomerMerged = "customer_merged";
    public const string ConsentWithdrawn = "consent_withdrawn";
    public const string ConsentMissing = "consent_missing";
    public const string AddressMissing = "address_missing";
    public const string AddressUnusable = "address_unusable";
    public const string Cancelled = "cancelled";

    /// <summary>Would have been written to, and gets nothing so that those who do can be compared with them.</summary>
    public const string Holdout = "holdout";

    /// <summary>Has had as many messages as the caps allow.</summary>
    public const string Capped = "capped";

    /// <summary>The schedule's time of day had passed where they live when the campaign was scheduled, and it is only for that time.</summary>
    public const string LocalTimePassed = "local_time_passed";

    /// <summary>The run failed again and again and was given up.</summary>
    public const string Poison = "poison";

    /// <summary>The vendor may or may not have it, and must not be asked again.</summary>
    public const string Interrupted = "interrupted";

    /// <summary>The vendor was asked what became of it, and never had it.</summary>
    public const string NotTaken = "not_taken";

    /// <summary>The vendor put the message off until we gave up.</summary>
    public const string Deferred = "deferred_too_often";
}

/// <summary>What is done about one recipient at the moment of sending.</summary>
/// <param name="To">The address, or null when nothing is sent.</param>
/// <param name="Status">Suppressed or Skipped when nothing is sent.</param>
public readonly record struct SendDecision(string? To, MessageStatus Status, string? Reason)
{
    public static SendDecision Send(string to) => new(to, MessageStatus.Sending, null);

    public static SendDecision Skip(string reason) => new(null, MessageStatus.Skipped, reason);

    public static SendDecision Suppress(string reason) => new(null, MessageStatus.Suppressed, reason);
}

/// <summary>The rules of sending, over what is known at the moment of sending and not of planning.</summary>
public static class SendRules
{
    /// <summary>The attribute that holds the device to push to.</summary>
    public const string PushAttribute = "pushToken";

    private static readonly System.Buffers.SearchValues<char> NeverInEmail = System.Buffers.SearchValues.Create(" \r\n\t,;<>");

    /// <summary>The customer's address on the channel as given, or null.</summary>
    public static string? Address(Customer customer, Channel channel) => channel switch
    {
        Channel.Email => customer.Email,
        Channel.Sms or Channel.WhatsApp => customer.Phone,
        _ => customer.Attributes.TryGetValue(PushAttribute, out var token) && token.ValueKind == System.Text.Json.JsonValueKind.String ? token.GetString() : null,
    };

    /// <param name="customer">Null: there is none any more.</param>
    /// <param name="suppression">Why the address is suppressed, if it is.</param>
    /// <param name="requireConsent">Whether a customer who was never asked may be written to.</param>
    public static SendDecision Decide(Customer? customer, Channel channel, string? suppression, bool requireConsent)
    {
        if (customer is null)
        {
            return SendDecision.Skip(Reasons.CustomerGone);
        }

        var consent = customer.Consent.GetValueOrDefault(channel.Name());
        if (consent is { State: ConsentState.Withdrawn })
        {
            return SendDecision.Skip(Reasons.ConsentWithdrawn);
        }

        if (consent is null && requireConsent)
        {
            return SendDecision.Skip(Reasons.ConsentMissing);
        }

        if (Address(customer, channel) is not { Length: > 0 } address)
        {
            return SendDecision.Skip(Reasons.AddressMissing);
        }

        if (channel is Channel.Sms or Channel.WhatsApp ? !customer.PhoneUsable : !Usable(channel, address))
        {
            return SendDecision.Skip(Reasons.AddressUnusable);
        }

        return suppression is null ? SendDecision.Send(address) : SendDecision.Suppress(suppression);
    }

    /// <summary>Whether the address can be written to, as far as its form tells.</summary>
    public static bool Usable(Channel channel, string address) => channel switch
    {
        Channel.Email => address.IndexOf('@') is > 0 and var at && at == address.LastIndexOf('@') && at < address.Length - 1 && !address.AsSpan().ContainsAny(NeverInEmail),
        Channel.Sms or Channel.WhatsApp => PhoneNumbers.ToE164(address, country: null) is not null,
        _ => true,
    };
}
