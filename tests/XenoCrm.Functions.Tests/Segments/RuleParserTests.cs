using System.Text.Json;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

public sealed class RuleParserTests
{
    [Theory]
    [InlineData("""{ "field": "totalspend", "operator": ">", "value": 1 }""", "/field")]
    [InlineData("""{ "field": "rfm.score", "operator": "=", "value": 5 }""", "/field")]
    [InlineData("""{ "field": "rfm.segment", "operator": "=", "value": "Winners" }""", "/value")]
    [InlineData("""{ "field": "consent.fax", "operator": "null" }""", "/field")]
    [InlineData("""{ "field": "categories.count", "operator": "null" }""", "/field")]
    [InlineData("""{ "field": "categories..count", "operator": "null" }""", "/field")]
    [InlineData("""{ "field": "categories.x.total", "operator": "null" }""", "/field")]
    [InlineData("""{ "field": "attributes.", "operator": "null" }""", "/field")]
    [InlineData("""{ "field": 5, "operator": "null" }""", "/field")]
    [InlineData("""{ "field": "city", "operator": "==", "value": "x" }""", "/operator")]
    [InlineData("""{ "field": "city", "operator": "toString", "value": "x" }""", "/operator")]
    [InlineData("""{ "field": "city", "value": "x" }""", "/operator")]
    [InlineData("""{ "field": "city", "operator": "<", "value": "x" }""", "/operator")]
    [InlineData("""{ "field": "totalSpend", "operator": "contains", "value": "1" }""", "/operator")]
    [InlineData("""{ "field": "segments", "operator": "null" }""", "/operator")]
    [InlineData("""{ "field": "city", "operator": "=", "value": 5 }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "=", "value": "" }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "=", "value": null }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "=" }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "in", "value": "a,b" }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "in", "value": [] }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "in", "value": ["a", 5] }""", "/value/1")]
    [InlineData("""{ "field": "totalSpend", "operator": ">", "value": "10000" }""", "/value")]
    [InlineData("""{ "field": "totalSpend", "operator": ">", "value": 1e400 }""", "/value")]
    [InlineData("""{ "field": "totalSpend", "operator": ">", "value": 1e20 }""", "/value")]
    [InlineData("""{ "field": "visits", "operator": ">", "value": true }""", "/value")]
    [InlineData("""{ "field": "visits", "operator": "between", "value": [1] }""", "/value")]
    [InlineData("""{ "field": "visits", "operator": "between", "value": [2, 1] }""", "/value")]
    [InlineData("""{ "field": "visits", "operator": "=", "value": [2] }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "90 days" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "P0D" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "P" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "PT" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "P1DT" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "-P1D" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "P1.5D" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "P999999999Y" }""", "/value")]
    [InlineData("""{ "field": "lastOrderAt", "operator": "inLast", "value": "P99999999999999999999D" }""", "/value")]
    [InlineData("""{ "field": "birthday", "operator": "anniversaryWithin", "value": "P13M" }""", "/value")]
    [InlineData("""{ "field": "birthday", "operator": "=", "value": "2026-01-31T08:15:00Z" }""", "/value")]
    [InlineData("""{ "field": "birthday", "operator": "=", "value": "2023-02-29" }""", "/value")]
    [InlineData("""{ "field": "createdAt", "operator": "before", "value": "31.01.2026" }""", "/value")]
    [InlineData("""{ "field": "createdAt", "operator": "before", "value": "9999-01-01" }""", "/value")]
    [InlineData("""{ "field": "createdAt", "operator": "between", "value": ["2026-02-01", "2026-01-01"] }""", "/value")]
    [InlineData("""{ "field": "consent.email", "operator": "=", "value": "maybe" }""", "/value")]
    [InlineData("""{ "field": "attributes.x", "operator": "=", "value": {} }""", "/value")]
    [InlineData("""{ "field": "attributes.x", "operator": "=", "value": [true] }""", "/value")]
    [InlineData("""{ "field": "attributes.x", "operator": "in", "value": [true] }""", "/value")]
    [InlineData("""{ "field": "attributes.x", "operator": "in", "value": ["a", 1] }""", "/value")]
    [InlineData("""{ "field": "attributes.x", "operator": "<", "value": "abc" }""", "/value")]
    [InlineData("""{ "field": "attributes.x", "operator": "<", "value": true }""", "/value")]
    [InlineData("""{ "field": "city", "operator": "=", "value": "lastName", "valueSource": "field" }""", "/valueSource")]
    [InlineData("""{ "field": "city", "operator": "=", "value": "x", "Value": "y" }""", "")]
    [InlineData("\"and\"", "")]
    [InlineData("""{ "combinator": "xor", "rules": [ { "field": "city", "operator": "null" } ] }""", "/combinator")]
    [InlineData("""{ "combinator": "and", "rules": [] }""", "/rules")]
    [InlineData("""{ "combinator": "and", "rules": {} }""", "/rules")]
    [InlineData("""{ "combinator": "and" }""", "/rules")]
    [InlineData("""{ "combinator": "and", "not": "yes", "rules": [ { "field": "city", "operator": "null" } ] }""", "/not")]
    public void What_cannot_be_evaluated_is_refused_where_it_is(string part, string pointer)
    {
        var rule = $$"""{ "combinator": "and", "rules": [ { "field": "city", "operator": "notNull" }, {{part}} ] }""";
        var errors = Refused(rule);
        errors.Keys.ShouldBe(["/rule/rules/1" + pointer]);
        errors.Values.Single().Single().ShouldNotBeNullOrWhiteSpace();
    }

