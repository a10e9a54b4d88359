using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Customers;

/// <summary>The route takes the filters of <see cref="CustomerFilters"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CustomerFilterParametersAttribute() : QueriesAttribute(CustomerFilters.Parameters);

/// <param name="Text">The filter as it was asked for: a cursor of another one is refused.</param>
public sealed record CustomerQuery(CustomerFilter Filter, string Text);

/// <summary>The query parameters of lists and exports of customers. All given ones must hold. Attributes are asked for as <c>attributes.shoeSize=38</c>.</summary>
public sealed class CustomerFilters(AddressHasher hasher, CustomerWriter writer, AttributeSchema schema, IOptions<WorkspaceOptions> workspace)
{
    private const int MaxText = 254;
    private const string AttributePrefix = "attributes.";

    /// <summary>What the API document says of them.</summary>
    public static readonly IReadOnlyList<QueryAttribute> Parameters =
    [
        new("q", typeof(string), "Begins the first, last or full name, the company, the email, the external id, or the phone in any spelling, whatever the case"),
        new("email", typeof(string), "Exactly this address, whatever the case"),
        new("phone", typeof(string), "Exactly this number, in any international spelling (write + as %2B)"),
        new("externalId", typeof(string), "Exactly this external id"),
        new("tag", typeof(string), "Has this tag, whatever the case; several: has all of them"),
        new("segment", typeof(string), "Is in the segment with this id"),
        new("country", typeof(string), "Whatever the case, as the next five"),
        new("region", typeof(string), "The region"),
        new("city", typeof(string), "The city"),
        new("company", typeof(string), "The company"),
        new("language", typeof(string), "The language"),
        new("source", typeof(string), "Where the customer came from"),
        new("consent", typeof(string), "Has given consent to this channel: email, sms, whatsapp or push; with :withdrawn behind, has withdrawn it"),
        new("createdFrom", typeof(string), "A date or time in ISO 8601; a date is its first moment (UTC)"),
        new("createdTo", typeof(string), "A date or time in ISO 8601, included; a date with all its hours"),
        new("updatedFrom", typeof(string), "As createdFrom"),
        new("updatedTo", typeof(string), "As createdTo"),
        new("lastActiveFrom", typeof(string), "As createdFrom"),
        new("lastActiveTo", typeof(string), "As createdTo"),
        new("minSpend", typeof(decimal), "Total spend in major units, at least"),
        new("maxSpend", typeof(decimal), "Total spend in major units, at most"),
        new("minOrders", typeof(int), "Number of orders, at least"),
        new("maxOrders", typeof(int), "Number of orders, at most"),
        new("hasOrders", typeof(bool), "true: at least one order; false: none"),
    ];

    private static readonly Dictionary<string, string> TextFields = new()
    {
        ["country"] = "c.country", ["region"] = "c.region", ["city"] = "c.city", ["company"] = "c.company", ["language"] = "c.language", ["source"] = "c.source",
    };

    private static readonly Dictionary<string, (string Path, bool IsLower)> TimeFields = new()
    {
        ["createdFrom"] = ("c.createdAt", true), ["createdTo"] = ("c.createdAt", false),
        ["updatedFrom"] = ("c.updatedAt", true), ["updatedTo"] = ("c.updatedAt", false),
        ["lastActiveFrom"] = ("c.lastActiveAt", true), ["lastActiveTo"] = ("c.lastActiveAt", false),
    };

    /// <param name="others">Parameters that the route has beside the filters.</param>
    /// <returns>Null when an email or external id is asked for that nobody has.</returns>
    public async Task<CustomerQuery?> ReadAsync(HttpRequest request, IReadOnlyCollection<string> others, CancellationToken cancellation)
    {
        var errors = new Dictionary<string, string[]>();
        var conditions = new Conditions();
        var keys = new List<string>();
        var given = request.Query.Where(q => !others.Contains(q.Key)).OrderBy(q => q.Key, StringComparer.Ordinal)
            .SelectMany(q => q.Value.Select(v => (Name: q.Key, Value: v?.Trim() ?? ""))).Where(q => q.Value.Length > 0).ToList();
        var types = given.Exists(q => q.Name.StartsWith(AttributePrefix, StringComparison.Ordinal)) ? await schema.RefreshAsync(cancellation) : AttributeTypes.None;
        foreach (var (name, value) in given)
        {
            var wrong = value.Length > MaxText ? $"At most {MaxText} characters are expected."
                : name != "tag" && request.Query[name].Count > 1 ? "It is given twice."
                : name switch
                {
                    "email" => Key(keys, hasher.Email(value)),
                    "externalId" => Key(keys, hasher.External(value)),
                    _ when name.StartsWith(AttributePrefix, StringComparison.Ordinal) => Attribute(conditions, types, name[AttributePrefix.Length..], value),
                    _ => Read(conditions, name, value) ? null : JsonFaults.Unknown(name, [.. Parameters.Select(p => p.Name), .. others]),
                };
            wrong ??= conditions.Wrong;
            conditions.Wrong = null;
            if (wrong is not null)
            {
                errors["/" + name] = [wrong];
            }
        }

        if (errors.Count > 0)
        {
            throw new RequestInvalid(errors).ToException();
        }

        if (keys.Count > 0)
        {
            var found = await writer.FindAsync(keys, cancellation);
            if (found.Count < keys.Count || found.Values.Select(c => c.Value.Id).Distinct().Count() > 1)
            {
                return null;
            }

            conditions.Add("c.id = {0}", found.Values.First().Value.Id);
        }

        return new(conditions.ToFilter(), string.Join('&', given.Select(q => $"{q.Name}={Uri.EscapeDataString(q.Value)}")));
    }

