using System.Text.Json;

namespace XenoCrm.Customers;

/// <param name="Field">As in the customer's JSON; attributes as <c>attributes.{key}</c>, consent as <c>consent.{channel}</c>.</param>
/// <param name="Kept">What the customer has now.</param>
/// <param name="Dropped">What the other one had.</param>
public sealed record MergeConflict(string Field, object? Kept, object? Dropped);

/// <summary>What one customer becomes when another turns out to be the same person. Pure; totals of orders move with the orders.</summary>
internal static class CustomerMerge
{
    public static Customer Combine(Customer into, Customer from, IEnumerable<string> keysOfFrom, DateTimeOffset now)
    {
        var (consent, past) = Consents(into, from);
        var visit = Earlier(into.LastVisitAt, from.LastVisitAt);
        return into with
        {
            ExternalId = into.ExternalId ?? from.ExternalId,
            FirstName = into.FirstName ?? from.FirstName,
            LastName = into.LastName ?? from.LastName,
            Email = into.Email ?? from.Email,
            Phone = into.Phone ?? from.Phone,
            PhoneUsable = into.Phone is null ? from.PhoneUsable : into.PhoneUsable,
            City = into.City ?? from.City,
            Region = into.Region ?? from.Region,
            Country = into.Country ?? from.Country,
            PostalCode = into.PostalCode ?? from.PostalCode,
            Company = into.Company ?? from.Company,
            Language = into.Language ?? from.Language,
            TimeZone = into.TimeZone ?? from.TimeZone,
            Birthday = into.Birthday ?? from.Birthday,
            Tags = [.. into.Tags.Union(from.Tags, StringComparer.OrdinalIgnoreCase)],
            Attributes = from.Attributes.Concat(into.Attributes).GroupBy(a => a.Key).ToDictionary(a => a.Key, a => a.Last().Value),
            Consent = consent,
            CreatedAt = into.CreatedAt < from.CreatedAt ? into.CreatedAt : from.CreatedAt,
            Visits = into.Visits + from.Visits,
            LastVisitAt = into.LastVisitAt > from.LastVisitAt || from.LastVisitAt is null ? into.LastVisitAt : from.LastVisitAt,
            VisitIds = Union(into.VisitIds, from.VisitIds, Customer.MaxVisitIds),
            Engagement = Sum(into.Engagement, from.Engagement),
            Messages = CustomerMessage.Keep([.. into.Messages.Concat(from.Messages).OrderBy(m => m.At)]),
            Contacts = into.Contacts is null ? from.Contacts : from.Contacts is null ? into.Contacts : [.. into.Contacts.UnionBy(from.Contacts, c => c.MessageId)],
            Past = PastEvent.Add(into.Past, [.. from.Past, .. past, .. visit is { } at ? new[] { PastEvent.Visit(at) } : []]),
            FormerKeys = Union(into.FormerKeys, from.FormerKeys, Customer.MaxFormerKeys),
            Merged = [.. into.Merged ?? [], .. from.Merged ?? [], new(from.Id, now, [.. keysOfFrom])],
        };
    }

    /// <summary>Where both had something and one had to go.</summary>
    public static IReadOnlyList<MergeConflict> Conflicts(Customer into, Customer from)
    {
        var conflicts = new List<MergeConflict>();
        void Compare<T>(string field, T? kept, T? dropped)
        {
            if (kept is not null && dropped is not null && !kept.Equals(dropped))
            {
                conflicts.Add(new(field, kept, dropped));
            }
        }

        Compare("externalId", into.ExternalId, from.ExternalId);
        Compare("firstName", into.FirstName, from.FirstName);
        Compare("lastName", into.LastName, from.LastName);
        Compare("email", into.Email, from.Email);
        Compare("phone", into.Phone, from.Phone);
        Compare("city", into.City, from.City);
        Compare("region", into.Region, from.Region);
        Compare("country", into.Country, from.Country);
        Compare("postalCode", into.PostalCode, from.PostalCode);
        Compare("company", into.Company, from.Company);
        Compare("language", into.Language, from.Language);
        Compare("timeZone", into.TimeZone, from.TimeZone);
        Compare("birthday", into.Birthday, from.Birthday);
        foreach (var (key, dropped) in from.Attributes)
        {
            if (into.Attributes.TryGetValue(key, out var kept) && !JsonElement.DeepEquals(kept, dropped))
            {
                conflicts.Add(new($"attributes.{key}", kept, dropped));
            }
        }

        foreach (var (channel, answer) in from.Consent)
        {
            if (into.Consent.TryGetValue(channel, out var other) && other.State != answer.State)
            {
                conflicts.Add(new($"consent.{channel}", ConsentState.Withdrawn, ConsentState.Granted));
            }
        }

        return conflicts;
    }

    /// <summary>
    /// The stricter answer holds. Who was never asked has not refused, but an agreement is about an address: it comes over
    /// only where the address does.
    /// </summary>
    private static (IReadOnlyDictionary<string, Consent> Consent, IReadOnlyList<PastEvent> Past) Consents(Customer into, Customer from)
    {
        var consent = new Dictionary<string, Consent>(into.Consent);
        var past = new List<PastEvent>();
        foreach (var (channel, answer) in from.Consent)
        {
            var known = consent.GetValueOrDefault(channel);
            var isStricter = answer.State == ConsentState.Withdrawn && known?.State != ConsentState.Withdrawn;
            if (isStricter || (known is null && SameAddress(into, from, channel)))
            {
                consent[channel] = answer;
                if (known is not null)
                {
                    past.Add(PastEvent.Of(channel, known));
                }
            }
            else if (answer != known)
            {
                past.Add(PastEvent.Of(channel, answer));
            }
        }

        return (consent, past);
    }

    private static bool SameAddress(Customer into, Customer from, string channel) => channel switch
    {
        "email" => into.Email is null || string.Equals(into.Email, from.Email, StringComparison.OrdinalIgnoreCase),
        "sms" or "whatsapp" => into.Phone is null || into.Phone == from.Phone,
        _ => !into.Attributes.Keys.Intersect(from.Attributes.Keys).Any(k => !JsonElement.DeepEquals(into.Attributes[k], from.Attributes[k])),
    };

    private static Engagement Sum(Engagement a, Engagement b) => a with
    {
        Sent = a.Sent + b.Sent,
        Delivered = a.Delivered + b.Delivered,
        Opened = a.Opened + b.Opened,
        Clicked = a.Clicked + b.Clicked,
        LastOpenedAt = a.LastOpenedAt > b.LastOpenedAt || b.LastOpenedAt is null ? a.LastOpenedAt : b.LastOpenedAt,
        LastClickedAt = a.LastClickedAt > b.LastClickedAt || b.LastClickedAt is null ? a.LastClickedAt : b.LastClickedAt,
    };

    private static IReadOnlyList<string>? Union(IReadOnlyList<string>? a, IReadOnlyList<string>? b, int max) =>
        a is null ? b : b is null ? a : [.. a.Union(b).TakeLast(max)];

    /// <summary>Of two times the earlier; null when there are not two different ones.</summary>
    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null || b is null || a == b ? null : a < b ? a : b;
}
