namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>Operators, literals and the rules of undefined, null and types.</summary>
public sealed class ExpressionTests
{
    [Theory]
    [InlineData("1 + 2 * 3", "7")]
    [InlineData("(1 + 2) * 3", "9")]
    [InlineData("7 % 4", "3")]
    [InlineData("-7 % 4", "-3")]
    [InlineData("1 / 4", "0.25")]
    [InlineData("1 / 0", "\"Infinity\"")]
    [InlineData("0.1 + 0.2", "0.30000000000000004")]
    [InlineData("9007199254740993", "9007199254740993")]
    [InlineData("9007199254740992 = 9007199254740993", "true")]
    [InlineData("1.0", "1")]
    [InlineData("1e3", "1000")]
    [InlineData("1e30", "1E+30")]
    [InlineData(".5", "0.5")]
    [InlineData("0x1F", "31")]
    [InlineData("-(-3)", "3")]
    [InlineData("+3", "3")]
    [InlineData("- 'a'", "undefined")]
    [InlineData("1 + 'a'", "undefined")]
    [InlineData("'a' || 'b' || 'c'", "\"abc\"")]
    [InlineData("'a' || 1", "undefined")]
    [InlineData("100 >> 2", "25")]
    [InlineData("100 << 2", "400")]
    [InlineData("-1 >>> 0", "4294967295")]
    [InlineData("100 & 1000", "96")]
    [InlineData("100 | 1000", "1004")]
    [InlineData("100 ^ 1000", "908")]
    [InlineData("~5", "-6")]
    [InlineData("4294967297 & 3", "1")]
    [InlineData("1 ? 2 : 3", "3")]
    [InlineData("true ? 2 : 3", "2")]
    [InlineData("1 = 1 ? 2 > 1 ? 'a' : 'b' : 'c'", "\"a\"")]
    [InlineData("undefined ?? 1", "1")]
    [InlineData("null ?? 1", "null")]
    [InlineData("undefined ?? undefined ?? 2", "2")]
    [InlineData("{a: 1, 'b c': [1, undefined, 2], d: undefined}", "{\"a\":1,\"b c\":[1,2]}")]
    [InlineData("{a: {b: [5, 6]}}.a.b[1]", "6")]
    [InlineData("{a: 1}['a']", "1")]
    [InlineData("[1, 2][2]", "undefined")]
    [InlineData("[1, 2][0.5]", "undefined")]
    [InlineData("'abc'[0]", "undefined")]
    [InlineData("'it\\'s \\u00e9 \\\\ \\n'", "\"it's é \\\\ \\n\"")]
    [InlineData("\"double 'quoted'\"", "\"double 'quoted'\"")]
    public void Evaluates(string expression, string expected) => Run.Value(expression).ShouldBe(expected);

    [Theory]
    [InlineData("1 = 1.0", "true")]
    [InlineData("1 = '1'", "false")]
    [InlineData("1 != '1'", "true")]
    [InlineData("1 <> 2", "true")]
    [InlineData("null = null", "true")]
    [InlineData("null = false", "false")]
    [InlineData("undefined = undefined", "undefined")]
    [InlineData("undefined != 1", "undefined")]
    [InlineData("[1, {a: 2}] = [1.0, {a: 2}]", "true")]
    [InlineData("{a: 1, b: 2} = {b: 2, a: 1}", "true")]
    [InlineData("{a: 1} = {a: 1, b: 2}", "false")]
    [InlineData("1 < '2'", "undefined")]
    [InlineData("[1] < [2]", "undefined")]
    [InlineData("false < true", "true")]
    [InlineData("null <= null", "true")]
    [InlineData("null < 1", "undefined")]
    [InlineData("'a' < 'B'", "false")]
    [InlineData("'Z' < 'a'", "true")]
    [InlineData("'' < 'a'", "true")]
    [InlineData("'ab' > 'a'", "true")]
    [InlineData("'\\uD83D\\uDE00' < '\\uFF5E'", "true")]
    [InlineData("2 BETWEEN 1 AND 3", "true")]
    [InlineData("2 NOT BETWEEN 1 AND 3", "false")]
    [InlineData("'2' BETWEEN 1 AND 3", "undefined")]
    [InlineData("2 BETWEEN 3 AND 'x'", "false")]
    [InlineData("2 IN (1, 2)", "true")]
    [InlineData("2 IN ('2')", "false")]
    [InlineData("2 NOT IN (1, 3)", "true")]
    [InlineData("undefined IN (1)", "undefined")]
    [InlineData("1 IN (undefined, 1)", "true")]
    public void Compares(string expression, string expected) => Run.Value(expression).ShouldBe(expected);

