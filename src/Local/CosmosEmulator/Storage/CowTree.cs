namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>A search position in a <see cref="CowTree{T,TOrder}"/>: negative when it lies before the element, positive when behind.</summary>
internal interface IBound<T>
{
    int CompareTo(in T element);
}

/// <summary>
/// An ordered set: a B+tree with one writer and any number of readers. A node that a reader may see is never changed, the
/// writer copies it; nodes it created since the last <see cref="Publish"/> are its own and are changed in place, so a group
/// of writes pays for the upper levels once. A reader holds a root and has a consistent set without a lock.
/// Inner nodes know the size of their subtrees: a bound is turned into a rank, a range is an interval of ranks, and
/// counting a range costs two descents.
/// </summary>
internal sealed partial class CowTree<T, TOrder> where TOrder : struct, IComparer<T>
{
    private const int Capacity = 64;

    /// <summary>Filling of nodes built from sorted input: room for later inserts without an immediate split.</summary>
    private const int BuildFill = 56;

    private static TOrder Order => default;

    private Node _root = new(0, isLeaf: true);
    private long _generation;

    /// <summary>Freezes the current state for readers.</summary>
    public Snapshot Publish()
    {
        _generation++;
        return new Snapshot(_root);
    }

    /// <summary>Replaces the contents by elements that are sorted and distinct.</summary>
    public void Build(ReadOnlySpan<T> sorted)
    {
        var level = new List<Node>();
        for (var at = 0; at < sorted.Length; at += BuildFill)
        {
            var leaf = new Node(_generation, isLeaf: true);
            var part = sorted.Slice(at, Math.Min(BuildFill, sorted.Length - at));
            part.CopyTo(leaf.Keys);
            leaf.Count = leaf.Size = part.Length;
            level.Add(leaf);
        }

        while (level.Count > 1)
        {
            var upper = new List<Node>((level.Count / BuildFill) + 1);
            for (var at = 0; at < level.Count; at += BuildFill)
            {
                var inner = new Node(_generation, isLeaf: false);
                for (var i = at; i < Math.Min(at + BuildFill, level.Count); i++)
                {
                    inner.Keys[inner.Count] = level[i].Keys[0];
                    inner.Children![inner.Count++] = level[i];
                    inner.Size += level[i].Size;
                }

                upper.Add(inner);
            }

            level = upper;
        }

        _root = level.Count == 0 ? new Node(_generation, isLeaf: true) : level[0];
    }

    /// <summary>Adds an element; nothing happens when an equal one is there.</summary>
    public bool Add(T element)
    {
        _root = Writable(_root);
        var right = Insert(_root, element, rightEdge: true, out var added);
        if (right is not null)
        {
            var root = new Node(_generation, isLeaf: false) { Count = 2, Size = _root.Size + right.Size };
            (root.Keys[0], root.Children![0]) = (_root.Keys[0], _root);
            (root.Keys[1], root.Children[1]) = (right.Keys[0], right);
            _root = root;
        }

        return added;
    }

    public bool Remove(T element)
    {
        _root = Writable(_root);
        var removed = Delete(_root, element);
        while (_root.Children is not null && _root.Count <= 1)
        {
            _root = _root.Count == 1 ? _root.Children[0] : new Node(_generation, isLeaf: true);
        }

        return removed;
    }

    private Node Writable(Node node) => node.Generation == _generation ? node : node.Clone(_generation);

    private Node? Insert(Node node, T element, bool rightEdge, out bool added)
    {
        if (node.Children is null)
        {
            var at = LowerBound(node, element);
            added = at == node.Count || Order.Compare(node.Keys[at], element) != 0;
            return added ? InsertAt(node, at, element, null, rightEdge) : null;
        }

        var i = ChildOf(node, element);
        var child = node.Children[i] = Writable(node.Children[i]);
        if (i == 0 && Order.Compare(element, node.Keys[0]) < 0)
        {
            node.Keys[0] = element;
        }

        var right = Insert(child, element, rightEdge && i == node.Count - 1, out added);
        node.Size += added ? 1 : 0;
        return right is null ? null : InsertAt(node, i + 1, right.Keys[0], right, rightEdge);
    }