    private static string? Key(List<string> keys, string key)
    {
        keys.Add(key);
        return null;
    }

    /// <returns>False when there is no such parameter.</returns>
    private bool Read(Conditions conditions, string name, string value)
    {
        if (TextFields.TryGetValue(name, out var path))
        {
            conditions.Add($"StringEquals({path}, {{0}}, true)", value);
            return true;
        }

        if (TimeFields.TryGetValue(name, out var time))
        {
            Time(conditions, time.Path, time.IsLower, value);
            return true;
        }

        switch (name)
        {
            case "q":
                var prefixes = CustomerSearch.PrefixesOf(value);
                conditions.Add($"EXISTS(SELECT VALUE t FROM t IN c.search WHERE {string.Join(" OR ", prefixes.Select((_, i) => $"STARTSWITH(t, {{{i}}})"))})", [.. prefixes]);
                return true;
            case "phone":
                // In a query a bare + is a space.
                var phone = PhoneNumbers.ToE164(value, null) ?? PhoneNumbers.ToE164("+" + value, null);
                conditions.Add("c.phone IN ({0}, {1})", value, phone ?? value);
                return true;
            case "tag":
                conditions.Add("EXISTS(SELECT VALUE t FROM t IN c.tags WHERE StringEquals(t, {0}, true))", value);
                return true;
            case "segment":
                conditions.Add("ARRAY_CONTAINS(c.segmentIds, {0})", value);
                return true;
            case "consent":
                var (channel, state) = value.EndsWith(":withdrawn", StringComparison.Ordinal) ? (value[..^10], "withdrawn") : (value, "granted");
                conditions.Check(CustomerNormalizer.Channels.Contains(channel), $"One of {string.Join(", ", CustomerNormalizer.Channels)} is expected, perhaps with :withdrawn behind.")
                    ?.Add($"c.consent.{channel}.state = {{0}}", state);
                return true;
            case "minSpend" or "maxSpend":
                Amount(conditions, name[0] == 'm' && name[1] == 'i' ? ">=" : "<=", value);
                return true;
            case "minOrders" or "maxOrders":
                conditions.Check(int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var orders), "A whole number is expected.")
                    ?.Add($"c.orderCount {(name == "minOrders" ? ">=" : "<=")} {{0}}", orders);
                return true;
            case "hasOrders":
                conditions.Check(bool.TryParse(value, out var any), "true or false is expected.")?.Add(any ? "c.orderCount > 0" : "c.orderCount = 0");
                return true;
            default:
                return false;
        }
    }

    private void Amount(Conditions conditions, string op, string value)
    {
        try
        {
            var isAmount = decimal.TryParse(value, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var amount);
            conditions.Check(isAmount, "An amount is expected, such as 99.95.")?.Add($"c.totalSpend {op} {{0}}", Money.ToMinor(amount, workspace.Value.Currency));
        }
        catch (OverflowException)
        {
            conditions.Wrong = "That many digits are no amount.";
        }
    }

    private static void Time(Conditions conditions, string path, bool isLower, string value)
    {
        if (DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day < DateOnly.MaxValue)
        {
            var from = new DateTimeOffset(isLower ? day : day.AddDays(1), default, TimeSpan.Zero);
            conditions.Add($"{path} {(isLower ? ">=" : "<")} {{0}}", UtcTimeConverter.Write(from));
        }
        else
        {
            // A bare + of an offset is a space here.
            DateTimeOffset time = default;
            var isTime = value.Contains('T', StringComparison.Ordinal) && DateTimeOffset.TryParse(
                value.Replace(' ', '+'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
            conditions.Check(isTime, "A date or a time in ISO 8601 is expected, such as 2026-01-31 or 2026-01-31T08:15:00Z.")
                ?.Add($"{path} {(isLower ? ">=" : "<=")} {{0}}", UtcTimeConverter.Write(time));
        }
    }

    private static string? Attribute(Conditions conditions, AttributeTypes types, string key, string value)
    {
        if (types.TypeOf(key) is not { } type)
        {
            return "There is no such attribute; GET /api/customers/attributes lists them.";
        }

        if (AttributeValues.Normalize(type, JsonSerializer.SerializeToElement(value), fromText: true, out var problem) is not { } stored)
        {
            return problem;
        }

        // A key is letters, digits, '_' and '-': it needs no escape.
        var path = $"c.attributes[\"{key}\"]";
        conditions.Add(type == AttributeType.String ? $"StringEquals({path}, {{0}}, true)" : $"{path} = {{0}}", stored.ValueKind switch
        {
            JsonValueKind.Number => stored.GetDouble(),
            JsonValueKind.True or JsonValueKind.False => stored.GetBoolean(),
            _ => stored.GetString()!,
        });
        return null;
    }

    private sealed class Conditions
    {
        private readonly List<string> terms = [];
        private readonly Dictionary<string, object?> parameters = [];

        /// <summary>What is wrong with the value that was read last.</summary>
        public string? Wrong { get; set; }

        public void Add(string format, params object[] values)
        {
            var names = new object[values.Length];
            for (var i = 0; i < values.Length; i++)
            {
                names[i] = $"@f{parameters.Count}";
                parameters.Add((string)names[i], values[i]);
            }

            terms.Add(string.Format(CultureInfo.InvariantCulture, format, names));
        }

        public Conditions? Check(bool isRight, string message)
        {
            Wrong = isRight ? null : message;
            return isRight ? this : null;
        }

        public CustomerFilter ToFilter() => terms.Count == 0 ? CustomerFilter.All : new(string.Join(" AND ", terms), parameters);
    }
}