    [Theory]
    [InlineData("""{ "field": "\ud800", "operator": "null" }""")]
    [InlineData("""{ "field": "city", "operator": "=", "value": "\udc00" }""")]
    [InlineData("""{ "field": "city", "operator": "null", "id": { "\ud800": 1 } }""")]
    public void Half_a_surrogate_pair_is_refused(string part) =>
        Refused($$"""{ "combinator": "and", "rules": [ {{part}} ] }""").Keys.ShouldBe(["/rule"]);

    [Fact]
    public void Several_errors_are_told_at_once()
    {
        var errors = Refused("""
            { "combinator": "and", "rules": [
              { "field": "x", "operator": "=", "value": 1 },
              { "combinator": "or", "rules": [ { "field": "city", "operator": "=", "value": 1 }, { "field": "city", "operator": "?", "value": 1 } ] } ] }
            """);
        errors.Keys.ShouldBe(["/rule/rules/0/field", "/rule/rules/1/rules/0/value", "/rule/rules/1/rules/1/operator"]);
    }

    [Fact]
    public void Eight_levels_are_read_and_nine_are_not()
    {
        Rules.Parse(Nested(8)).Holds(Rules.Customer(c => c with { City = "Bern" })).ShouldBeTrue();
        Refused(Nested(9), "segment.rule_too_deep").Keys.ShouldBe(["/rule" + string.Concat(Enumerable.Repeat("/rules/0", 8))]);
    }

    [Fact]
    public void Two_hundred_rules_are_read_and_one_more_is_not()
    {
        Rules.Parse(Many(200)).Holds(Rules.Customer(c => c with { City = "Bern" })).ShouldBeTrue();
        Refused(Many(201), "segment.rule_too_large").Keys.ShouldBe(["/rule/rules/200"]);
        Refused(Many(5000), "segment.rule_too_large").Count.ShouldBe(1);
    }

