using System.Text.Json;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Benchmarks;

/// <summary>Customers as the app stores them, and segments over them. Customer i is the same in every run.</summary>
internal static class SegmentCustomers
{
    public static readonly DateTimeOffset Now = new(2026, 8, 31, 12, 0, 0, TimeSpan.Zero);

    /// <summary>An amount, a choice of texts and a time: a seventh of all customers.</summary>
    public const string Rule = """
        { "combinator": "and", "rules": [
          { "field": "totalSpend", "operator": ">", "value": 200 },
          { "field": "country", "operator": "in", "value": ["DE", "AT", "CH"] },
          { "field": "lastOrderAt", "operator": "inLast", "value": "P180D" } ] }
        """;

    private static readonly string[] Countries = ["DE", "CH", "AT", "US", "IN", "BR"];
    private static readonly string[] Cities = ["Berlin", "Zürich", "Wien", "Boston", "Pune", "Recife", "Bern", "Graz"];
    private static readonly string[] Categories = ["Books", "Shoes", "Garden", "Music"];

    /// <summary>Six kinds of two comparisons each, over the fields that rules ask most.</summary>
    private static readonly string[] Shapes =
    [
        """{ "field": "totalSpend", "operator": ">", "value": 1000 }, { "field": "orderCount", "operator": ">=", "value": 5 }""",
        """{ "field": "city", "operator": "=", "value": "zürich" }, { "field": "country", "operator": "in", "value": ["DE", "AT", "CH"] }""",
        """{ "field": "lastOrderAt", "operator": "inLast", "value": "P6M" }, { "field": "lastActiveAt", "operator": "notInLast", "value": "P90D" }""",
        """{ "field": "tags", "operator": "contains", "value": "VIP" }, { "field": "consent.email", "operator": "=", "value": "granted" }""",
        """{ "field": "categories.Books.spend", "operator": ">", "value": 50 }, { "field": "attributes.points", "operator": "between", "value": [100, 200] }""",
        """{ "field": "rfm.segment", "operator": "=", "value": "Champions" }, { "field": "firstName", "operator": "contains", "value": "nn" }""",
    ];

    public static string Id(int i) => $"{i:x32}";

    public static IEnumerable<string> Fifty() => Enumerable.Range(0, 50).Select(i => $$"""{ "combinator": "and", "rules": [ {{Shapes[i % Shapes.Length]}} ] }""");

    public static Customer Of(int i)
    {
        var random = new Random(i);
        var orders = random.Next(4) == 0 ? 0 : random.Next(1, 12);
        var spend = orders == 0 ? 0 : (long)(Math.Exp(random.NextDouble() * 5) * 1000 * orders);
        DateTimeOffset? last = orders == 0 ? null : Now.AddMinutes(-random.Next(60 * 24 * 720));
        return new Customer
        {
            Id = Id(i), ExternalId = $"C-{i}", FirstName = "Hannah", LastName = $"Number {i}", Email = $"person.{i}@example.com", Phone = $"+41446{i % 1_000_000:000000}", PhoneUsable = i % 5 != 0,
            City = Cities[random.Next(Cities.Length)], Country = Countries[random.Next(Countries.Length)], Language = "de-CH", TimeZone = "Europe/Zurich", Source = "import",
            Birthday = new DateOnly(1950, 1, 1).AddDays(random.Next(20_000)), Tags = random.Next(10) == 0 ? ["vip", "newsletter"] : ["newsletter"],
            Attributes = new Dictionary<string, JsonElement> { ["points"] = JsonSerializer.SerializeToElement(random.Next(1000)) },
            Consent = new Dictionary<string, Consent> { ["email"] = new(random.Next(8) == 0 ? ConsentState.Withdrawn : ConsentState.Granted, Now, "import") },
            CreatedAt = Now.AddMinutes(-random.Next(60 * 24 * 900)), UpdatedAt = Now, TotalSpend = spend, OrderCount = orders, AverageOrderValue = orders == 0 ? null : spend / orders,
            FirstOrderAt = last?.AddDays(-random.Next(300)), LastOrderAt = last, LastActiveAt = last, Visits = random.Next(40),
            Categories = orders == 0 ? new Dictionary<string, CategoryTotals>() : new Dictionary<string, CategoryTotals> { [Categories[random.Next(4)]] = new(orders, spend, last!.Value) },
        };
    }

    public static MemoryStream Stream(int i) => new(JsonSerializer.SerializeToUtf8Bytes(Of(i), Json.Options), writable: false);

    public static CompiledRule Compile(RuleParser parser, string rule) => parser.Parse(JsonElement.Parse(rule));
}
