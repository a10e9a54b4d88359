using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

/// <summary>The fields that rules know.</summary>
/// <remarks>Types of attributes are those in memory: see <see cref="RefreshAsync"/>.</remarks>
public sealed class RuleCatalogue
{
    public static readonly string[] Channels = ["email", "sms", "whatsapp", "push"];

    private const string CategoryPrefix = "categories.";
    private const string AttributePrefix = "attributes.";
    private const int MaxNameLength = 100;

    private readonly string currency;
    private readonly AttributeSchema? attributes;
    private readonly Dictionary<string, RuleField> fields;

    /// <param name="attributes">Null: attributes have no types, and are compared as what the rule's value is.</param>
    public RuleCatalogue(IOptions<WorkspaceOptions> workspace, AttributeSchema? attributes = null)
    {
        this.attributes = attributes;
        currency = workspace.Value.Currency;
        Fields =
        [
            Text("externalId", "External id", c => c.ExternalId),
            Text("firstName", "First name", c => c.FirstName),
            Text("lastName", "Last name", c => c.LastName),
            Text("email", "E-mail", c => c.Email),
            Text("phone", "Phone", c => c.Phone),
            Text("city", "City", c => c.City),
            Text("region", "Region", c => c.Region),
            Text("country", "Country", c => c.Country),
            Text("postalCode", "Postal code", c => c.PostalCode),
            Text("company", "Company", c => c.Company),
            Text("language", "Language", c => c.Language),
            Text("timeZone", "Time zone", c => c.TimeZone),
            new DateField("birthday", "Birthday", "c.birthday", c => c.Birthday),
            new ListField("tags", "Tags", "c.tags", holdsSegments: false, c => c.Tags),
            Text("source", "Source", c => c.Source),
            Time("createdAt", "Created", c => c.CreatedAt),
            Time("updatedAt", "Updated", c => c.UpdatedAt),
            Amount("totalSpend", "Total spend", c => c.TotalSpend),
            Count("orderCount", "Orders", c => c.OrderCount),
            Amount("averageOrderValue", "Average order value", c => c.AverageOrderValue),
            Time("firstOrderAt", "First order", c => c.FirstOrderAt),
            Time("lastOrderAt", "Last order", c => c.LastOrderAt),
            Count("visits", "Visits", c => c.Visits),
            Time("lastVisitAt", "Last visit", c => c.LastVisitAt),
            Time("lastActiveAt", "Last active", c => c.LastActiveAt),
            Score("recency", "RFM: recency", r => r.Recency),
            Score("frequency", "RFM: frequency", r => r.Frequency),
            Score("monetary", "RFM: monetary value", r => r.Monetary),
            new ChoiceField("rfm.segment", "RFM: segment", "c.rfm.segment", [.. RfmScores.Names], c => c.Rfm?.Segment),
            .. Channels.Select(Consent),
            Count("engagement.sent", "Messages sent", c => c.Engagement.Sent),
            Count("engagement.delivered", "Messages delivered", c => c.Engagement.Delivered),
            Count("engagement.opened", "Messages opened", c => c.Engagement.Opened),
            Count("engagement.clicked", "Messages clicked", c => c.Engagement.Clicked),
            Time("engagement.lastOpenedAt", "Last opened", c => c.Engagement.LastOpenedAt),
            Time("engagement.lastClickedAt", "Last clicked", c => c.Engagement.LastClickedAt),
            new ListField("segments", "Segments", "c.segmentIds", holdsSegments: true, c => c.SegmentIds),
        ];
        fields = Fields.ToDictionary(f => f.Name);
    }

    /// <summary>Those with a fixed name. Categories and attributes are found by <see cref="Find"/>.</summary>
    public IReadOnlyList<RuleField> Fields { get; }

    /// <summary>The types of attributes; another instance when they have changed.</summary>
    public AttributeTypes Types => attributes?.Types ?? AttributeTypes.None;

    /// <summary>Before rules are read: makes sure that the types in memory are recent.</summary>
    public async ValueTask RefreshAsync(CancellationToken cancellation)
    {
        if (attributes is not null)
        {
            await attributes.RefreshAsync(cancellation);
        }
    }

    /// <param name="reason">Why there is no such field.</param>
    /// <param name="isNew">For a rule that is being written: see <see cref="AttributeField"/>.</param>
    public RuleField? Find(string name, out string? reason, bool isNew = false)
    {
        reason = null;
        if (fields.TryGetValue(name, out var field))
        {
            return field;
        }

        if (name.StartsWith(AttributePrefix, StringComparison.Ordinal) && name.Length is > 11 and <= 11 + MaxNameLength)
        {
            var key = name[AttributePrefix.Length..];
            var known = Types.Keys.GetValueOrDefault(key);
            return new AttributeField(key, known?.Type, known?.Label, isNew);
        }

        if (name.StartsWith(CategoryPrefix, StringComparison.Ordinal) && Category(name) is { } category)
        {
            return category;
        }

        reason = name.StartsWith("rfm.", StringComparison.Ordinal) ? "rfm.recency, .frequency, .monetary or .segment is expected."
            : name.StartsWith(CategoryPrefix, StringComparison.Ordinal) ? "categories.<name>.count, .spend or .lastAt is expected."
            : name.StartsWith("consent.", StringComparison.Ordinal) ? $"consent.<channel> is expected; channels are {string.Join(", ", Channels)}."
            : name.StartsWith(AttributePrefix, StringComparison.Ordinal) ? $"attributes.<key> is expected, with a key of at most {MaxNameLength} characters."
            : "There is no such field. GET /api/segments/fields lists them.";
        return null;
    }

    /// <summary>What is between the first and the last dot is the category, dots and all.</summary>
    private RuleField? Category(string name)
    {
        var dot = name.LastIndexOf('.');
        if (dot <= CategoryPrefix.Length || dot > CategoryPrefix.Length + MaxNameLength)
        {
            return null;
        }

        var category = name[CategoryPrefix.Length..dot];
        var path = RuleSql.Property("c.categories", category);
        CategoryTotals? Totals(Customer c) => c.Categories.TryGetValue(category, out var totals) ? totals : null;
        return name[(dot + 1)..] switch
        {
            "count" => new NumberField(name, $"{category}: purchases", $"{path}.count", c => Totals(c)?.Count ?? double.NaN),
            "spend" => new MoneyField(name, $"{category}: spend", $"{path}.spend", currency, c => Totals(c)?.Spend),
            "lastAt" => new TimeField(name, $"{category}: last purchase", $"{path}.lastAt", c => Totals(c)?.LastAt),
            _ => null,
        };
    }

    private static TextField Text(string name, string label, Func<Customer, string?> get) => new(name, label, "c." + name, get);

    private static TimeField Time(string name, string label, Func<Customer, DateTimeOffset?> get) => new(name, label, "c." + name, get);

    private static NumberField Count(string name, string label, Func<Customer, int> get) => new(name, label, "c." + name, c => get(c));

    private static NumberField Score(string name, string label, Func<Rfm, int> get) =>
        new($"rfm.{name}", label, $"c.rfm.{name}", c => c.Rfm is { } rfm ? get(rfm) : double.NaN);

    private MoneyField Amount(string name, string label, Func<Customer, long?> get) => new(name, label, "c." + name, currency, get);

    private static ChoiceField Consent(string channel) => new(
        $"consent.{channel}", $"Consent: {channel}", $"c.consent.{channel}.state", ["granted", "withdrawn"],
        c => !c.Consent.TryGetValue(channel, out var consent) ? null : consent.State == ConsentState.Granted ? "granted" : "withdrawn");
}
