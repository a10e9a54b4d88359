using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <summary>A seeded population with the habits of a shop's customers, and the words that it gives a sentence to speak of.</summary>
internal static class Town
{
    /// <summary>A Tuesday.</summary>
    public static readonly DateTimeOffset Now = new(2026, 9, 15, 10, 0, 0, TimeSpan.Zero);

    public static readonly string[] FirstNames = ["Anna", "Maria", "Lukas", "Ravi", "Priya", "Zbigniew", "Chloé", "Oliver", "Ingeborg", "Matteo"];
    public static readonly string[] LastNames = ["Kowalczyk", "Featherstonehaugh", "Müller", "Chatterjee", "Desrosiers", "O'Sullivan", "Patel", "Huber"];

    private static readonly (string City, string? Region, string Country, string Language)[] Homes =
    [
        ("Berlin", "Berlin", "DE", "de-DE"), ("Berlin", "Berlin", "DE", "en-GB"), ("Munich", "Bavaria", "DE", "de-DE"), ("Hamburg", "Hamburg", "DE", "de-DE"), ("Vienna", "Vienna", "AT", "de-AT"), ("Graz", "Styria", "AT", "de-AT"),
        ("Zurich", "ZH", "CH", "de-CH"), ("Geneva", "GE", "CH", "fr-CH"), ("Paris", "Île-de-France", "FR", "fr-FR"), ("Lyon", "Rhône", "FR", "fr-FR"), ("London", "England", "GB", "en-GB"), ("Manchester", "England", "GB", "en-GB"),
        ("Mumbai", "Maharashtra", "IN", "hi-IN"), ("Pune", "Maharashtra", "IN", "hi-IN"), ("Pune", "Maharashtra", "IN", "en-IN"), ("Delhi", "Delhi", "IN", "hi-IN"), ("Bangalore", "Karnataka", "IN", "en-IN"),
        ("New York", "New York", "US", "en-US"), ("Austin", "Texas", "US", "en-US"), ("San Francisco", "California", "US", "en-US"),
    ];

    private static readonly string[] CategoryNames = ["Shoes", "Electronics", "Books", "Bags", "Home & Garden", "Toys", "Sports", "Beauty", "Groceries"];
    private static readonly string[] TagNames = ["vip", "wholesale", "gold", "b2b", "influencer"];
    private static readonly string[] Colors = ["blue", "green", "red", "black"];

    public static readonly IReadOnlyDictionary<string, AttributeDefinition> Attributes = new Dictionary<string, AttributeDefinition>
    {
        ["plan"] = new(AttributeType.String, null, Now, true),
        ["loyaltyPoints"] = new(AttributeType.Number, "Loyalty points", Now, true),
        ["newsletter"] = new(AttributeType.Boolean, null, Now, true),
        ["renewalDate"] = new(AttributeType.Date, null, Now, true),
        ["shoeSize"] = new(AttributeType.Number, "Shoe size", Now, true),
        ["favouriteColor"] = new(AttributeType.String, "Favourite color", Now, true),
    };

    public static IReadOnlyList<Customer> Customers { get; } = [.. Enumerable.Range(0, 4000).Select(i => Of(i))];

    public static Vocabulary Vocabulary { get; } = new(Customers.Take(1000), Attributes, [("Summer fans", new string('5', 32))]);

    public static RuleParser Parser { get; } = new(new RuleCatalogue(Options.Create(new WorkspaceOptions())));

    private static Customer Of(int i)
    {
        var random = new Random(i * 7919);
        bool Chance(double p) => random.NextDouble() < p;
        T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];
        DateTimeOffset Ago(double days) => Now.AddMinutes(-(int)(days * 24 * 60));

        var home = Pick(Homes);
        var created = Ago(Math.Pow(random.NextDouble(), 1.5) * 1500);
        var age = (Now - created).TotalDays;
        var orders = Chance(0.2) ? 0 : 1 + (int)(Math.Pow(random.NextDouble(), 3) * 18);