    /// <summary>Inserts into a node, splitting it when it is full; the answer is the new right neighbour.</summary>
    private Node? InsertAt(Node node, int at, T key, Node? child, bool rightEdge)
    {
        Node? right = null;
        var target = node;
        if (node.Count == Capacity)
        {
            // Ever-growing keys (rid, LSN) always split at the right edge: leave full nodes behind, not half-full ones.
            var keep = rightEdge && at == Capacity ? Capacity : Capacity / 2;
            right = new Node(_generation, node.Children is null);
            node.MoveTail(keep, right);
            if (at > keep || keep == Capacity)
            {
                target = right;
                at -= keep;
            }
        }

        Array.Copy(target.Keys, at, target.Keys, at + 1, target.Count - at);
        target.Keys[at] = key;
        if (child is not null)
        {
            Array.Copy(target.Children!, at, target.Children!, at + 1, target.Count - at);
            target.Children![at] = child;
        }

        target.Count++;
        if (child is null)
        {
            target.Size++;
        }
        else if (right is not null)
        {
            node.SumSizes();
            right.SumSizes();
        }

        return right;
    }

    private bool Delete(Node node, T element)
    {
        if (node.Children is null)
        {
            var at = LowerBound(node, element);
            if (at == node.Count || Order.Compare(node.Keys[at], element) != 0)
            {
                return false;
            }

            node.RemoveAt(at);
            node.Size--;
            return true;
        }

        var i = ChildOf(node, element);
        var child = node.Children[i] = Writable(node.Children[i]);
        if (!Delete(child, element))
        {
            return false;
        }

        node.Size--;
        if (child.Count == 0)
        {
            node.RemoveAt(i);
        }
        else
        {
            // Also so that the separator does not keep a deleted item in memory.
            node.Keys[i] = child.Keys[0];
            if (child.Count < Capacity / 4)
            {
                MergeWithNeighbour(node, i);
            }
        }

        return true;
    }

    private void MergeWithNeighbour(Node parent, int i)
    {
        var left = i > 0 ? i - 1 : i;
        if (left + 1 >= parent.Count || parent.Children![left].Count + parent.Children[left + 1].Count > Capacity * 3 / 4)
        {
            return;
        }

        var into = parent.Children[left] = Writable(parent.Children[left]);
        into.Append(parent.Children[left + 1]);
        parent.RemoveAt(left + 1);
    }

    private static int LowerBound(Node node, T element)
    {
        int low = 0, high = node.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (Order.Compare(node.Keys[middle], element) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private static int ChildOf(Node node, T element)
    {
        int low = 0, high = node.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (Order.Compare(node.Keys[middle], element) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return Math.Max(low - 1, 0);
    }

    internal sealed class Node(long generation, bool isLeaf)
    {
        /// <summary>Elements of a leaf, or the least element of each child.</summary>
        public readonly T[] Keys = new T[Capacity];
        public readonly Node[]? Children = isLeaf ? null : new Node[Capacity];
        public readonly long Generation = generation;
        public int Count;
        public int Size;

        public Node Clone(long generation)
        {
            var copy = new Node(generation, Children is null) { Count = Count, Size = Size };
            Array.Copy(Keys, copy.Keys, Count);
            if (Children is not null)
            {
                Array.Copy(Children, copy.Children!, Count);
            }

            return copy;
        }

        public void MoveTail(int from, Node to)
        {
            to.Count = Count - from;
            Array.Copy(Keys, from, to.Keys, 0, to.Count);
            Array.Clear(Keys, from, to.Count);
            if (Children is not null)
            {
                Array.Copy(Children, from, to.Children!, 0, to.Count);
                Array.Clear(Children, from, to.Count);
            }

            Count = from;
            SumSizes();
            to.SumSizes();
        }

        public void Append(Node right)
        {
            Array.Copy(right.Keys, 0, Keys, Count, right.Count);
            if (Children is not null)
            {
                Array.Copy(right.Children!, 0, Children, Count, right.Count);
            }

            Count += right.Count;
            Size += right.Size;
        }

        public void RemoveAt(int at)
        {
            Count--;
            Array.Copy(Keys, at + 1, Keys, at, Count - at);
            Keys[Count] = default!;
            if (Children is not null)
            {
                Array.Copy(Children, at + 1, Children, at, Count - at);
                Children[Count] = null!;
            }
        }

        public void SumSizes()
        {
            Size = Count;
            if (Children is not null)
            {
                Size = 0;
                for (var i = 0; i < Count; i++)
                {
                    Size += Children[i].Size;
                }
            }
        }
    }
}
