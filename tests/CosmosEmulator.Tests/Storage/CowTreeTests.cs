using XenoCrm.Local.CosmosEmulator.Storage;

namespace XenoCrm.Local.CosmosEmulator.Tests.Storage;

public sealed class CowTreeTests
{
    private readonly struct Numbers : IComparer<int>
    {
        public int Compare(int x, int y) => x.CompareTo(y);
    }

    private readonly struct At(int value) : IBound<int>
    {
        public int CompareTo(in int element) => value.CompareTo(element);
    }

    private readonly struct Behind(int value) : IBound<int>
    {
        public int CompareTo(in int element) => value < element ? -1 : 1;
    }

    [Theory]
    [InlineData(1, 300)]
    [InlineData(2, 20_000)]
    [InlineData(3, 1_000_000)]
    public void It_behaves_like_a_sorted_set_and_snapshots_stay_as_they_are(int seed, int range)
    {
        var random = new Random(seed);
        var tree = new CowTree<int, Numbers>();
        var model = new SortedSet<int>();
        var frozen = new List<(CowTree<int, Numbers>.Snapshot Snapshot, int[] Expected)>();
        for (var round = 0; round < 40; round++)
        {
            var growing = round % 10 < 7;
            for (var i = 0; i < 500; i++)
            {
                var value = random.Next(range);
                if (random.Next(10) < (growing ? 7 : 2))
                {
                    tree.Add(value).ShouldBe(model.Add(value));
                }
                else
                {
                    value = model.Count > 0 && random.Next(2) == 0 ? model.GetViewBetween(value, int.MaxValue).FirstOrDefault(value) : value;
                    tree.Remove(value).ShouldBe(model.Remove(value));
                }
            }

            var expected = model.ToArray();
            var snapshot = tree.Publish();
            Check(snapshot, expected, random, range);
            if (round % 7 == 0)
            {
                frozen.Add((snapshot, expected));
            }
        }

        foreach (var (snapshot, expected) in frozen)
        {
            Check(snapshot, expected, random, range);
        }
    }

    [Fact]
    public void Ever_growing_keys_and_removal_to_nothing_keep_it_whole()
    {
        var tree = new CowTree<int, Numbers>();
        for (var i = 0; i < 10_000; i++)
        {
            tree.Add(i);
        }

        Check(tree.Publish(), [.. Enumerable.Range(0, 10_000)], new Random(1), 10_000);
        for (var i = 0; i < 10_000; i++)
        {
            tree.Remove((i * 7919) % 10_000).ShouldBeTrue();
        }

        Check(tree.Publish(), [], new Random(1), 10_000);
        tree.Add(5);
        Check(tree.Publish(), [5], new Random(1), 10);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(56)]
    [InlineData(57)]
    [InlineData(3136)]
    [InlineData(3137)]
    [InlineData(200_000)]
    public void It_is_built_from_sorted_input_and_can_be_changed_after(int count)
    {
        var tree = new CowTree<int, Numbers>();
        var values = Enumerable.Range(0, count).Select(i => i * 2).ToArray();
        tree.Build(values);
        Check(tree.Publish(), values, new Random(2), (count * 2) + 1);
        tree.Add(1).ShouldBeTrue();
        Check(tree.Publish(), [.. values.Append(1).Order()], new Random(3), (count * 2) + 1);
    }

    private static void Check(CowTree<int, Numbers>.Snapshot snapshot, int[] expected, Random random, int range)
    {
        snapshot.Count.ShouldBe(expected.Length);
        snapshot.Ascending(0, expected.Length).SequenceEqual(expected).ShouldBeTrue();
        snapshot.Descending(0, expected.Length).SequenceEqual(expected.Reverse()).ShouldBeTrue();
        for (var i = 0; i < 50; i++)
        {
            var value = random.Next(range);
            var found = Array.BinarySearch(expected, value);
            snapshot.TryFind(new At(value), out _).ShouldBe(found >= 0);
            snapshot.Rank(new At(value)).ShouldBe(found >= 0 ? found : ~found);
            snapshot.Rank(new Behind(value)).ShouldBe(found >= 0 ? found + 1 : ~found);
            var (from, to) = (random.Next(expected.Length + 1), random.Next(expected.Length + 1));
            if (from < to)
            {
                snapshot.Ascending(from, to).Take(70).SequenceEqual(expected[from..to].Take(70)).ShouldBeTrue();
                snapshot.Descending(from, to).Take(70).SequenceEqual(expected[from..to].Reverse().Take(70)).ShouldBeTrue();
            }
        }
    }
}
