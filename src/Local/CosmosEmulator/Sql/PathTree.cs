using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>
/// The property paths a query uses, as a tree. One forward pass over an item's bytes fills their slots, skips everything
/// else undecoded and stops as soon as all were seen.
/// </summary>
internal sealed class PathTree
{
    // Answers of Object instead of an index: all paths of the object were seen; a guard refused the item.
    private const int Complete = -1;
    private const int Refused = -2;

    private readonly Node _root = new([]);
    private readonly List<int> _slots = [];

    private sealed class Node(byte[] name)
    {
        public readonly byte[] Name = name;
        public int Slot = -1;
        public Test? Guard;
        public Node[] Children = [];

        // Bit n: a child's name has n bytes (modulo 64). Most properties are ruled out by this alone.
        public ulong Lengths;
    }

    public bool TryFind(IReadOnlyList<string> path, out int slot)
    {
        var node = _root;
        foreach (var name in path)
        {
            var child = Child(node, Encoding.UTF8.GetBytes(name));
            if (child is null)
            {
                slot = -1;
                return false;
            }

            node = child;
        }

        slot = node.Slot;
        return slot >= 0;
    }

    public void Add(IReadOnlyList<string> path, int slot)
    {
        var node = _root;
        foreach (var name in path)
        {
            var utf8 = Encoding.UTF8.GetBytes(name);
            var child = Child(node, utf8);
            if (child is null)
            {
                child = new Node(utf8);
                node.Children = [.. node.Children, child];
                node.Lengths |= 1UL << (utf8.Length & 63);
            }

            node = child;
        }

        node.Slot = slot;
        _slots.Add(slot);
    }

    private static Node? Child(Node node, ReadOnlySpan<byte> name)
    {
        foreach (var child in node.Children)
        {
            if (name.SequenceEqual(child.Name))
            {
                return child;
            }
        }

        return null;
    }

    /// <summary>
    /// Adds a condition on one path that every result must meet: an item that fails it is given up right there, which halves
    /// the cost of a scan whose first condition is selective.
    /// </summary>
    public void AddGuard(IReadOnlyList<string> path, Test guard)
    {
        var node = path.Aggregate(_root, (n, name) => Child(n, Encoding.UTF8.GetBytes(name))!);
        var before = node.Guard;
        node.Guard = before is null ? guard : row => before(row) == Truth.True ? guard(row) : Truth.False;
    }

    /// <summary>False when a guard says that the item cannot match; its slots are not all filled then.</summary>
    public bool Extract(ReadOnlyMemory<byte> json, Row row)
    {
        foreach (var slot in _slots)
        {
            row.Slots[slot] = default;
        }

        return _root.Children.Length == 0 || Object(_root, json, json.Span, 0, row) != Refused;
    }

    /// <summary>Reads the object at an index; the answer is the index behind it, or that it stopped early.</summary>
    private static int Object(Node node, ReadOnlyMemory<byte> memory, ReadOnlySpan<byte> json, int at, Row row)
    {
        if ((uint)at >= (uint)json.Length || json[at] != (byte)'{')
        {
            return JsonScan.SkipValue(json, at);
        }

        var missing = node.Children.Length;
        at = JsonScan.SkipWhite(json, at + 1);
        while ((uint)at < (uint)json.Length && json[at] == (byte)'"')
        {
            var start = at + 1;
            var end = JsonScan.StringEnd(json, start, out var escaped);
            at = JsonScan.SkipWhite(json, JsonScan.SkipWhite(json, end + 1) + 1);
            if (end > json.Length)
            {
                break;
            }

            var name = json[start..end];
            var child = escaped ? Child(node, JsonText.Unescape(name))
                : (node.Lengths >> (name.Length & 63) & 1) != 0 ? Child(node, name)
                : null;
            if (child is null)
            {
                at = JsonScan.SkipValue(json, at);
            }
            else
            {
                var valueAt = at;
                at = child.Children.Length == 0 ? Complete : Object(child, memory, json, valueAt, row);
                if (at == Refused)
                {
                    return Refused;
                }

                if (child.Slot >= 0)
                {
                    row.Slots[child.Slot] = JsonValue.At(memory, valueAt, out at);
                    if (child.Guard is { } guard && guard(row) != Truth.True)
                    {
                        return Refused;
                    }
                }
                else if (at == Complete)
                {
                    at = JsonScan.SkipValue(json, valueAt);
                }

                if (--missing == 0)
                {
                    return Complete;
                }
            }

            at = JsonScan.SkipWhite(json, at);
            if ((uint)at >= (uint)json.Length || json[at] != (byte)',')
            {
                return at + 1;
            }

            at = JsonScan.SkipWhite(json, at + 1);
        }

        return at + 1;
    }

    /// <summary>The path as indexing policies write it, without the tail: <c>/a/b</c>.</summary>
    public static string PolicyPath(IEnumerable<string> path)
    {
        var text = new StringBuilder();
        foreach (var name in path)
        {
            text.Append('/');
            var plain = name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && !char.IsAsciiDigit(name[0]);
            text.Append(plain ? name : $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
        }

        return text.ToString();
    }
}
