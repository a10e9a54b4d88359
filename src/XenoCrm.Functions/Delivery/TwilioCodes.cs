namespace XenoCrm.Delivery;

/// <summary>What Twilio's error codes mean for a message. Those not named are final, under their number.</summary>
public static class TwilioCodes
{
    /// <summary>Nothing that is wrong with the message: it can be handed over again later.</summary>
    public static bool IsTransient(int? code) => code is
        14107 // too many messages between two numbers
        or 20429 // too many requests
        or 21611 // the sender's queue is full
        or 30001 // queue overflow
        or 30022 or 30023 // the carrier's limit of messages a second; of a day
        or 63017 or 63018; // WhatsApp's limits

    /// <summary>Wrong settings at either side: every message would be refused, and none is to be given up for it.</summary>
    public static bool IsAboutTheAccount(int? code) => code is
        20003 // not authenticated
        or 20404 // no such account
        or 21609 // the address for callbacks cannot be called
        or 21212 or 21603 or 21606 or 21607 or 21659 // the sender is not one, is missing, cannot send SMS, is not the account's
        or 21701 or 21703 // the messaging service does not exist, has no sender
        or 30002 // the account is suspended
        or 63007; // no WhatsApp channel with this sender

    /// <summary>Nobody is at the address, and nobody will be.</summary>
    public static bool IsBounce(int? code) => code is 21211 or 21614 or 30005 or 63003 or 63024;

    public static string Reason(int? code) => code switch
    {
        null => "rejected",
        21211 or 21217 or 21614 or 63003 or 63024 => "invalid_recipient",
        21408 => "region_not_enabled",
        21610 => "unsubscribed_at_vendor",
        21612 or 30003 => "unreachable",
        21617 => "too_large",
        14107 or 20429 or 21611 or 30001 or 30022 or 30023 or 63017 or 63018 => "rate_limited",
        30004 => "blocked",
        30005 => "no_such_user",
        30006 => "landline",
        30007 => "filtered",
        21654 or 21655 or 63027 => "template_invalid",
        21656 or 63028 => "template_variables_invalid",
        63016 => "outside_conversation",
        _ => "twilio_" + code,
    };
}
