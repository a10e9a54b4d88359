using System.Text;
using System.Text.Json.Nodes;

namespace XenoCrm.Local.CosmosEmulator.Storage;

/// <summary>Which paths a container indexes, from its <c>indexingPolicy</c>: the most specific pattern decides.</summary>
internal sealed class IndexingPolicy
{
    // The service's limits.
    private const int MaxIncludedPaths = 1500, MaxComposites = 100, MaxCompositePaths = 8;

    private readonly List<(string[] Segments, bool Exact, bool Included)> _patterns = [];
    private readonly List<(string Path, bool Descending)[]> _composites = [];

    private IndexingPolicy()
    {
    }

    /// <summary>The patterns as a tree, for a walk over an item. It decides as <see cref="IsIncluded"/> does.</summary>
    public Node Root { get; } = new([]);

    /// <summary>A path that patterns name.</summary>
    public sealed class Node(byte[] name)
    {
        private readonly List<Node> _children = [];

        /// <summary>What a pattern says about a scalar at exactly this path.</summary>
        public bool? Exact { get; private set; }

        /// <summary>What a pattern says about this path and everything below it that no longer pattern names.</summary>
        public bool? Below { get; private set; }

        public Node? Child(ReadOnlySpan<byte> childName)
        {
            foreach (var child in _children)
            {
                if (childName.SequenceEqual(child.Name))
                {
                    return child;
                }
            }

            return null;
        }

        public void Add(ReadOnlySpan<string> segments, bool exact, bool included)
        {
            if (segments.IsEmpty)
            {
                // Where one pattern is both included and excluded, it is included.
                Exact = exact ? (Exact ?? false) || included : Exact;
                Below = exact ? Below : (Below ?? false) || included;
                return;
            }

            var utf8 = Encoding.UTF8.GetBytes(segments[0]);
            if (Child(utf8) is not { } child)
            {
                _children.Add(child = new Node(utf8));
            }

            child.Add(segments[1..], exact, included);
        }

        private byte[] Name { get; } = name;
    }

    /// <summary>Number of paths included by name; with "/*" every value counts.</summary>
    public int IncludedPaths { get; private set; }

    public bool IncludesEverything { get; private set; }

    /// <exception cref="EmulatorException">The policy is not one the service accepts.</exception>
    public static IndexingPolicy Parse(JsonObject container)
    {
        var result = new IndexingPolicy();
        if (container["indexingPolicy"] is not JsonObject policy)
        {
            result.AddPattern("/*", included: true);
            return result;
        }

        if (string.Equals((string?)policy["indexingMode"], "none", StringComparison.OrdinalIgnoreCase))
        {
            result.AddPattern("/*", included: false);
            return result;
        }

        var root = false;
        foreach (var (name, included) in new[] { ("includedPaths", true), ("excludedPaths", false) })
        {
            foreach (var entry in policy[name] as JsonArray ?? [])
            {
                var path = (string?)entry?["path"] ?? throw new EmulatorException(400, $"An entry of {name} has no path.");
                root |= path == "/*";
                result.AddPattern(path, included);
            }
        }

        if (result._patterns.Count == 0)
        {
            result.AddPattern("/*", included: true);
        }
        else if (!root)
        {
            throw new EmulatorException(400, "The special mandatory indexing path \"/*\" is in neither includedPaths nor excludedPaths.");
        }

        if (result.IncludedPaths > MaxIncludedPaths)
        {
            throw new EmulatorException(400, $"An indexing policy has at most {MaxIncludedPaths} included paths, this one has {result.IncludedPaths}.");
        }

        foreach (var composite in policy["compositeIndexes"] as JsonArray ?? [])
        {
            result._composites.Add([.. (composite as JsonArray ?? []).Select(path => (
                Normalize((string?)path?["path"] ?? throw new EmulatorException(400, "A composite index has an entry without a path.")),
                string.Equals((string?)path!["order"], "descending", StringComparison.OrdinalIgnoreCase)))]);
            if (result._composites[^1].Length is < 2 or > MaxCompositePaths)
            {
                throw new EmulatorException(400, $"A composite index has two to {MaxCompositePaths} paths, this one has {result._composites[^1].Length}.");
            }
        }

        if (result._composites.Count > MaxComposites)
        {
            throw new EmulatorException(400, $"An indexing policy has at most {MaxComposites} composite indexes, this one has {result._composites.Count}.");
        }

        return result;
    }

    public bool IsIncluded(string path)
    {
        var segments = Split(path);
        if (segments is ["id", "?"] or ["_ts", "?"])
        {
            return true;
        }

        var (best, included) = (-1, false);
        foreach (var pattern in _patterns)
        {
            var length = pattern.Segments.Length;
            var matches = pattern.Exact
                ? segments.Length == length + 1 && segments[^1] == "?"
                : segments.Length >= length + 1;
            var rank = (length * 2) + (pattern.Exact ? 1 : 0);
            if (matches && rank >= best && segments.AsSpan(0, length).SequenceEqual(pattern.Segments))
            {
                (best, included) = (rank, rank == best ? included || pattern.Included : pattern.Included);
            }
        }

        return included;
    }

    public bool HasComposite(IReadOnlyList<(string Path, bool Descending)> paths)
    {
        return _composites.Exists(composite => composite.Length == paths.Count && (Serves(composite, false) || Serves(composite, true)));

        bool Serves((string Path, bool Descending)[] composite, bool reversed)
        {
            for (var i = 0; i < composite.Length; i++)
            {
                if (composite[i].Path != Normalize(paths[i].Path) || composite[i].Descending != (paths[i].Descending ^ reversed))
                {
                    return false;
                }
            }

            return true;
        }
    }

    private void AddPattern(string path, bool included)
    {
        var segments = Split(path);
        if (segments.Length == 0 || segments[^1] is not ("?" or "*"))
        {
            throw new EmulatorException(400, $"The indexing path '{path}' must start with / and end with /? or /*.");
        }

        _patterns.Add((segments[..^1], segments[^1] == "?", included));
        Root.Add(segments.AsSpan(0, segments.Length - 1), segments[^1] == "?", included);
        IncludesEverything |= included && segments is ["*"];
        IncludedPaths += included ? 1 : 0;
    }

    /// <summary>A path without its trailing "/?": composite indexes and ORDER BY write it either way.</summary>
    private static string Normalize(string path)
    {
        var segments = Split(path);
        return string.Join('/', segments.Length > 0 && segments[^1] == "?" ? segments[..^1] : segments);
    }

    /// <summary>The segments of "/a/\"b c\"/[]/?", quotes removed.</summary>
    public static string[] Split(string path)
    {
        var segments = new List<string>();
        for (var at = 0; at < path.Length;)
        {
            if (path[at++] != '/')
            {
                throw new EmulatorException(400, $"The path '{path}' is not valid.");
            }

            if (at < path.Length && path[at] == '"')
            {
                var text = new StringBuilder();
                for (at++; at < path.Length && path[at] != '"'; at++)
                {
                    if (path[at] == '\\' && at + 1 < path.Length)
                    {
                        at++;
                    }

                    text.Append(path[at]);
                }

                at++;
                segments.Add(text.ToString());
            }
            else
            {
                var end = path.IndexOf('/', at);
                end = end < 0 ? path.Length : end;
                segments.Add(path[at..end]);
                at = end;
            }
        }

        return [.. segments];
    }
}