    [Theory]
    [InlineData("true AND true", "true")]
    [InlineData("true AND false", "false")]
    [InlineData("true AND undefined", "undefined")]
    [InlineData("undefined AND true", "undefined")]
    [InlineData("undefined AND undefined", "undefined")]
    [InlineData("undefined AND false", "false")]
    [InlineData("false AND undefined", "false")]
    [InlineData("false OR undefined", "undefined")]
    [InlineData("undefined OR false", "undefined")]
    [InlineData("undefined OR true", "true")]
    [InlineData("true OR undefined", "true")]
    [InlineData("false OR false", "false")]
    [InlineData("1 AND true", "undefined")]
    [InlineData("'x' OR true", "true")]
    [InlineData("NOT true", "false")]
    [InlineData("NOT undefined", "undefined")]
    [InlineData("NOT 1", "undefined")]
    [InlineData("NOT 1 = 2", "true")]
    [InlineData("NOT false AND false", "false")]
    [InlineData("true OR false AND false", "true")]
    public void Follows_the_truth_tables(string expression, string expected) => Run.Value(expression).ShouldBe(expected);

    [Theory]
    [InlineData("'abc' LIKE 'abc'", "true")]
    [InlineData("'abc' LIKE 'ab'", "false")]
    [InlineData("'abc' LIKE 'a%'", "true")]
    [InlineData("'abc' LIKE '%c'", "true")]
    [InlineData("'abc' LIKE '%b%'", "true")]
    [InlineData("'abc' LIKE '%'", "true")]
    [InlineData("'abc' LIKE 'a_c'", "true")]
    [InlineData("'ac' LIKE 'a_c'", "false")]
    [InlineData("'ABC' LIKE 'abc'", "false")]
    [InlineData("'axc' LIKE 'a[x-z]c'", "true")]
    [InlineData("'abc' LIKE 'a[^x-z]c'", "true")]
    [InlineData("'20-30%' LIKE '20-30[%]'", "true")]
    [InlineData("'20-30x' LIKE '20-30[%]'", "false")]
    [InlineData("'[' LIKE '[ [ ]'", "true")]
    [InlineData("']' LIKE ']'", "true")]
    [InlineData("'a.c' LIKE 'a.c'", "true")]
    [InlineData("'abc' LIKE 'a.c'", "false")]
    [InlineData("'20% off' LIKE '20^% off' ESCAPE '^'", "true")]
    [InlineData("'200 off' LIKE '20^% off' ESCAPE '^'", "false")]
    [InlineData("'a%' LIKE '%!%' ESCAPE '!'", "true")]
    [InlineData("'x\\ny' LIKE 'x%y'", "true")]
    [InlineData("'abc' NOT LIKE 'a%'", "false")]
    [InlineData("1 LIKE '1'", "undefined")]
    [InlineData("'a' LIKE 1", "undefined")]
    public void Matches_like(string expression, string expected) => Run.Value(expression).ShouldBe(expected);

    [Fact]
    public void Parameters_stand_anywhere()
    {
        const string Parameters = """[{"name":"@n","value":2},{"name":"@s","value":"a\"b"},{"name":"@o","value":{ "x" : [ 1 , 2 ] }},{"name":"@p","value":"a%"}]""";
        Run.Value("@n + 1", Parameters).ShouldBe("3");
        Run.Value("@s", Parameters).ShouldBe("\"a\\\"b\"");
        Run.Value("@o", Parameters).ShouldBe("{\"x\":[1,2]}");
        Run.Value("@o.x[1] = @n", Parameters).ShouldBe("true");
        Run.Value("'abc' LIKE @p", Parameters).ShouldBe("true");
        Run.Value("@n IN (1, @n)", Parameters).ShouldBe("true");
        Run.Query("SELECT TOP @n VALUE c.id FROM c", new MemorySource(["""{"id":"a"}""", """{"id":"b"}""", """{"id":"c"}"""]), Parameters).ShouldBe("""["a","b"]""");
    }

    [Fact]
    public void A_missing_parameter_is_named()
    {
        var error = Run.Error("SELECT * FROM c WHERE c.a = @x");
        error.Message.ShouldContain("@x");
        error.Position.ShouldBe(28);
    }

    [Theory]
    [InlineData("SELECT * FROM c WHERE c.n = 'x\\\"y'", """[{"id":"q","n":"x\"y"}]""")]
    [InlineData("SELECT VALUE c.n FROM c WHERE c.n = '\\u00e9'", """["\u00e9"]""")]
    [InlineData("SELECT VALUE c[\"odd name\"][\"a/b\"] FROM c", "[7]")]
    [InlineData("SELECT VALUE c.é FROM c", "[8]")]
    [InlineData("SELECT VALUE c.num FROM c", "[1.50,12345678901234567890]")]
    [InlineData("SELECT VALUE c.num + 0 FROM c", "[1.5,1.2345678901234567E+19]")]
    public void Reads_documents_as_they_are_written(string sql, string expected) =>
        Run.Query(
            sql,
            """{"id":"q","n":"x\"y"}""",
            """{"id":"u","n":"\u00e9"}""",
            """{"id":"o","odd name":{"z":"}{\"","a/b":7},"\u00e9":8}""",
            """{"id":"m","num":1.50}""",
            """{"id":"l","num":12345678901234567890}""").ShouldBe(expected);
}
