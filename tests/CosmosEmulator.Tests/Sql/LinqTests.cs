using System.Text.Json;
using Microsoft.Azure.Cosmos;
using Microsoft.Azure.Cosmos.Linq;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>
/// What the SDK's LINQ provider writes, run by the engine, against LINQ to objects over the same items. No server is needed:
/// the SDK translates without one.
/// </summary>
public sealed class LinqTests
{
    public sealed record Pet(string Name, int Age);

    public sealed record Doc(string Id, int N, double Price, string Name, bool Active, string[] Tags, Pet[] Pets, Pet? Best, DateTime Created, int? Maybe);

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    private static readonly Doc[] Docs = [.. Enumerable.Range(0, 30).Select(i => new Doc(
        $"d{i:00}", i, i * 1.25, i % 3 == 0 ? $"Anna {i}" : $"bert {i}", i % 2 == 0, i % 4 == 0 ? [] : [$"t{i % 5}", "all"],
        [.. Enumerable.Range(0, i % 3).Select(p => new Pet($"pet{p}", p + (i % 7)))], i % 5 == 0 ? null : new Pet($"best{i % 4}", i),
        new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(i), i % 6 == 0 ? null : i * 2))];

    private static readonly (string Name, Func<IQueryable<Doc>, IQueryable<object>> Build)[] Queries =
    [
        ("comparisons", q => q.Where(d => d.N >= 5 && d.N < 10 || d.Price == 25).Select(d => (object)d.Id)),
        ("not equal", q => q.Where(d => d.N != 3 && !d.Active).Select(d => (object)d.Id)),
        ("boolean", q => q.Where(d => d.Active).Select(d => (object)d.Id)),
        ("strings", q => q.Where(d => d.Name.StartsWith("Anna") || d.Name.EndsWith("7") || d.Name.Contains("rt 2")).Select(d => (object)d.Id)),
        ("ignoring case", q => q.Where(d => d.Name.StartsWith("ANNA", StringComparison.OrdinalIgnoreCase)).Select(d => (object)d.Id)),
        ("functions of strings", q => q.Where(d => d.Name.ToUpper().Substring(0, 4) == "BERT" && d.Name.IndexOf("2") >= 0).Select(d => (object)d.Name.Replace("e", "_"))),
        ("concatenation", q => q.Select(d => (object)(d.Id + "-" + d.Name))),
        ("math", q => q.Where(d => Math.Floor(d.Price) > 30 && Math.Abs(d.N - 27) < 2).Select(d => (object)Math.Round(d.Price * 2))),
        ("arithmetic", q => q.Where(d => d.N % 3 == 1 && d.N / 2.0 > 3).Select(d => (object)(d.N * 2 + 1))),
        ("member of a list", q => q.Where(d => new[] { "d01", "d05", "zz" }.Contains(d.Id)).Select(d => (object)d.Id)),
        ("array contains", q => q.Where(d => d.Tags.Contains("t3")).Select(d => (object)d.Id)),
        ("any", q => q.Where(d => d.Pets.Any(p => p.Age > 5)).Select(d => (object)d.Id)),
        ("any without condition", q => q.Where(d => d.Pets.Any()).Select(d => (object)d.Id)),
        ("count of a list", q => q.Where(d => d.Pets.Count() == 2).Select(d => (object)d.Id)),
        ("nested", q => q.Where(d => d.Best != null && d.Best.Age > 20).Select(d => (object)d.Best!.Name)),
        ("null", q => q.Where(d => d.Best == null).Select(d => (object)d.Id)),
        ("nullable", q => q.Where(d => d.Maybe.HasValue && d.Maybe > 40).Select(d => (object)d.Id)),
        ("coalesce", q => q.Where(d => (d.Maybe ?? -1) < 5 && d.Maybe != null).Select(d => (object)d.Id)),
        ("dates", q => q.Where(d => d.Created >= new DateTime(2024, 1, 28, 0, 0, 0, DateTimeKind.Utc)).Select(d => (object)d.Id)),
        ("conditional", q => q.Select(d => (object)(d.N > 15 ? "big" : "small"))),
        ("objects", q => q.Where(d => d.N < 3).Select(d => (object)new { d.Id, Twice = d.N * 2, Inner = new { d.Name } })),
        ("arrays", q => q.Where(d => d.N < 3).Select(d => (object)new[] { d.N, d.N + 1 })),
        ("select many", q => q.SelectMany(d => d.Tags).Select(t => (object)t)),
        ("select many with both", q => q.SelectMany(d => d.Pets.Where(p => p.Age > 4).Select(p => (object)new { d.Id, p.Name }))),
        ("order", q => q.OrderByDescending(d => d.N).Select(d => (object)d.Id)),
        ("order by two", q => q.OrderBy(d => d.Active).ThenByDescending(d => d.N).Select(d => (object)d.Id)),
        ("skip and take", q => q.OrderBy(d => d.Name).Skip(4).Take(7).Select(d => (object)d.Id)),
        ("take", q => q.OrderBy(d => d.N).Take(3).Select(d => (object)d.N)),
        ("distinct", q => q.Select(d => (object)d.Active).Distinct()),
        ("is defined", q => q.Where(d => d.Best.IsDefined() && d.Id.IsString()).Select(d => (object)d.Id)),
    ];

    public static TheoryData<string> Names() => [.. Queries.Select(q => q.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Linq_gives_what_it_gives_over_objects(string name)
    {
        var build = Queries.Single(q => q.Name == name).Build;
        using var client = new CosmosClient("http://127.0.0.1:1/", Convert.ToBase64String("key"u8), new CosmosClientOptions { ConnectionMode = ConnectionMode.Gateway });
        var camelCase = new CosmosLinqSerializerOptions { PropertyNamingPolicy = CosmosPropertyNamingPolicy.CamelCase };
        var sql = build(client.GetContainer("db", "c").GetItemLinqQueryable<Doc>(allowSynchronousQueryExecution: true, linqSerializerOptions: camelCase)).ToQueryDefinition().QueryText;

        var expected = name == "is defined"
            ? Docs.Select(d => (object)d.Id).ToList()
            : [.. build(Docs.AsQueryable())];
        var items = Docs.Select(d => JsonSerializer.Serialize(d, Options)).ToList();
        foreach (var indexed in new[] { false, true })
        {
            var source = new MemorySource(items, _ => indexed);
            source.Composites.Add([("/active", false), ("/n", true)]);
            var actual = JsonSerializer.Deserialize<List<JsonElement>>(Run.Query(sql, source, pageSize: 4))!;
            actual.Select(Normal).ShouldBe(expected.Select(e => Normal(JsonSerializer.SerializeToElement(e, Options))), sql);
        }
    }

    /// <summary>1 and 1.0 are one number.</summary>
    private static string Normal(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble().ToString("R") : value.GetRawText();
}
