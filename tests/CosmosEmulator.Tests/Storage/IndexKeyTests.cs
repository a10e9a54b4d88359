using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;
using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Tests.Storage;

public sealed class IndexKeyTests
{
    private static readonly string[] Pieces = ["", "a", "b", "key-", "key-0000000", "\0", "\0\0\0\0\0\0\0\0", "é", "€", "\ue000", "\uffee", "\U0001F600", "\U0010FFFF", "12345678", "zzzzzzzzz"];

    private static JsonValue Random(Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                return new[] { JsonValue.Undefined, JsonValue.Null, JsonValue.True, JsonValue.False }[random.Next(4)];
            case 1:
                return JsonValue.Of(random.Next(-3, 4));
            case 2:
                return JsonValue.Of(new[] { 0.5, -0.5, 1e300, -1e300, double.Epsilon, -0.0, 1e16 }[random.Next(7)]);
            case 3:
                return JsonValue.Parse(random.Next(2) == 0 ? "[1]"u8.ToArray() : "{}"u8.ToArray());
            default:
                return JsonValue.Of(string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Pieces[random.Next(Pieces.Length)])));
        }
    }

    private static int CompareValues(JsonValue a, JsonValue b) => a.Kind == b.Kind && a.Kind >= JsonKind.Array ? 0 : JsonValue.Compare(a, b);

    [Fact]
    public void Keys_have_the_order_of_their_values_and_give_them_back()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            JsonValue a = Random(random), b = Random(random);
            Math.Sign(IndexKey.Compare(IndexKey.Of(a), IndexKey.Of(b))).ShouldBe(Math.Sign(CompareValues(a, b)), $"{a} and {b}");
            var isKnown = IndexKey.Of(a).TryGetValue(out var value);
            isKnown.ShouldBe(a.Kind < JsonKind.Array && !(Math.Abs(a.Number) >= 1L << 53), a.ToString());
            if (isKnown)
            {
                value.ShouldBe(a);
            }
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void A_run_is_sorted_by_value_and_equal_values_by_item(int seed)
    {
        var random = new Random(seed);
        var run = new IndexRun(0);
        var recent = new byte[256][];
        var expected = new List<(JsonValue Value, long Rid)>();
        for (var rid = 1; rid <= 3_000; rid++)
        {
            // Some texts are shared and some are not; both must count as equal.
            var values = Enumerable.Range(0, random.Next(3)).Select(_ => Random(random)).ToList();
            run.Add(new Item($"i{rid}", PartitionKey.Parse("[]"), rid), values.ConvertAll(v => IndexKey.Of(v, random.Next(2) == 0 ? recent : null)));
            expected.AddRange(values.Select(v => (v, (long)rid)));
        }

        var order = Comparer<JsonValue>.Create(CompareValues);
        var sorted = run.Sort();
        sorted.Select(e => e.Item.Rid).ShouldBe(expected.OrderBy(e => e.Value, order).ThenBy(e => e.Rid).Select(e => e.Rid));
        var half = sorted.Length / 2;
        IndexRun.Merge(sorted[..half], sorted[half..]).ShouldBe(sorted);
    }

    [Fact]
    public void Texts_that_are_seen_again_share_their_bytes()
    {
        var recent = new byte[256][];
        var first = IndexKey.Of(JsonValue.Of("a status that comes often"), recent);
        IndexKey.Of(JsonValue.Of("another"), recent);
        IndexKey.Of(JsonValue.Of("a status that comes often"), recent).Text.ShouldBeSameAs(first.Text);
        Encoding.UTF8.GetString(first.Text!).ShouldBe("a status that comes often");
    }
}
