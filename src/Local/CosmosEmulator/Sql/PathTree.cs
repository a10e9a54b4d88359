using System.Text;
using XenoCrm.Local.CosmosEmulator.Json;

namespace XenoCrm.Local.CosmosEmulator.Sql;

/// <summary>
/// The property paths a query uses, as a tree. One forward pass over an item's bytes fills their slots, skips everything
/// else undecoded and stops as soon as all were seen.
/// </summary>
internal sealed class PathTree
{
    private readonly Node _root = new([]);
    private readonly List<int> _slots = [];

    private sealed class Node(byte[] name)
    {
        public readonly byte[] Name = name;
        public int Slot = -1;
        public Node[] Children = [];

        // Bit n: a child's name has n bytes (modulo 64). Most properties are ruled out by this alone.
        public ulong Lengths;
    }

    public bool IsEmpty => _slots.Count == 0;

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

    public void Extract(ReadOnlyMemory<byte> json, JsonValue[] slots)
    {
        foreach (var slot in _slots)
        {
            slots[slot] = default;
        }

        if (_root.Children.Length > 0)
        {
            Object(_root, json, json.Span, 0, slots);
        }
    }

    /// <summary>Reads the object at an index; the answer is the index behind it, or -1 when it stopped early.</summary>
    private static int Object(Node node, ReadOnlyMemory<byte> memory, ReadOnlySpan<byte> json, int at, JsonValue[] slots)
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
                at = child.Children.Length == 0 ? -1 : Object(child, memory, json, valueAt, slots);
                if (child.Slot >= 0)
                {
                    slots[child.Slot] = JsonValue.At(memory, valueAt, out at);
                }
                else if (at < 0)
                {
                    at = JsonScan.SkipValue(json, valueAt);
                }

                if (--missing == 0)
                {
                    return -1;
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
            text.Append(plain ? name : $"\"{name}\"");
        }

        return text.ToString();
    }
}
