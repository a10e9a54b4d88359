using XenoCrm.Local.CosmosEmulator.Sql;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

/// <summary>Every system function, with its edges. The clock of the tests stands at 2024-06-15T10:20:30.456Z.</summary>
public sealed class FunctionTests
{
    public static readonly (string Expression, string Expected)[] Rows =
    [
        // Types
        ("IS_ARRAY([])", "true"), ("IS_ARRAY({})", "false"), ("IS_ARRAY(undefined)", "false"),
        ("IS_BOOL(false)", "true"), ("IS_BOOL(0)", "false"),
        ("IS_DEFINED(null)", "true"), ("IS_DEFINED(undefined)", "false"), ("IS_DEFINED({}.x)", "false"),
        ("IS_NULL(null)", "true"), ("IS_NULL(undefined)", "false"), ("IS_NULL(0)", "false"),
        ("IS_NUMBER(1.5)", "true"), ("IS_NUMBER('1')", "false"), ("IS_NUMBER(NaN)", "true"),
        ("IS_FINITE_NUMBER(1)", "true"), ("IS_FINITE_NUMBER(1 / 0)", "false"), ("IS_FINITE_NUMBER('1')", "false"),
        ("IS_INTEGER(3)", "true"), ("IS_INTEGER(3.5)", "false"), ("IS_INTEGER(18446744073709551615)", "false"), ("IS_INTEGER(-9223372036854775808)", "true"),
        ("IS_OBJECT({})", "true"), ("IS_OBJECT([])", "false"), ("IS_OBJECT(null)", "false"),
        ("IS_PRIMITIVE('')", "true"), ("IS_PRIMITIVE(null)", "true"), ("IS_PRIMITIVE([])", "false"), ("IS_PRIMITIVE(undefined)", "false"),
        ("IS_STRING('')", "true"), ("IS_STRING(1)", "false"),
        ("IS_DATETIME('2020-02-29T00:00:00Z')", "true"), ("IS_DATETIME('2021-02-29T00:00:00Z')", "false"), ("IS_DATETIME(1)", "false"),
        ("IIF(true, 1, 2)", "1"), ("IIF(false, 1, 2)", "2"), ("IIF('x', 1, 2)", "2"), ("IIF(undefined, 1, 2)", "2"),
        ("STRINGTOARRAY(' [ 1, \"a\" ] ')", "[1,\"a\"]"), ("STRINGTOARRAY('{}')", "undefined"), ("STRINGTOARRAY('[\\'a\\']')", "undefined"), ("STRINGTOARRAY(1)", "undefined"),
        ("STRINGTOBOOLEAN(' true ')", "true"), ("STRINGTOBOOLEAN('TRUE')", "undefined"), ("STRINGTOBOOLEAN(true)", "undefined"),
        ("STRINGTONULL(' null ')", "null"), ("STRINGTONULL('NULL')", "undefined"),
        ("STRINGTONUMBER(' 60 ')", "60"), ("STRINGTONUMBER('-1.5e2')", "-1.5e2"), ("STRINGTONUMBER('x')", "undefined"), ("STRINGTONUMBER('0x1F')", "undefined"),
        ("STRINGTOOBJECT('{\"a\": 1}')", "{\"a\":1}"), ("STRINGTOOBJECT('[]')", "undefined"),
        ("TOSTRING(1.0)", "\"1\""), ("TOSTRING(0.1234)", "\"0.1234\""), ("TOSTRING(true)", "\"true\""), ("TOSTRING(null)", "\"null\""), ("TOSTRING('a')", "\"a\""),
        ("TOSTRING([1, 'a'])", "\"[1,\\\"a\\\"]\""), ("TOSTRING(undefined)", "undefined"), ("TOSTRING(NaN)", "\"NaN\""), ("TOSTRING(-Infinity)", "\"-Infinity\""),

        // Strings
        ("CONCAT('a', 'b', 'c')", "\"abc\""), ("CONCAT('a', 1)", "undefined"), ("CONCAT('a', undefined)", "undefined"),
        ("CONTAINS('Abc', 'bc')", "true"), ("CONTAINS('Abc', 'BC')", "false"), ("CONTAINS('Abc', 'BC', true)", "true"), ("CONTAINS('Abc', '')", "true"), ("CONTAINS(1, '1')", "undefined"), ("CONTAINS('a', 'A', 1)", "undefined"),
        ("STARTSWITH('Abc', 'Ab')", "true"), ("STARTSWITH('Abc', 'ab')", "false"), ("STARTSWITH('Abc', 'ab', true)", "true"), ("STARTSWITH('Éa', 'éA', true)", "true"), ("STARTSWITH(undefined, 'a')", "undefined"),
        ("ENDSWITH('abC', 'bC')", "true"), ("ENDSWITH('abC', 'bc')", "false"), ("ENDSWITH('abC', 'bc', true)", "true"),
        ("STRINGEQUALS('abc', 'abc')", "true"), ("STRINGEQUALS('abc', 'ABC')", "false"), ("STRINGEQUALS('abc', 'ABC', true)", "true"), ("STRINGEQUALS('abc', 1)", "undefined"),
        ("CONTAINS_ALL_CI('Red Blue', 'red', 'BLUE')", "true"), ("CONTAINS_ALL_CS('Red Blue', 'red', 'Blue')", "false"),
        ("CONTAINS_ANY_CI('Red', 'x', 'RED')", "true"), ("CONTAINS_ANY_CS('Red', 'x', 'RED')", "false"), ("CONTAINS_ANY_CS('Red', 1)", "undefined"),
        ("INDEX_OF('abcabc', 'c')", "2"), ("INDEX_OF('abcabc', 'c', 3)", "5"), ("INDEX_OF('abc', 'x')", "-1"), ("INDEX_OF('abc', 'a', 9)", "-1"), ("INDEX_OF('😀b', 'b')", "2"),
        ("LASTINDEXOF('abcabc', 'c')", "5"), ("LASTINDEXOF('abcabc', 'c', 4)", "2"), ("LASTINDEXOF('abc', 'x')", "-1"), ("LASTINDEXOF('abcabc', 'ab', 1)", "0"), ("LASTINDEXOF('abcabc', 'bc', 4)", "1"),
        ("LEFT('abc', 2)", "\"ab\""), ("LEFT('abc', 9)", "\"abc\""), ("LEFT('abc', -1)", "\"\""), ("LEFT('abc', 1.5)", "undefined"),
        ("RIGHT('abc', 2)", "\"bc\""), ("RIGHT('abc', 9)", "\"abc\""), ("RIGHT('abc', 0)", "\"\""), ("RIGHT(1, 1)", "undefined"),
        ("SUBSTRING('abcdef', 1, 2)", "\"bc\""), ("SUBSTRING('abc', 1, 9)", "\"bc\""), ("SUBSTRING('abc', 9, 1)", "\"\""), ("SUBSTRING('abc', 0, -1)", "\"\""), ("SUBSTRING('abc', 'x', 1)", "undefined"),
        ("LENGTH('abc')", "3"), ("LENGTH('😀')", "2"), ("LENGTH(1)", "undefined"),
        ("LOWER('ÄBc')", "\"äbc\""), ("UPPER('äbc')", "\"ÄBC\""), ("UPPER(1)", "undefined"),
        ("REVERSE('abc')", "\"cba\""), ("REVERSE(null)", "undefined"),
        ("TRIM('  a ')", "\"a\""), ("TRIM('-_a_-', '-_')", "\"a\""), ("LTRIM(' a ')", "\"a \""), ("LTRIM('AdventureWorks', 'Adventure')", "\"Works\""), ("RTRIM(' a ')", "\" a\""), ("RTRIM('a', '')", "\"a\""), ("TRIM(1)", "undefined"),
        ("REPLACE('banana', 'an', 'x')", "\"bxxa\""), ("REPLACE('a', '', 'x')", "undefined"), ("REPLACE('a', 'a', 1)", "undefined"),
        ("REPLICATE('ab', 3)", "\"ababab\""), ("REPLICATE('ab', 0)", "\"\""), ("REPLICATE('a', -1)", "undefined"), ("REPLICATE('a', 10001)", "undefined"),
        ("REGEXMATCH('abcd', 'ABC', 'i')", "true"), ("REGEXMATCH('abcd', '^b')", "false"), ("REGEXMATCH('a\\nb', '^b', 'm')", "true"), ("REGEXMATCH('a\\nb', 'a.b', 's')", "true"), ("REGEXMATCH('abcd', 'ab c', 'x')", "true"),
        ("REGEXMATCH('a', '(')", "undefined"), ("REGEXMATCH('a', 'a', 'q')", "undefined"), ("REGEXMATCH(1, 'a')", "undefined"),
        ("REGEXEXTRACT('SKU-93821-BLUE', '[0-9]+')", "\"93821\""), ("REGEXEXTRACT('sku-9', 'SKU-([0-9])', 'i', 1)", "\"9\""), ("REGEXEXTRACT('a', 'b')", "undefined"), ("REGEXEXTRACT('a', 'a', '', 7)", "undefined"), ("REGEXEXTRACT('a', '(')", "undefined"), ("REGEXEXTRACT('a', 'a', '', 'x')", "undefined"),
        ("REGEXEXTRACTALL('A12-B34', '[0-9]+')", "[\"12\",\"34\"]"), ("REGEXEXTRACTALL('A12-B34', '[A-Z]([0-9])', '', 1)", "[\"1\",\"3\"]"), ("REGEXEXTRACTALL('a', 'b')", "[]"), ("REGEXEXTRACTALL(1, 'b')", "undefined"),
        ("SUBSTRINGBEFORE('a/b/c', '/')", "\"a\""), ("SUBSTRINGBEFORE('/a', '/')", "\"\""), ("SUBSTRINGBEFORE('a', '/')", "undefined"), ("SUBSTRINGBEFORE('a', '')", "undefined"),
        ("SUBSTRINGAFTER('bike::touring::frame', '::')", "\"touring::frame\""), ("SUBSTRINGAFTER('a/', '/')", "\"\""), ("SUBSTRINGAFTER('a', '/')", "undefined"), ("SUBSTRINGAFTER(1, '/')", "undefined"),
        ("LASTSUBSTRINGBEFORE('A-B-C', '-')", "\"A-B\""), ("LASTSUBSTRINGBEFORE('A', '-')", "undefined"),
        ("LASTSUBSTRINGAFTER('/products/boots', '/')", "\"boots\""), ("LASTSUBSTRINGAFTER('a::b::c', '::')", "\"c\""), ("LASTSUBSTRINGAFTER('A', '-')", "undefined"),
        ("STRINGJOIN(['a', 'b'], ', ')", "\"a, b\""), ("STRINGJOIN(['a', 1], ',')", "undefined"), ("STRINGJOIN([], ',')", "\"\""),
        ("STRINGSPLIT('a,b,', ',')", "[\"a\",\"b\",\"\"]"), ("STRINGSPLIT('a', '')", "undefined"),

        // Numbers
        ("ABS(-2.5)", "2.5"), ("ABS('1')", "undefined"), ("ACOS(1)", "0"), ("ASIN(0)", "0"), ("ATAN(0)", "0"), ("ATN2(0, 1)", "0"),
        ("CEILING(1.2)", "2"), ("CEILING(-1.2)", "-1"), ("FLOOR(-1.2)", "-2"), ("FLOOR(undefined)", "undefined"),
        ("COS(0)", "1"), ("COT(PI() / 4) < 1.0000001", "true"), ("DEGREES(PI())", "180"), ("EXP(0)", "1"),
        ("LOG(1)", "0"), ("LOG(2, 10)", "0.3010299956639812"), ("LOG(8, 2)", "3"), ("LOG('x')", "undefined"), ("LOG10(1000)", "3"),
        ("NUMBERBIN(37.752, 10)", "30"), ("NUMBERBIN(37.752, -100)", "100"), ("NUMBERBIN(37.752)", "37"), ("NUMBERBIN(37.752, 0.1)", "37.7"), ("NUMBERBIN(1, 0)", "undefined"),
        ("PI()", "3.141592653589793"), ("POWER(2, 10)", "1024"), ("POWER(2, 'x')", "undefined"), ("RADIANS(180)", "3.141592653589793"),
        ("RAND() >= 0 AND RAND() < 1", "true"),
        ("ROUND(2.5)", "3"), ("ROUND(-2.6)", "-3"), ("ROUND(2.345, 2)", "2.35"), ("ROUND('x')", "undefined"), ("TRUNC(-2.9)", "-2"),
        ("SIGN(-3)", "-1"), ("SIGN(0)", "0"), ("SIN(0)", "0"), ("SQRT(9)", "3"), ("SQRT(-1)", "\"NaN\""), ("SQUARE(-3)", "9"), ("TAN(0)", "0"),
        ("INTADD(20, 10)", "30"), ("INTADD(9007199254740993, 2)", "9007199254740995"), ("INTADD(1.5, 2)", "undefined"),
        ("INTSUB(20, 10)", "10"), ("INTMUL(4, 5)", "20"), ("INTDIV(7, 2)", "3"), ("INTDIV(7, 0)", "undefined"), ("INTMOD(12, 5)", "2"), ("INTMOD(1, 0)", "undefined"),
        ("INTBITAND(15, 25)", "9"), ("INTBITOR(56, 100)", "124"), ("INTBITXOR(56, 100)", "92"), ("INTBITNOT(65)", "-66"), ("INTBITNOT(1.5)", "undefined"),
        ("INTBITLEFTSHIFT(16, 4)", "256"), ("INTBITLEFTSHIFT(1, 62)", "4611686018427387904"), ("INTBITLEFTSHIFT(1, 64)", "undefined"), ("INTBITRIGHTSHIFT(16, 4)", "1"), ("INTBITRIGHTSHIFT(-16, 2)", "-4"),

        // Arrays and objects
        ("ARRAY_CONCAT([1], [2, 3], ['a'])", "[1,2,3,\"a\"]"), ("ARRAY_CONCAT([1], 2)", "undefined"),
        ("ARRAY_CONTAINS([1, 2.0], 2)", "true"), ("ARRAY_CONTAINS(['1'], 1)", "false"), ("ARRAY_CONTAINS([{a: 1, b: 2}], {b: 2, a: 1})", "true"), ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1})", "false"),
        ("ARRAY_CONTAINS([{a: 1, b: 2}], {a: 1}, true)", "true"), ("ARRAY_CONTAINS([{a: 1}], {a: 1, b: 2}, true)", "false"), ("ARRAY_CONTAINS('x', 1)", "false"), ("ARRAY_CONTAINS([1], undefined)", "undefined"),
        ("ARRAY_CONTAINS_ALL([1, 2, 3], 3, 1)", "true"), ("ARRAY_CONTAINS_ALL([1], 1, 2)", "false"), ("ARRAY_CONTAINS_ANY([1], 2, 1)", "true"), ("ARRAY_CONTAINS_ANY(1, 2)", "undefined"),
        ("ARRAY_LENGTH([1, [2, 3]])", "2"), ("ARRAY_LENGTH('x')", "undefined"),
        ("ARRAY_SLICE([1, 2, 3], 1)", "[2,3]"), ("ARRAY_SLICE([1, 2, 3], -2, 1)", "[2]"), ("ARRAY_SLICE([1, 2, 3], 0, -1)", "[]"), ("ARRAY_SLICE([1], 5)", "[]"), ("ARRAY_SLICE(1, 0)", "undefined"),
        ("ARRAY_SUM([1, 2.5])", "3.5"), ("ARRAY_SUM([])", "0"), ("ARRAY_SUM(['a'])", "undefined"), ("ARRAY_AVG([1, 2])", "1.5"), ("ARRAY_AVG([])", "undefined"),
        ("ARRAY_MEDIAN([3, 1, 2])", "2"), ("ARRAY_MEDIAN([4, 1, 2, 3])", "2.5"), ("ARRAY_MIN([3, 'a', null])", "null"), ("ARRAY_MAX([3, 'a', true])", "\"a\""), ("ARRAY_MAX([])", "undefined"),
        ("CHOOSE(2, 'a', 'b')", "\"b\""), ("CHOOSE(0, 'a')", "undefined"), ("CHOOSE(3, 'a', 'b')", "undefined"),
        ("OBJECTTOARRAY({a: 1, b: 'x'})", "[{\"k\":\"a\",\"v\":1},{\"k\":\"b\",\"v\":\"x\"}]"), ("OBJECTTOARRAY({a: 1}, 'name', 'value')", "[{\"name\":\"a\",\"value\":1}]"), ("OBJECTTOARRAY([])", "undefined"),
        ("SETINTERSECT([1, 2, 3], [3, 2, 2])", "[3,2]"), ("SETUNION([1, 1, 2], [2, 3])", "[1,2,3]"), ("SETUNION(1, [])", "undefined"), ("SETDIFFERENCE([1, 2, 3], [2])", "[1,3]"),
        ("SETEQUAL([1, 2], [2, 1, 1])", "true"), ("SETEQUAL([1], [2])", "false"),

        // Dates
        ("DATETIMEADD('mm', 1, '2024-01-31T00:00:00.0000000Z')", "\"2024-02-29T00:00:00.0000000Z\""), ("DATETIMEADD('hh', -1, '2020-07-03T00:00:00')", "\"2020-07-02T23:00:00.0000000Z\""),
        ("DATETIMEADD('ns', 300, '2020-07-03T00:00:00Z')", "\"2020-07-03T00:00:00.0000003Z\""), ("DATETIMEADD('weeks', 1, '2020-07-03T00:00:00Z')", "undefined"), ("DATETIMEADD('dd', 1.5, '2020-07-03T00:00:00Z')", "undefined"), ("DATETIMEADD('yyyy', 9999, '2020-07-03')", "undefined"),
        ("DATETIMEBIN('2021-01-08T18:35:00Z', 'hh', 5)", "\"2021-01-08T15:00:00.0000000Z\""), ("DATETIMEBIN('2021-01-08T18:35:00Z', 'dd', 7, '1601-01-01')", "\"2021-01-04T00:00:00.0000000Z\""), ("DATETIMEBIN('2021-01-08T18:35:00Z', 'dd', 0)", "undefined"), ("DATETIMEBIN('2021-01-08T18:35:00Z', 'yyyy')", "undefined"),
        ("DATETIMEDIFF('mm', '2019-02-04T16:00:00Z', '2018-03-05T05:00:00Z')", "-11"), ("DATETIMEDIFF('yyyy', '2019-12-31T23:59:59Z', '2020-01-01T00:00:00Z')", "1"), ("DATETIMEDIFF('hh', '2019-02-04T16:00:00Z', '2018-03-05T05:00:00Z')", "-8075"), ("DATETIMEDIFF('hh', 'x', '2018-03-05')", "undefined"),
        ("DATETIMEFORMAT('2024-06-15T10:20:30Z', 'yyyy/MM/dd HH:mm')", "\"2024/06/15 10:20\""), ("DATETIMEFORMAT('x', 'yyyy')", "undefined"),
        ("DATETIMEFROMPARTS(2017, 4, 20, 13, 15, 20, 3456789)", "\"2017-04-20T13:15:20.3456789Z\""), ("DATETIMEFROMPARTS(2021, 2, 29)", "undefined"), ("DATETIMEFROMPARTS(-1, 1, 1)", "undefined"),
        ("DATETIMEPART('mcs', '2016-05-29T08:30:00.1301617')", "130161"), ("DATETIMEPART('ns', '2016-05-29T08:30:00.1301617')", "130161700"), ("DATETIMEPART('q', '2016-05-29')", "undefined"),
        ("YEAR('2016-05-29')", "2016"), ("MONTH('2016-05-29')", "5"), ("DAY('2016-05-29')", "29"), ("DAY(1)", "undefined"),
        ("DATETIMETOTICKS('2015-05-19T12:00:00.0000000')", "14320368000000000"), ("DATETIMETOTIMESTAMP('2015-05-19T12:00:00Z')", "1432036800000"), ("DATETIMETOTIMESTAMP('x')", "undefined"),
        ("TICKSTODATETIME(15973607943002652)", "\"2020-08-13T23:19:54.3002652Z\""), ("TICKSTODATETIME(-116444736000000000)", "\"1601-01-01T00:00:00.0000000Z\""), ("TICKSTODATETIME(1e300)", "undefined"),
        ("TIMESTAMPTODATETIME(1597360794300)", "\"2020-08-13T23:19:54.3000000Z\""), ("TIMESTAMPTODATETIME('x')", "undefined"),
        ("GETCURRENTDATETIME()", "\"2024-06-15T10:20:30.4560000Z\""), ("GETCURRENTDATETIMESTATIC()", "\"2024-06-15T10:20:30.4560000Z\""),
        ("GETCURRENTTICKS()", "17184468304560000"), ("GETCURRENTTICKSSTATIC()", "17184468304560000"), ("GETCURRENTTIMESTAMP()", "1718446830456"), ("GETCURRENTTIMESTAMPSTATIC()", "1718446830456"),
        ("AGO('dd', 1)", "\"2024-06-14T10:20:30.4560000Z\""), ("AGO('q', 1)", "undefined"), ("NOW()", "\"2024-06-15T10:20:30.4560000Z\""), ("NOW('hh', 1)", "\"2024-06-15T11:20:30.4560000Z\""),
    ];

    public static TheoryData<string, string> Data()
    {
        var data = new TheoryData<string, string>();
        foreach (var (expression, expected) in Rows)
        {
            data.Add(expression, expected);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Data))]
    public void Gives(string expression, string expected)
    {
        Run.Value(expression).ShouldBe(expected);

        // The same with arguments that are known only when an item is read, so that nothing folds.
        var perItem = Run.Query($"SELECT VALUE {expression} FROM c WHERE c.id = 'a'", new MemorySource(["""{"id":"a"}"""]));
        perItem.ShouldBe(expected == "undefined" ? "[]" : $"[{expected}]");
    }

    [Fact]
    public void Every_function_is_tested()
    {
        var tested = Rows.Select(r => r.Expression).ToList();
        Functions.Names.Count().ShouldBeGreaterThan(90);
        Functions.Names.Where(name => !tested.Exists(e => e.Contains(name + "(", StringComparison.OrdinalIgnoreCase))).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("ST_AREA(c.a)", "spatial")]
    [InlineData("ST_DISTANCE(c.a, c.b)", "spatial")]
    [InlineData("ST_INTERSECTS(c.a, c.b)", "spatial")]
    [InlineData("ST_ISVALID(c.a)", "spatial")]
    [InlineData("ST_ISVALIDDETAILED(c.a)", "spatial")]
    [InlineData("ST_WITHIN(c.a, c.b)", "spatial")]
    [InlineData("VectorDistance(c.a, [1])", "vector")]
    [InlineData("FullTextContains(c.a, 'x')", "full-text")]
    [InlineData("FullTextContainsAll(c.a, 'x', 'y')", "full-text")]
    [InlineData("FullTextContainsAny(c.a, 'x', 'y')", "full-text")]
    [InlineData("FullTextScore(c.a, ['x'])", "full-text")]
    [InlineData("RRF(c.a, c.b)", "full-text")]
    [InlineData("NOSUCH(1)", "not a recognized")]
    [InlineData("udf.tax(1)", "user-defined")]
    public void Unknown_functions_are_refused_with_their_place(string call, string reason)
    {
        var error = Run.Error($"SELECT VALUE {call} FROM c");
        error.Message.ShouldContain(reason);
        error.Position.ShouldBe(call.StartsWith("udf.", StringComparison.Ordinal) ? 17 : 13);
    }

    [Theory]
    [InlineData("ABS()")]
    [InlineData("ABS(1, 2)")]
    [InlineData("CONCAT('a')")]
    [InlineData("COUNT()")]
    public void A_wrong_number_of_arguments_is_refused(string call) => Run.Error($"SELECT VALUE {call} FROM c").Code.ShouldBe("SC2050");

    [Fact]
    public void Documentid_is_the_rid() =>
        Run.Query("SELECT VALUE DOCUMENTID(c) FROM c WHERE DOCUMENTID(c) > 1", """{"id":"a"}""", """{"id":"b"}""").ShouldBe("[2]");
}
