using System.Text.Json;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Local.CosmosEmulator.Sql;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>Rules and customers for tests.</summary>
internal static class Rules
{
    public static readonly DateTimeOffset Now = new(2026, 8, 31, 12, 30, 15, 250, TimeSpan.Zero);

    public static RuleCatalogue Catalogue { get; } = new(Options.Create(new WorkspaceOptions()));

    public static RuleParser Parser { get; } = new(Catalogue);

    public static CompiledRule Parse(string json)
    {
        try
        {
            return Parser.Parse(JsonElement.Parse(json));
        }
        catch (ProblemException exception)
        {
            throw new InvalidOperationException($"{JsonSerializer.Serialize(exception.Problem.Errors)} {json}", exception);
        }
    }

    /// <summary>A rule with one comparison; the value is JSON.</summary>
    public static CompiledRule One(string field, string op, string value) => Parse(OneJson(field, op, value));

    public static string OneJson(string field, string op, string value) =>
        $$"""{ "combinator": "and", "rules": [ { "field": {{JsonSerializer.Serialize(field)}}, "operator": "{{op}}", "value": {{value}} } ] }""";

    public static Customer Customer(Func<Customer, Customer>? change = null)
    {
        var customer = new Customer { Id = "0198f0000000700080000000000000aa", CreatedAt = Now.AddDays(-10), UpdatedAt = Now.AddDays(-1) };
        return change is null ? customer : change(customer);
    }

    public static Dictionary<string, JsonElement> Attributes(string json) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;

    /// <summary>The ids that the emulator's SQL engine finds among stored customers.</summary>
    public static HashSet<string> Find(CustomerFilter filter, IQuerySource source)
    {
        var parameters = JsonSerializer.SerializeToUtf8Bytes(filter.Parameters.Select(p => new { name = p.Key, value = p.Value }), Json.Options);
        var query = CompiledQuery.Compile($"SELECT VALUE c.id FROM c WHERE c.type = 'customer' AND ({filter.Where})");
        var found = new HashSet<string>();
        string? continuation = null;
        do
        {
            var page = query.Execute(source, parameters, -1, continuation);
            found.UnionWith(page.Documents.Select(d => JsonSerializer.Deserialize<string>(d.Span)!));
            continuation = page.Continuation;
        }
        while (continuation is not null);
        return found;
    }

    /// <summary>Whether both back ends say so; fails when they differ.</summary>
    public static bool Holds(this CompiledRule rule, Customer customer, DateTimeOffset? now = null)
    {
        var moment = new Moment(now ?? Now);
        var matches = rule.Matches(customer, moment);
        var filter = rule.ToFilter(moment);
        Find(filter, new StoredCustomers([customer])).Contains(customer.Id).ShouldBe(matches, filter.Where);
        var tagged = customer with { SegmentIds = [.. customer.SegmentIds, "tag"] };
        var wrong = rule.ToFilterWrongTag("tag", moment);
        Find(wrong, new StoredCustomers([tagged])).Contains(customer.Id).ShouldBe(!matches, wrong.Where);
        return matches;
    }
}

/// <summary>Customers as Cosmos holds them, to be scanned.</summary>
internal sealed class StoredCustomers(IEnumerable<Customer> customers) : IQuerySource
{
    private readonly List<StoredItem> items = [.. customers.Select((c, i) => new StoredItem(i + 1, JsonSerializer.SerializeToUtf8Bytes(c, Json.Options)))];

    public int EstimatedCount => items.Count;

    public int? ExactCount => items.Count;

    public IReadOnlyList<StoredItem> All => items;

    public IEnumerable<StoredItem> Scan(long afterRid) => items.SkipWhile(i => i.Rid <= afterRid);

    public IEnumerable<StoredItem> ById(IReadOnlyList<string> ids) => items;

    public IEnumerable<StoredItem> ByIdRange(string? from, bool fromInclusive, string? to, bool toInclusive, bool descending) => items;

    public IIndex? FindIndex(string path) => null;

    public bool HasCompositeIndex(IReadOnlyList<(string Path, bool Descending)> paths) => false;

    public bool IsIncluded(string path) => true;

    public bool ShowsAllIndexed => true;

    public RidSet? NewRidSet() => null;

    IEnumerable<StoredItem> IQuerySource.Items(RidSet set) => items.Where(i => set.Contains(i.Rid));
}