    [Fact]
    public void The_values_of_all_lists_are_limited_together()
    {
        var list = $"[{string.Join(",", Enumerable.Range(0, 500).Select(i => $"\"{i}\""))}]";
        string Rule(int lists) => $$"""{ "combinator": "or", "rules": [ {{string.Join(",", Enumerable.Repeat($$"""{ "field": "city", "operator": "in", "value": {{list}} }""", lists))}} ] }""";
        Rules.Parse(Rule(4)).Holds(Rules.Customer(c => c with { City = "499" })).ShouldBeTrue();
        Refused(Rule(5)).Keys.ShouldBe(["/rule/rules/4/value"]);
    }

    [Fact]
    public void What_the_query_builder_keeps_for_itself_is_skipped() => Rules.Parse("""
        { "id": "g1", "combinator": "and", "not": false, "path": [], "disabled": false, "rules": [
          { "id": "r1", "field": "city", "operator": "=", "value": "Bern", "valueSource": "value", "path": [0] } ] }
        """).Holds(Rules.Customer(c => c with { City = "Bern" })).ShouldBeTrue();

    [Fact]
    public void Names_with_quotes_stay_names()
    {
        var customer = Rules.Customer(c => c with { Attributes = Rules.Attributes("""{ "x\"] = 1 OR true --": "a" }""") });
        Rules.One("""attributes.x"] = 1 OR true --""", "=", "\"a\"").Holds(customer).ShouldBeTrue();
        Rules.One("""attributes.x"] = 1 OR true --""", "=", "\"b\"").Holds(customer).ShouldBeFalse();
        Rules.One("city", "=", "\"' OR true --\"").Holds(customer).ShouldBeFalse();
    }

    [Fact]
    public void A_rule_says_what_it_depends_on()
    {
        Rules.One("createdAt", "inLast", "\"P1D\"").DependsOnClock.ShouldBeTrue();
        Rules.One("birthday", "anniversaryWithin", "\"P1D\"").DependsOnClock.ShouldBeTrue();
        Rules.One("createdAt", "before", "\"2026-01-01\"").DependsOnClock.ShouldBeFalse();
        Rules.One("segments", "in", "[\"a\", \"b\", \"a\"]").Segments.ShouldBe(["a", "b"]);
    }

    [Fact]
    public void The_catalogue_shows_every_field_with_its_operators()
    {
        var fields = FieldView.AllOf(Rules.Catalogue);
        fields.Select(f => f.Name).ShouldBeUnique();
        fields.Count.ShouldBe(44);
        fields.ShouldAllBe(f => f.Label.Length > 0 && f.Operators.Count > 3);
        fields.Single(f => f.Name == "consent.sms").Values.ShouldBe(["granted", "withdrawn"]);
        fields.Single(f => f.Name == "categories.<name>.spend").Type.ShouldBe(FieldType.Money);
        fields.SelectMany(f => f.Operators).Distinct().Count().ShouldBe(21);
        foreach (var field in fields)
        {
            field.Examples.Keys.Concat(["null", "notNull"]).Intersect(field.Operators).ShouldBe(field.Operators, ignoreOrder: true);
            foreach (var (op, example) in field.Examples)
            {
                Rules.One(field.Name, op, example.GetRawText());
            }
        }
    }

    [Fact]
    public void Templates_are_rules()
    {
        SegmentTemplate.All.Select(t => t.Key).ShouldBe(
            ["vip", "new", "at-risk", "rfm-champions", "rfm-loyal", "rfm-potential-loyalists", "rfm-promising", "rfm-need-attention", "rfm-cannot-lose", "rfm-hibernating"]);
        RfmScores.Names.Except(SegmentTemplate.All.SelectMany(t => RfmScores.Names.Where(n => t.Rule.GetRawText().Contains(JsonSerializer.Serialize(n), StringComparison.Ordinal)))).ShouldBeEmpty();
        foreach (var template in SegmentTemplate.All)
        {
            Rules.Parser.Parse(template.Rule).Holds(Rules.Customer()).ShouldBe(template.Key == "new");
        }
    }

    private static IReadOnlyDictionary<string, string[]> Refused(string rule, string code = "segment.rule_invalid")
    {
        var problem = Should.Throw<ProblemException>(() => Rules.Parser.Parse(JsonElement.Parse(rule))).Problem;
        problem.Code.ShouldBe(code);
        problem.Status.ShouldBe(400);
        return problem.Errors.ShouldNotBeNull();
    }

    private static string Nested(int levels) =>
        string.Concat(Enumerable.Repeat("""{ "combinator": "and", "rules": [ """, levels)) + """{ "field": "city", "operator": "notNull" }""" + string.Concat(Enumerable.Repeat(" ] }", levels));

    private static string Many(int rules) =>
        $$"""{ "combinator": "or", "rules": [ {{string.Join(",", Enumerable.Repeat("""{ "field": "city", "operator": "notNull" }""", rules))}} ] }""";
}
