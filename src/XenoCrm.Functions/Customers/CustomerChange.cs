using System.Text.Json;

namespace XenoCrm.Customers;

/// <summary>What a draft makes of a customer. Pure; nothing derived is touched (<see cref="CustomerStore.Derive"/> does that).</summary>
internal static class CustomerChange
{
    public static Customer New(string id, CustomerDraft draft, string source, DateTimeOffset now, DateTimeOffset? saidAt = null) =>
        Overlay(new Customer { Id = id, CreatedAt = now, UpdatedAt = now, Source = source }, draft, source, saidAt ?? now);

    /// <summary>
    /// Given fields overwrite, absent ones stay. Returns the same instance when nothing differs. Rows of files and lists come
    /// again, long after they were true: without a time of their own they take no withdrawal back.
    /// </summary>
    public static Customer Overlay(Customer customer, CustomerDraft draft, string source, DateTimeOffset saidAt) =>
        Overlay(customer, draft, source, saidAt, mayRegrant: false);

    /// <summary>The withdrawals that <see cref="Overlay(Customer, CustomerDraft, string, DateTimeOffset)"/> keeps although the draft grants.</summary>
    public static IReadOnlyList<FieldIssue>? Kept(Customer customer, CustomerDraft draft)
    {
        List<FieldIssue>? kept = null;
        foreach (var (channel, input) in draft.Consent ?? NoConsent)
        {
            if (IsRepeatable(input) && customer.Consent.GetValueOrDefault(channel) is { State: ConsentState.Withdrawn })
            {
                (kept ??= []).Add(new($"consent/{channel}", ConsentKept,
                    "The customer has withdrawn this consent, and it stays withdrawn: nothing says that it was given again since.", IsWarning: true));
            }
        }

        return kept;
    }

    /// <summary>Whether the draft would give the customer attributes beyond the limit: rows with a few each add up.</summary>
    public static bool HasTooManyAttributes(Customer customer, CustomerDraft draft)
    {
        if (draft.Attributes is null || customer.Attributes.Count + draft.Attributes.Count <= CustomerNormalizer.MaxAttributes)
        {
            return false;
        }

        var after = Merge(customer.Attributes, draft.Attributes).Count;
        return after > CustomerNormalizer.MaxAttributes && after > customer.Attributes.Count;
    }

    /// <summary>A warning: the row was taken without this consent.</summary>
    public const string ConsentKept = "customer.consent_kept";

    private static Customer Overlay(Customer customer, CustomerDraft draft, string source, DateTimeOffset saidAt, bool mayRegrant)
    {
        var after = customer with
        {
            ExternalId = draft.ExternalId ?? customer.ExternalId,
            FirstName = draft.FirstName ?? customer.FirstName,
            LastName = draft.LastName ?? customer.LastName,
            Email = draft.Email ?? customer.Email,
            Phone = draft.Phone ?? customer.Phone,
            PhoneUsable = draft.Phone is null ? customer.PhoneUsable : draft.PhoneUsable,
            City = draft.City ?? customer.City,
            Region = draft.Region ?? customer.Region,
            Country = draft.Country ?? customer.Country,
            PostalCode = draft.PostalCode ?? customer.PostalCode,
            Company = draft.Company ?? customer.Company,
            Language = draft.Language ?? customer.Language,
            TimeZone = draft.TimeZone ?? customer.TimeZone,
            Birthday = draft.Birthday ?? customer.Birthday,
            Tags = draft.Tags is null ? customer.Tags : Same(customer.Tags, draft.Tags),
            Source = draft.Source ?? customer.Source,
            Attributes = Merge(customer.Attributes, draft.Attributes),
            Consent = Merge(customer.Consent, draft.Consent, source, saidAt, mayRegrant),
        };
        if (!ReferenceEquals(after.Consent, customer.Consent))
        {
            // What was said before stays known: who asks for proof asks for all of it.
            var former = customer.Consent.Where(c => after.Consent[c.Key] != c.Value).Select(c => PastEvent.Of(c.Key, c.Value));
            after = after with { Past = PastEvent.Add(customer.Past, former) };
        }

        // Collections that did not change are the same instances, so that the record's equality says whether anything did.
        return after == customer ? customer : after;
    }

