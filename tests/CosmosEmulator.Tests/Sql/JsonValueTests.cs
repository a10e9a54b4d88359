using System.Buffers;
using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Tests.Sql;

public sealed class JsonValueTests
{
    private static JsonValue Parse(string json) => JsonValue.Parse(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void The_order_goes_across_types()
    {
        string[] ascending =
        [
            "null", "false", "true", "-1e308", "-1", "0", "0.5", "1", "2", "10", "1e300", "\"\"", "\"A\"", "\"B\"", "\"a\"", "\"aa\"", "\"b\"",
            "\"\\u00e9\"", "\"\\ud7ff\"", "\"\\ud83d\\ude00\"", "\"\\ue000\"", "\"\\uffff\"", "[]", "[1]", "[1,2]", "[2]", "{}", "{\"a\":1}", "{\"a\":2}", "{\"b\":0}",
        ];
        JsonValue[] values = [JsonValue.Undefined, .. ascending.Select(Parse)];
        for (var i = 0; i < values.Length; i++)
        {
            for (var j = 0; j < values.Length; j++)
            {
                Math.Sign(JsonValue.Compare(values[i], values[j])).ShouldBe(Math.Sign(i.CompareTo(j)), $"{values[i]} and {values[j]}");
                values[i].Equals(values[j]).ShouldBe(i == j);
            }
        }
    }

    [Fact]
    public void Strings_sort_as_utf16_does()
    {
        var random = new Random(7);
        char[] alphabet = ['a', 'b', 'é', '\uE000', '\uFFFD', 'Z'];
        for (var round = 0; round < 2000; round++)
        {
            string Make() => string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(4) == 0 ? "\U0001F600" : alphabet[random.Next(alphabet.Length)].ToString()));
            var (a, b) = (Make(), Make());
            Math.Sign(JsonValue.Compare(JsonValue.Of(a), JsonValue.Of(b))).ShouldBe(Math.Sign(string.CompareOrdinal(a, b)), $"'{a}' and '{b}'");
        }
    }

    [Theory]
    [InlineData("1", "1.0")]
    [InlineData("100", "1e2")]
    [InlineData("0", "-0.0")]
    [InlineData("\"a\"", "\"\\u0061\"")]
    [InlineData("\"\\ud83d\\ude00\"", "\"😀\"")]
    [InlineData("[1, 2]", "[1.0,2]")]
    [InlineData("{\"a\":1,\"b\":[true]}", "{\"b\" : [ true ], \"a\" : 1.0}")]
    public void Equal_values_have_equal_hashes(string left, string right)
    {
        (Parse(left) == Parse(right)).ShouldBeTrue();
        JsonValue.Compare(Parse(left), Parse(right)).ShouldBe(0);
        Parse(left).GetHashCode().ShouldBe(Parse(right).GetHashCode());
    }

    [Theory]
    [InlineData("""{"a":{"x":"}\"]","a":1},"b":[1,{"c":2}],"\u0063":true}""")]
    [InlineData("""{ "a" : { "x" : "}\"]" , "a" : 1 } , "b" : [ 1 , { "c" : 2 } ] , "c" : true }""")]
    public void Navigates_without_being_confused_by_what_it_skips(string json)
    {
        var value = Parse(json);
        value["a"u8]["x"u8].AsString().ShouldBe("}\"]");
        value["b"u8][1]["c"u8].Number.ShouldBe(2);
        value["c"u8].Kind.ShouldBe(JsonKind.True);
        value["x"u8].IsUndefined.ShouldBeTrue();
        value["b"u8].ArrayLength.ShouldBe(2);
        value["b"u8][2].IsUndefined.ShouldBeTrue();
        var names = new List<string?>();
        foreach (var property in value.EnumerateObject())
        {
            names.Add(property.Name.AsString());
        }

        names.ShouldBe(["a", "b", "c"]);
    }

    [Theory]
    [InlineData("9223372036854775807", true, 9223372036854775807)]
    [InlineData("-9223372036854775808", true, -9223372036854775808)]
    [InlineData("9223372036854775808", false, 0)]
    [InlineData("3.0", true, 3)]
    [InlineData("3.5", false, 0)]
    [InlineData("1e3", true, 1000)]
    [InlineData("\"3\"", false, 0)]
    public void Integers_are_those_of_64_bits(string json, bool expected, long value)
    {
        Parse(json).TryGetInteger(out var integer).ShouldBe(expected);
        integer.ShouldBe(value);
    }

    [Theory]
    [InlineData(0.0, "0")]
    [InlineData(12.0, "12")]
    [InlineData(-1.5, "-1.5")]
    [InlineData(1e17, "100000000000000000")]
    [InlineData(1e21, "1E+21")]
    [InlineData(double.NegativeInfinity, "\"-Infinity\"")]
    public void Computed_numbers_print_as_integers_when_they_are(double value, string expected)
    {
        JsonValue.Of(value).ToString().ShouldBe(expected);
        JsonValue.Of(-0.0).ToString().ShouldBe("0");
    }

    [Fact]
    public void Every_string_survives_writing()
    {
        var all = string.Concat(Enumerable.Range(0, 0x250).Select(i => (char)i)) + "😀";
        var to = new ArrayBufferWriter<byte>();
        JsonValue.Of(all).WriteTo(to);
        System.Text.Json.JsonSerializer.Deserialize<string>(to.WrittenSpan).ShouldBe(all);
        JsonValue.Parse(to.WrittenMemory).AsString().ShouldBe(all);
    }

    [Fact]
    public void Truncated_text_is_never_read_beyond_its_end()
    {
        var json = """{"a":[1,{"b":"x\"y"}],"c":true,"d":-1.5e3}"""u8.ToArray();
        for (var length = 0; length < json.Length; length++)
        {
            var value = JsonValue.Parse(json.AsMemory(0, length));
            value.TryGetProperty("nothing"u8, out _).ShouldBeFalse();
            foreach (var property in value.EnumerateObject())
            {
                _ = property.Value.EnumerateArray().ToList();
            }
        }
    }
}
