namespace XenoCrm.Local.CosmosEmulator.Storage;

internal sealed partial class CowTree<T, TOrder>
{
    /// <summary>An unchanging state of the set.</summary>
    internal readonly struct Snapshot(Node root)
    {
        private readonly Node _root = root;

        public int Count => _root.Size;

        /// <summary>The number of elements before the bound.</summary>
        public int Rank<TBound>(TBound bound) where TBound : struct, IBound<T>, allows ref struct
        {
            var rank = 0;
            for (var node = _root; ;)
            {
                int low = 0, high = node.Count;
                while (low < high)
                {
                    var middle = (low + high) >>> 1;
                    if (bound.CompareTo(in node.Keys[middle]) > 0)
                    {
                        low = middle + 1;
                    }
                    else
                    {
                        high = middle;
                    }
                }

                if (node.Children is null)
                {
                    return rank + low;
                }

                var child = Math.Max(low - 1, 0);
                for (var i = 0; i < child; i++)
                {
                    rank += node.Children[i].Size;
                }

                if (node.Count == 0)
                {
                    return rank;
                }

                node = node.Children[child];
            }
        }

        /// <summary>The first element that is not before the bound, when the bound says that it is equal.</summary>
        public bool TryFind<TBound>(TBound bound, out T element) where TBound : struct, IBound<T>, allows ref struct
        {
            // A bound equal to a separator lies in that child, one that is between two in the left one.
            for (var node = _root; ;)
            {
                int low = 0, high = node.Count;
                while (low < high)
                {
                    var middle = (low + high) >>> 1;
                    var order = bound.CompareTo(in node.Keys[middle]);
                    if (order == 0 && node.Children is null)
                    {
                        element = node.Keys[middle];
                        return true;
                    }

                    if (order >= 0)
                    {
                        low = middle + 1;
                    }
                    else
                    {
                        high = middle;
                    }
                }

                if (node.Children is null || low == 0)
                {
                    element = default!;
                    return false;
                }

                node = node.Children[low - 1];
            }
        }

        /// <summary>The elements with ranks in [from, to).</summary>
        public IEnumerable<T> Ascending(int from, int to)
        {
            if (from >= to)
            {
                yield break;
            }

            var path = new Stack<(Node Node, int At)>();
            var leaf = Seek(from, path, out var at);
            for (var left = to - from; ;)
            {
                for (; at < leaf.Count; at++)
                {
                    yield return leaf.Keys[at];
                    if (--left == 0)
                    {
                        yield break;
                    }
                }

                leaf = Neighbour(path, +1);
                at = 0;
            }
        }

        /// <summary>The elements with ranks in [from, to), in the pieces in which they lie in memory.</summary>
        public IEnumerable<ArraySegment<T>> Pieces(int from, int to)
        {
            if (from >= to)
            {
                yield break;
            }

            var path = new Stack<(Node Node, int At)>();
            var leaf = Seek(from, path, out var at);
            for (var left = to - from; ;)
            {
                var count = Math.Min(left, leaf.Count - at);
                yield return new ArraySegment<T>(leaf.Keys, at, count);
                if ((left -= count) == 0)
                {
                    yield break;
                }

                leaf = Neighbour(path, +1);
                at = 0;
            }
        }

        /// <summary>The elements with ranks in [from, to), last first.</summary>
        public IEnumerable<T> Descending(int from, int to)
        {
            if (from >= to)
            {
                yield break;
            }

            var path = new Stack<(Node Node, int At)>();
            var leaf = Seek(to - 1, path, out var at);
            for (var left = to - from; ;)
            {
                for (; at >= 0; at--)
                {
                    yield return leaf.Keys[at];
                    if (--left == 0)
                    {
                        yield break;
                    }
                }

                leaf = Neighbour(path, -1);
                at = leaf.Count - 1;
            }
        }

        private Node Seek(int rank, Stack<(Node, int)> path, out int at)
        {
            var node = _root;
            while (node.Children is not null)
            {
                var i = 0;
                while (rank >= node.Children[i].Size)
                {
                    rank -= node.Children[i++].Size;
                }

                path.Push((node, i));
                node = node.Children[i];
            }

            at = rank;
            return node;
        }

        private static Node Neighbour(Stack<(Node Node, int At)> path, int step)
        {
            var (node, at) = path.Pop();
            at += step;
            if (at < 0 || at >= node.Count)
            {
                var up = Neighbour(path, step);
                (node, at) = (up, step > 0 ? 0 : up.Count - 1);
            }

            path.Push((node, at));
            return node.Children![at];
        }
    }
}