    /// <summary>
    /// The profile becomes the draft's; absent fields are cleared. Except consent: what a person has said does not
    /// vanish because a form did not mention it.
    /// </summary>
    public static Customer Replace(Customer customer, CustomerDraft draft, string source, DateTimeOffset saidAt)
    {
        var blank = customer with
        {
            ExternalId = null, FirstName = null, LastName = null, Email = null, Phone = null, PhoneUsable = false, City = null, Region = null,
            Country = null, PostalCode = null, Company = null, Language = null, TimeZone = null, Birthday = null, Tags = [],
            Attributes = new Dictionary<string, JsonElement>(),
        };
        var after = Overlay(blank, draft, source, saidAt, mayRegrant: true);
        after = after with
        {
            Tags = Same(customer.Tags, after.Tags),
            Attributes = SameAttributes(customer.Attributes, after.Attributes) ? customer.Attributes : after.Attributes,
        };
        return after == customer ? customer : after;
    }

    private static IReadOnlyList<string> Same(IReadOnlyList<string> old, IReadOnlyList<string> now) => old.SequenceEqual(now) ? old : now;

    private static bool SameAttributes(IReadOnlyDictionary<string, JsonElement> a, IReadOnlyDictionary<string, JsonElement> b) =>
        a.Count == b.Count && a.All(x => b.TryGetValue(x.Key, out var other) && JsonElement.DeepEquals(x.Value, other));

    private static IReadOnlyDictionary<string, JsonElement> Merge(
        IReadOnlyDictionary<string, JsonElement> old, IReadOnlyDictionary<string, JsonElement>? given)
    {
        Dictionary<string, JsonElement>? merged = null;
        foreach (var (name, value) in given ?? Nothing)
        {
            var had = old.TryGetValue(name, out var current);
            if (value.ValueKind == JsonValueKind.Null)
            {
                if (had)
                {
                    (merged ??= new(old)).Remove(name);
                }
            }
            else if (!had || !JsonElement.DeepEquals(current, value))
            {
                (merged ??= new(old))[name] = value;
            }
        }

        return merged ?? old;
    }

    private static IReadOnlyDictionary<string, Consent> Merge(
        IReadOnlyDictionary<string, Consent> old, IReadOnlyDictionary<string, ConsentInput>? given, string source, DateTimeOffset saidAt, bool mayRegrant)
    {
        Dictionary<string, Consent>? merged = null;
        foreach (var (channel, input) in given ?? NoConsent)
        {
            // As it is stored: a finer time would be news each time it is sent.
            var at = Milliseconds(input.At ?? saidAt);
            if (!old.TryGetValue(channel, out var current)
                || (IsNews(current, input, at) && (mayRegrant || current.State != ConsentState.Withdrawn || !IsRepeatable(input))))
            {
                (merged ??= new(old))[channel] = new Consent(input.State, at, input.Source ?? source);
            }
        }

        return merged ?? old;
    }

    /// <summary>
    /// What a person said last holds, whenever it arrives; of two answers of one moment the withdrawal. The same answer again
    /// is not news, unless the caller says that it was given later or elsewhere.
    /// </summary>
    private static bool IsNews(Consent current, ConsentInput input, DateTimeOffset at) => input.State != current.State
        ? at > current.At || (at == current.At && input.State == ConsentState.Withdrawn)
        : at > current.At && (input.At is not null || (input.Source is not null && input.Source != current.Source));

    private static bool IsRepeatable(ConsentInput input) => input is { State: ConsentState.Granted, At: null };

    private static DateTimeOffset Milliseconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMillisecond));

    private static readonly Dictionary<string, JsonElement> Nothing = [];
    private static readonly Dictionary<string, ConsentInput> NoConsent = [];
}
