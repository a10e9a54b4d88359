using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>What each operator means for each type, in both back ends.</summary>
public sealed class RuleOperatorTests
{
    private static readonly Customer Anna = Rules.Customer(c => c with
    {
        FirstName = "Änne-Marie",
        City = "Zürich",
        Birthday = new DateOnly(1990, 9, 3),
        Tags = ["VIP", "newsletter"],
        SegmentIds = ["s1", "s2"],
        TotalSpend = 123_45,
        OrderCount = 3,
        AverageOrderValue = 41_15,
        Visits = 0,
        LastOrderAt = new(2026, 8, 1, 10, 0, 0, TimeSpan.Zero),
        Categories = new Dictionary<string, CategoryTotals> { ["Home & \"Garden\".x"] = new(2, 50_00, new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero)) },
        Consent = new Dictionary<string, Consent> { ["email"] = new(ConsentState.Granted, Rules.Now, "api") },
        Engagement = new() { Opened = 4, LastOpenedAt = new(2026, 8, 31, 12, 0, 0, TimeSpan.Zero) },
        Attributes = Rules.Attributes("""{ "size": "XL", "points": 12.5, "member": true, "renews": "2026-09-15", "seen": "2026-08-30T10:00:00.000Z", "odd": null, "list": [1] }"""),
    });

    [Theory]
    [InlineData("firstName", "=", "\"änne-marie\"", true)]
    [InlineData("firstName", "=", "\"Anne-Marie\"", false)]
    [InlineData("firstName", "!=", "\"ÄNNE-MARIE\"", false)]
    [InlineData("firstName", "!=", "\"Bea\"", true)]
    [InlineData("firstName", "in", "[\"bea\", \"ÄNNE-marie\"]", true)]
    [InlineData("firstName", "in", "[\"bea\"]", false)]
    [InlineData("firstName", "notIn", "[\"bea\", \"Änne-Marie\"]", false)]
    [InlineData("firstName", "notIn", "[\"bea\"]", true)]
    [InlineData("firstName", "contains", "\"NE-M\"", true)]
    [InlineData("firstName", "contains", "\"x\"", false)]
    [InlineData("firstName", "doesNotContain", "\"NE-M\"", false)]
    [InlineData("firstName", "doesNotContain", "\"x\"", true)]
    [InlineData("firstName", "beginsWith", "\"äN\"", true)]
    [InlineData("firstName", "beginsWith", "\"Marie\"", false)]
    [InlineData("firstName", "endsWith", "\"MARIE\"", true)]
    [InlineData("firstName", "endsWith", "\"Änne\"", false)]
    [InlineData("firstName", "null", "null", false)]
    [InlineData("firstName", "notNull", "\"\"", true)]
    [InlineData("consent.email", "=", "\"Granted\"", true)]
    [InlineData("consent.email", "!=", "\"granted\"", false)]
    [InlineData("consent.email", "in", "[\"withdrawn\"]", false)]
    [InlineData("consent.email", "notIn", "[\"withdrawn\"]", true)]
    [InlineData("consent.sms", "null", "null", true)]
    [InlineData("consent.sms", "=", "\"granted\"", false)]
    [InlineData("tags", "contains", "\"vip\"", true)]
    [InlineData("tags", "contains", "\"VI\"", false)]
    [InlineData("tags", "doesNotContain", "\"vip\"", false)]
    [InlineData("tags", "in", "[\"x\", \"NEWSLETTER\"]", true)]
    [InlineData("tags", "notIn", "[\"x\", \"NEWSLETTER\"]", false)]
    [InlineData("tags", "null", "null", false)]
    [InlineData("tags", "notNull", "null", true)]
    [InlineData("segments", "contains", "\"s1\"", true)]
    [InlineData("segments", "contains", "\"S1\"", false)]
    [InlineData("segments", "doesNotContain", "\"s3\"", true)]
    [InlineData("segments", "in", "[\"s3\", \"s2\"]", true)]
    [InlineData("segments", "notIn", "[\"s3\", \"s2\"]", false)]
    public void Text(string field, string op, string value, bool expected) => Check(field, op, value, expected);

    [Theory]
    [InlineData("totalSpend", "=", "123.45", true)]
    [InlineData("totalSpend", "=", "123.450", true)]
    [InlineData("totalSpend", "=", "123.451", false)]
    [InlineData("totalSpend", "!=", "123.45", false)]
    [InlineData("totalSpend", "<", "123.45", false)]
    [InlineData("totalSpend", "<", "123.451", true)]
    [InlineData("totalSpend", "<=", "123.45", true)]
    [InlineData("totalSpend", ">", "123.449", true)]
    [InlineData("totalSpend", ">", "123.45", false)]
    [InlineData("totalSpend", ">=", "123.45", true)]
    [InlineData("totalSpend", "between", "[123.45, 200]", true)]
    [InlineData("totalSpend", "between", "[124, 200]", false)]
    [InlineData("totalSpend", "notBetween", "[124, 200]", true)]
    [InlineData("totalSpend", "notBetween", "[123.45, 200]", false)]
    [InlineData("totalSpend", "in", "[1, 123.45]", true)]
    [InlineData("totalSpend", "notIn", "[1, 123.45]", false)]
    [InlineData("averageOrderValue", "<", "50", true)]
    [InlineData("visits", "=", "0", true)]
    [InlineData("visits", "notNull", "null", true)]
    [InlineData("orderCount", "between", "[3, 3]", true)]
    [InlineData("orderCount", "<", "3.5", true)]
    [InlineData("engagement.opened", ">=", "4", true)]
    [InlineData("categories.Home & \"Garden\".x.count", "=", "2", true)]
    [InlineData("categories.Home & \"Garden\".x.spend", ">=", "50", true)]
    [InlineData("categories.Home & \"Garden\".x.lastAt", "before", "\"2026-07-02\"", true)]
    [InlineData("categories.Books.count", "null", "null", true)]
    [InlineData("categories.Books.count", "<", "1", false)]
    public void Numbers_and_money(string field, string op, string value, bool expected) => Check(field, op, value, expected);

    [Theory]
    [InlineData("lastOrderAt", "=", "\"2026-08-01\"", true)]
    [InlineData("lastOrderAt", "=", "\"2026-08-01T10:00:00Z\"", true)]
    [InlineData("lastOrderAt", "=", "\"2026-08-01T12:00:00+02:00\"", true)]
    [InlineData("lastOrderAt", "=", "\"2026-08-01T10:00:00.001Z\"", false)]
    [InlineData("lastOrderAt", "!=", "\"2026-08-01\"", false)]
    [InlineData("lastOrderAt", "<", "\"2026-08-01\"", false)]
    [InlineData("lastOrderAt", "<", "\"2026-08-01T10:00:00.001Z\"", true)]
    [InlineData("lastOrderAt", "<=", "\"2026-08-01\"", true)]
    [InlineData("lastOrderAt", ">", "\"2026-08-01\"", false)]
    [InlineData("lastOrderAt", ">", "\"2026-07-31\"", true)]
    [InlineData("lastOrderAt", ">=", "\"2026-08-01\"", true)]
    [InlineData("lastOrderAt", "before", "\"2026-08-01\"", false)]
    [InlineData("lastOrderAt", "before", "\"2026-08-02\"", true)]
    [InlineData("lastOrderAt", "after", "\"2026-07-31T23:59Z\"", true)]
    [InlineData("lastOrderAt", "after", "\"2026-08-01\"", false)]
    [InlineData("lastOrderAt", "between", "[\"2026-07-01\", \"2026-08-01\"]", true)]
    [InlineData("lastOrderAt", "between", "[\"2026-08-02\", \"2026-08-03\"]", false)]
    [InlineData("lastOrderAt", "notBetween", "[\"2026-08-02\", \"2026-08-03\"]", true)]
    [InlineData("lastOrderAt", "notBetween", "[\"2026-07-01\", \"2026-08-01\"]", false)]
    [InlineData("lastOrderAt", "inLast", "\"P1M\"", true)]
    [InlineData("lastOrderAt", "inLast", "\"P30D\"", false)]
    [InlineData("lastOrderAt", "inLast", "\"P31D\"", true)]
    [InlineData("lastOrderAt", "notInLast", "\"P30D\"", true)]
    [InlineData("lastOrderAt", "notInLast", "\"P1M\"", false)]
    [InlineData("engagement.lastOpenedAt", "inLast", "\"PT1H\"", true)]
    [InlineData("engagement.lastOpenedAt", "inLast", "\"PT30M16S\"", true)]
    [InlineData("engagement.lastOpenedAt", "inLast", "\"PT30M\"", false)]
    [InlineData("lastVisitAt", "null", "null", true)]
    [InlineData("birthday", "=", "\"1990-09-03\"", true)]
    [InlineData("birthday", "!=", "\"1990-09-03\"", false)]
    [InlineData("birthday", "<", "\"1990-09-04\"", true)]
    [InlineData("birthday", "<=", "\"1990-09-03\"", true)]
    [InlineData("birthday", ">", "\"1990-09-02\"", true)]
    [InlineData("birthday", ">=", "\"1990-09-04\"", false)]
    [InlineData("birthday", "before", "\"1990-09-03\"", false)]
    [InlineData("birthday", "after", "\"1989-12-31\"", true)]
    [InlineData("birthday", "between", "[\"1990-09-03\", \"1990-09-03\"]", true)]
    [InlineData("birthday", "notBetween", "[\"1990-09-03\", \"1990-09-03\"]", false)]
    [InlineData("birthday", "inLast", "\"P50Y\"", true)]
    [InlineData("birthday", "notInLast", "\"P18Y\"", true)]
    [InlineData("birthday", "anniversaryWithin", "\"P3D\"", true)]
    [InlineData("birthday", "anniversaryWithin", "\"P2D\"", false)]
    public void Times(string field, string op, string value, bool expected) => Check(field, op, value, expected);

    [Theory]
    [InlineData("attributes.size", "=", "\"xl\"", true)]
    [InlineData("attributes.size", "!=", "5", true)]
    [InlineData("attributes.size", ">", "5", false)]
    [InlineData("attributes.size", "=", "true", false)]
    [InlineData("attributes.size", "before", "\"2030-01-01\"", false)]
    [InlineData("attributes.size", "notInLast", "\"P1D\"", true)]
    [InlineData("attributes.size", "notBetween", "[1, 2]", false)]
    [InlineData("attributes.size", "contains", "\"X\"", true)]
    [InlineData("attributes.size", "in", "[\"s\", \"xl\"]", true)]
    [InlineData("attributes.points", "=", "12.5", true)]
    [InlineData("attributes.points", "=", "\"12.5\"", false)]
    [InlineData("attributes.points", "between", "[12, 13]", true)]
    [InlineData("attributes.points", "in", "[1, 12.50]", true)]
    [InlineData("attributes.points", "notIn", "[\"a\"]", true)]
    [InlineData("attributes.points", "doesNotContain", "\"1\"", true)]
    [InlineData("attributes.member", "=", "true", true)]
    [InlineData("attributes.member", "!=", "true", false)]
    [InlineData("attributes.member", "=", "false", false)]
    [InlineData("attributes.renews", "after", "\"2026-09-14\"", true)]
    [InlineData("attributes.renews", "=", "\"2026-09-15\"", true)]
    [InlineData("attributes.renews", "inLast", "\"P1Y\"", false)]
    [InlineData("attributes.renews", "between", "[\"2026-09-15\", \"2026-09-15\"]", true)]
    [InlineData("attributes.seen", "inLast", "\"P2D\"", true)]
    [InlineData("attributes.seen", "<=", "\"2026-08-30\"", true)]
    [InlineData("attributes.odd", "null", "null", true)]
    [InlineData("attributes.odd", "=", "1", false)]
    [InlineData("attributes.list", "notNull", "null", true)]
    [InlineData("attributes.list", "=", "1", false)]
    [InlineData("attributes.list", "!=", "1", true)]
    [InlineData("attributes.none", "null", "null", true)]
    [InlineData("attributes.none", "!=", "\"x\"", true)]
    public void Attributes_of_any_type(string field, string op, string value, bool expected) => Check(field, op, value, expected);

    [Fact]
    public void A_missing_value_satisfies_null_and_the_negations_and_nothing_else()
    {
        var nobody = Rules.Customer();
        var checks = 0;
        foreach (var field in Rules.Catalogue.Fields.Where(f => !f.IsPresent(nobody)).Append(Rules.Catalogue.Find("attributes.x", out _)!).Append(Rules.Catalogue.Find("categories.x.spend", out _)!))
        {
            foreach (var op in field.Operators)
            {
                var expected = op is RuleOperator.Null or RuleOperator.NotEqual or RuleOperator.NotIn or RuleOperator.DoesNotContain or RuleOperator.NotInLast;
                Rules.One(field.Name, op.ToText(), Sample(field, op)).Holds(nobody).ShouldBe(expected, $"{field.Name} {op}");
                checks++;
            }
        }

        checks.ShouldBeGreaterThan(200);
    }

    [Fact]
    public void Every_field_has_every_one_of_its_operators()
    {
        foreach (var field in Rules.Catalogue.Fields)
        {
            foreach (var op in field.Operators)
            {
                Rules.One(field.Name, op.ToText(), Sample(field, op)).Holds(Anna);
            }
        }
    }

    [Theory]
    [InlineData("2026-08-28T08:00:00Z", "P6M", "2026-02-28T08:00:00Z", true)]
    [InlineData("2026-08-28T08:00:00Z", "P6M", "2026-02-28T07:59:59.999Z", false)]
    [InlineData("2026-08-29T00:00:00Z", "P6M", "2026-02-28T23:59:59.998Z", false)]
    [InlineData("2026-08-31T00:00:00Z", "P6M", "2026-02-28T23:59:59.999Z", true)]
    [InlineData("2026-08-31T23:59:59Z", "P6M", "2026-02-28T23:59:59.999Z", true)]
    [InlineData("2026-09-01T00:00:00Z", "P6M", "2026-02-28T23:59:59.999Z", false)]
    [InlineData("2024-02-29T08:00:00Z", "P1Y", "2023-02-28T23:59:59.999Z", true)]
    [InlineData("2024-02-29T08:00:00Z", "P1Y", "2023-02-28T23:59:59.998Z", false)]
    [InlineData("2026-03-31T00:00:00Z", "P1M1D", "2026-02-27T23:59:59.999Z", true)]
    [InlineData("2026-03-31T00:00:00Z", "P1M1D", "2026-02-27T23:59:59.998Z", false)]
    [InlineData("2026-03-31T00:00:00Z", "P1M", "2026-03-31T00:00:00.001Z", false)]
    public void Months_are_the_calendars(string now, string duration, string lastOrder, bool expected) =>
        Rules.One("lastOrderAt", "inLast", $"\"{duration}\"")
            .Holds(Rules.Customer(c => c with { LastOrderAt = DateTimeOffset.Parse(lastOrder) }), DateTimeOffset.Parse(now)).ShouldBe(expected);

    [Theory]
    [InlineData("2026-12-28", "P7D", "1980-01-03", true)]
    [InlineData("2026-12-28", "P7D", "1980-01-05", false)]
    [InlineData("2026-12-28", "P7D", "1980-12-28", true)]
    [InlineData("2026-12-28", "P7D", "1980-12-27", false)]
    [InlineData("2026-02-25", "P3D", "2000-02-29", true)]
    [InlineData("2026-02-25", "P2D", "2000-02-29", false)]
    [InlineData("2026-03-01", "P3D", "2000-02-29", false)]
    [InlineData("2028-02-25", "P3D", "2000-02-29", false)]
    [InlineData("2028-02-25", "P4D", "2000-02-29", true)]
    [InlineData("2026-05-05", "P1Y", "2000-05-04", true)]
    [InlineData("2026-05-05", "P7D", "2026-05-05", false)]
    [InlineData("2026-05-05", "P7D", "2026-05-07", false)]
    public void An_anniversary_comes_round_over_New_Year_and_without_a_leap_day(string today, string duration, string birthday, bool expected) =>
        Rules.One("birthday", "anniversaryWithin", $"\"{duration}\"")
            .Holds(Rules.Customer(c => c with { Birthday = DateOnly.Parse(birthday) }), DateTimeOffset.Parse(today + "T15:00:00Z")).ShouldBe(expected);

    [Fact]
    public void Groups_combine_and_negate()
    {
        string Rule(string combinator, bool not, string a, string b) => $$"""
            { "combinator": "{{combinator}}", "not": {{(not ? "true" : "false")}}, "rules": [
              { "field": "firstName", "operator": "=", "value": "{{a}}" }, { "field": "city", "operator": "=", "value": "{{b}}" } ] }
            """;
        foreach (var (a, b) in new[] { (true, true), (true, false), (false, true), (false, false) })
        {
            var (first, second) = (a ? "Änne-Marie" : "x", b ? "Zürich" : "x");
            Rules.Parse(Rule("and", false, first, second)).Holds(Anna).ShouldBe(a && b);
            Rules.Parse(Rule("or", false, first, second)).Holds(Anna).ShouldBe(a || b);
            Rules.Parse(Rule("and", true, first, second)).Holds(Anna).ShouldBe(!(a && b));
            Rules.Parse(Rule("or", true, first, second)).Holds(Anna).ShouldBe(!(a || b));
            Rules.Parse(Rule("or", true, first, second)).Holds(Rules.Customer()).ShouldBeTrue();
        }

        Rules.Parse("""{ "combinator": "and", "rules": [] }""").Holds(Anna).ShouldBeTrue();
        Rules.Parse("""{ "combinator": "and", "not": true, "rules": [] }""").Holds(Anna).ShouldBeFalse();
    }

    private static void Check(string field, string op, string value, bool expected)
    {
        var rule = Rules.One(field, op, value);
        rule.Holds(Anna).ShouldBe(expected);
        var not = Rules.Parse($$"""{ "combinator": "and", "rules": [ {{Rules.OneJson(field, op, value).Replace("\"and\"", "\"and\", \"not\": true", StringComparison.Ordinal)}} ] }""");
        not.Holds(Anna).ShouldBe(!expected);
    }

    private static string Sample(RuleField field, RuleOperator op)
    {
        if (op is RuleOperator.InLast or RuleOperator.NotInLast or RuleOperator.AnniversaryWithin)
        {
            return "\"P30D\"";
        }

        var one = field.Type switch
        {
            FieldType.Number or FieldType.Money => "1",
            FieldType.Any when op is RuleOperator.Between or RuleOperator.NotBetween or RuleOperator.Less or RuleOperator.LessOrEqual or RuleOperator.Greater or RuleOperator.GreaterOrEqual => "1",
            FieldType.Time or FieldType.Date => "\"2026-01-01\"",
            FieldType.Any when op is RuleOperator.Before or RuleOperator.After => "\"2026-01-01\"",
            FieldType.Choice => JsonSerializer.Serialize(((ChoiceField)field).Choices[0]),
            _ => "\"s\"",
        };
        return op is RuleOperator.In or RuleOperator.NotIn or RuleOperator.Between or RuleOperator.NotBetween ? $"[{one}, {one}]" : one;
    }
}
