using System.Text.Json.Nodes;

namespace XenoCrm.Insights;

/// <summary>A rule while it is put together from a sentence.</summary>
internal abstract record Draft
{
    /// <summary>Parts of one kind join before others do: "in Berlin or Munich and over 500".</summary>
    public abstract string Kind { get; }

    /// <summary>What every customer satisfies; it goes where anything else is asked for.</summary>
    public static readonly Draft Everybody = new DraftTest("createdAt", "notNull", null);

    public static Draft All(params Draft[] parts) => parts.Length == 1 ? parts[0] : new DraftGroup(false, false, parts);

    public static Draft Any(params Draft[] parts) => parts.Length == 1 ? parts[0] : new DraftGroup(true, false, parts);

    public static DraftTest Test(string field, string op, JsonNode? value = null) => new(field, op, value);

    /// <summary>The opposite: a comparison turns into its own opposite where there is one that also holds for missing values.</summary>
    public Draft Not() => this switch
    {
        DraftTest test when Opposite(test) is { } opposite => test with { Op = opposite },
        DraftGroup { IsNot: true } group => group with { IsNot = false },
        DraftGroup group => group with { IsNot = true },
        _ => new DraftGroup(false, true, [this]),
    };

    private static string? Opposite(DraftTest test) => test.Op switch
    {
        "=" => "!=", "!=" => "=", "in" => "notIn", "notIn" => "in", "contains" => "doesNotContain", "doesNotContain" => "contains",
        "inLast" => "notInLast", "notInLast" => "inLast", "null" => "notNull", "notNull" => "null",

        // Only what no customer lacks: elsewhere a missing value satisfies neither.
        _ when !IsTotal(test.Field) => null,
        ">" => "<=", "<=" => ">", "<" => ">=", ">=" => "<", "between" => "notBetween", "notBetween" => "between",
        _ => null,
    };

    private static bool IsTotal(string field) =>
        field is "totalSpend" or "orderCount" or "visits" or "engagement.sent" or "engagement.delivered" or "engagement.opened" or "engagement.clicked" or "createdAt" or "updatedAt";

    /// <summary>Without groups in groups of the same kind, and several values of one field as a list.</summary>
    public static Draft Simplify(Draft draft)
    {
        if (draft is not DraftGroup group)
        {
            return draft;
        }

        var parts = new List<Draft>();
        foreach (var part in group.Parts.Select(Simplify))
        {
            if (part is DraftGroup { IsNot: false } inner && (inner.IsAny == group.IsAny || inner.Parts.Count == 1))
            {
                parts.AddRange(inner.Parts);
            }
            else
            {
                parts.Add(part);
            }
        }

        Merge(parts, group.IsAny ? "=" : "!=", group.IsAny ? "in" : "notIn");
        Merge(parts, group.IsAny ? "contains" : "doesNotContain", group.IsAny ? "in" : "notIn");
        var unique = new List<Draft>();
        foreach (var part in parts)
        {
            if (!unique.Contains(part))
            {
                unique.Add(part);
            }
        }

        if (!group.IsAny && unique.Count > 1)
        {
            unique.Remove(Everybody);
        }

        return unique is [var only] ? (group.IsNot ? only.Not() : only) : group with { Parts = unique };
    }

    private static void Merge(List<Draft> parts, string single, string several)
    {
        foreach (var same in parts.OfType<DraftTest>().Where(t => t.Op == single && t.Value is not null && t.Value.GetValueKind() is not (System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False)
            && !IsTime(t.Field)).GroupBy(t => t.Field).Where(g => g.Count() > 1).Select(g => g.ToList()).ToList())
        {
            var values = same.Select(t => t.Value!.ToJsonString()).Distinct().Select(v => JsonNode.Parse(v)).ToArray();
            parts[parts.IndexOf(same[0])] = values.Length == 1 ? same[0] : new DraftTest(same[0].Field, several, new JsonArray(values));
            foreach (var other in same.Skip(1))
            {
                parts.Remove(other);
            }
        }
    }

    private static bool IsTime(string field) => field.EndsWith("At", StringComparison.Ordinal) || field == "birthday";

    /// <summary>As in the API: the outermost is a group.</summary>
    public static JsonObject ToRule(Draft draft)
    {
        var simple = Simplify(draft);
        return simple is DraftGroup group ? Group(group) : Group(new DraftGroup(false, false, [simple]));
    }

    private static JsonObject Group(DraftGroup group)
    {
        var json = new JsonObject { ["combinator"] = group.IsAny ? "or" : "and" };
        if (group.IsNot)
        {
            json["not"] = true;
        }

        json["rules"] = new JsonArray([.. group.Parts.Select(p => p switch
        {
            DraftGroup inner => Group(inner),
            DraftTest { Value: null } test => new JsonObject { ["field"] = test.Field, ["operator"] = test.Op },
            var other => new JsonObject { ["field"] = ((DraftTest)other).Field, ["operator"] = ((DraftTest)other).Op, ["value"] = ((DraftTest)other).Value!.DeepClone() },
        })]);
        return json;
    }
}

internal sealed record DraftTest(string Field, string Op, JsonNode? Value) : Draft
{
    public override string Kind => Field is "city" or "region" or "country" ? "place"
        : Field.Split('.') is ["categories", ..] or ["consent", ..] ? Field.Split('.')[0]
        : Field;

    public bool Equals(DraftTest? other) => other is not null && Field == other.Field && Op == other.Op && JsonNode.DeepEquals(Value, other.Value);

    public override int GetHashCode() => HashCode.Combine(Field, Op);
}

/// <summary>Never with an empty list.</summary>
internal sealed record DraftGroup(bool IsAny, bool IsNot, IReadOnlyList<Draft> Parts) : Draft
{
    public override string Kind => Parts[0].Kind is var kind && Parts.All(p => p.Kind == kind) ? kind : "";
}