        // Half of those with orders bought lately: windows of days and of years must both cut somewhere.
        DateTimeOffset? last = orders == 0 ? null : Ago(Math.Min(age, Chance(0.5) ? random.NextDouble() * 120 : random.NextDouble() * 900));
        DateTimeOffset? first = orders == 0 ? null : orders == 1 ? last : created + ((last!.Value - created) * random.NextDouble());
        var categories = new Dictionary<string, CategoryTotals>();
        long spend = 0;
        var wholesale = Chance(0.03) ? 60 : 1;
        for (var left = orders; left > 0;)
        {
            var count = random.Next(1, left + 1);
            var amount = count * wholesale * (long)(Math.Exp(2.5 + (random.NextDouble() * 4)) * 100);
            if (categories.TryAdd(Pick(CategoryNames), new(count, amount, Ago(Math.Max(0, (Now - last!.Value).TotalDays) + (Chance(0.4) ? 0 : random.NextDouble() * 400)))))
            {
                spend += amount;
                left -= count;
            }
        }

        var visits = random.Next(0, 30) * (Chance(0.3) ? 0 : 1);
        DateTimeOffset? lastVisit = visits == 0 ? null : Chance(0.02) ? Ago(0.5 + random.NextDouble()) : Ago(Math.Min(age, random.NextDouble() * 400));
        var delivered = random.Next(0, 16);
        var opened = random.Next(0, delivered + 1);
        var clicked = Chance(0.5) ? 0 : random.Next(0, opened + 1);
        var attributes = new Dictionary<string, JsonElement>();
        void Attribute(string key, object value) => attributes[key] = JsonSerializer.SerializeToElement(value);
        if (Chance(0.8))
        {
            Attribute("plan", Pick(["basic", "basic", "premium"]));
            Attribute("loyaltyPoints", random.Next(0, 1500));
            Attribute("renewalDate", DateOnly.FromDateTime(Now.UtcDateTime).AddDays(random.Next(-100, 300)).ToString("yyyy-MM-dd"));
        }

        if (Chance(0.6))
        {
            Attribute("newsletter", Chance(0.5));
            Attribute("shoeSize", random.Next(36, 46));
            Attribute("favouriteColor", Pick(Colors));
            Attribute("street", $"{Pick(LastNames)} Lane {i}");
        }

        var (r, f, m) = (random.Next(1, 6), random.Next(1, 6), random.Next(1, 6));
        var (firstName, lastName) = (Pick(FirstNames), Pick(LastNames));
        return new()
        {
            Id = $"{i:x32}", ExternalId = $"C-{i}", CreatedAt = created, UpdatedAt = created, FirstName = firstName, LastName = lastName,
            Email = Chance(0.85) ? $"{firstName}.{i}@{Pick(["gmail.com", "example.com", "mail.test"])}".ToLowerInvariant() : null, Phone = Chance(0.7) ? $"+4179{i:0000000}" : null, PhoneUsable = true,
            City = Chance(0.95) ? home.City : null, Region = home.Region, Country = home.Country, Language = Chance(0.9) ? home.Language : null, Company = Chance(0.2) ? Pick(["Acme", "Globex"]) : null,
            Birthday = Chance(0.7) ? DateOnly.FromDateTime(Now.UtcDateTime).AddDays(-random.Next(18 * 365, 80 * 365)) : null, Tags = [.. TagNames.Where(_ => Chance(0.15))], Source = Pick(["import", "api", "shopify"]),
            Attributes = attributes, Consent = RuleCatalogue.Channels.Where(_ => Chance(0.7)).ToDictionary(c => c, _ => new Consent(Chance(0.75) ? ConsentState.Granted : ConsentState.Withdrawn, created, "api")),
            OrderCount = orders, TotalSpend = spend, AverageOrderValue = orders == 0 ? null : spend / orders, FirstOrderAt = first, LastOrderAt = last, Visits = visits, LastVisitAt = lastVisit,
            LastActiveAt = last > lastVisit || lastVisit is null ? last ?? lastVisit : lastVisit, Categories = categories,
            Engagement = new() { Sent = delivered, Delivered = delivered, Opened = opened, Clicked = clicked, LastOpenedAt = opened == 0 ? null : Ago(random.NextDouble() * 300), LastClickedAt = clicked == 0 ? null : Ago(random.NextDouble() * 300) },
            Rfm = orders == 0 ? null : new(r, f, m, RfmScores.NameOf(r, f, m), Now),
        };
    }
}
