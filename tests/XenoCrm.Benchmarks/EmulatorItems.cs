using System.Text;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Benchmarks;

/// <summary>Items of 1 KB as stored, and what is asked of them. Item i is the same in every run.</summary>
internal static class EmulatorItems
{
    /// <summary>The system properties that the store adds.</summary>
    private const int SystemBytes = 217;
    private const int Bytes = 1024 - SystemBytes;
    private const int PerKey = 100;

    private static readonly string[] Countries = ["IN", "US", "DE", "BR", "JP"];
    private static readonly string Filler = string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog ", 20));

    /// <summary>Three conditions that a fifth, a half and a half of the items meet: on indexed paths, and on paths the policy leaves out.</summary>
    public const string CountByIndex = "SELECT VALUE COUNT(1) FROM c WHERE c.country = 'DE' AND c.spend > 500 AND c.visits >= 10";
    public const string CountByScan = "SELECT VALUE COUNT(1) FROM c WHERE c.region = 'DE' AND c.points > 500 AND c.logins >= 10";
    public const string ByEmail = "SELECT * FROM c WHERE c.email = @email";

    public static ContainerProperties Container { get; } = new("items", "/pk")
    {
        IndexingPolicy = new IndexingPolicy
        {
            IncludedPaths = { new() { Path = "/country/?" }, new() { Path = "/spend/?" }, new() { Path = "/visits/?" }, new() { Path = "/email/?" } },
            ExcludedPaths = { new() { Path = "/*" } },
        },
    };

    public static string Id(int i) => $"item-{i:d8}";

    public static PartitionKey Key(int i) => new(KeyText(i));

    public static string Email(int i) => $"person.{i}@example.com";

    public static (string Country, int Spend, int Visits) Values(int i)
    {
        var hash = (uint)i * 2654435761u;
        hash ^= hash >> 15;
        return (Countries[hash % 5], (int)(hash / 5 % 1000), (int)(hash / 5000 % 20));
    }

    public static bool Matches((string Country, int Spend, int Visits) v) => v is { Country: "DE", Spend: > 500, Visits: >= 10 };

    /// <param name="round">Another one makes another item under the same id.</param>
    public static byte[] Json(int i, int round = 0)
    {
        var (country, spend, visits) = Values(i);
        var text = $$"""{"id":"{{Id(i)}}","pk":"{{KeyText(i)}}","email":"{{Email(i)}}","country":"{{country}}","spend":{{spend}},"visits":{{visits}},"region":"{{country}}","points":{{spend}},"logins":{{visits}},"round":{{round}},"name":{"given":"Person","family":"Number {{i}}"},"tags":["a","b","c"],"note":" """;
        return Encoding.UTF8.GetBytes(text.AsSpan(0, text.Length - 1).ToString() + Filler[..(Bytes - text.Length - 1)] + "\"}");
    }

    public static MemoryStream Stream(int i, int round = 0) => new(Json(i, round), writable: false);

    private static string KeyText(int i) => $"key-{i / PerKey}";
}
