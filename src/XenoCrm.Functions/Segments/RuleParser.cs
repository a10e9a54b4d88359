using System.Text.Json;
using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <summary>
/// Reads the rule tree of <c>react-querybuilder</c>. Strict: what is not understood is an error with its JSON pointer, so that
/// a rule never means less than was written. Only the members that the component keeps for itself are skipped.
/// </summary>
public sealed class RuleParser(RuleCatalogue catalogue)
{
    public const int MaxDepth = 8;
    public const int MaxRules = 200;

    private static readonly string[] GroupMembers = ["combinator", "not", "rules"];
    private static readonly string[] RuleMembers = ["field", "operator", "value"];
    private static readonly string[] Ignored = ["id", "path", "disabled", "locked"];

    /// <param name="pointer">Where the rule is in the request: <c>/rule</c>.</param>
    /// <param name="isNew">The rule is being written, not one that is stored: attributes are held to their types.</param>
    /// <exception cref="Platform.Errors.ProblemException"><see cref="RuleInvalid"/>, <see cref="RuleTooDeep"/>, <see cref="RuleTooLarge"/></exception>
    public CompiledRule Parse(JsonElement rule, string pointer = "/rule", bool isNew = false)
    {
        var read = new Reader(catalogue, isNew);
        if (!IsText(rule))
        {
            read.Errors.Add(pointer, "A text in the rule is not valid Unicode.");
        }

        var root = read.Errors.Any ? null : read.Group(rule, pointer, 1);
        if (root is not null && !read.Errors.Any)
        {
            return new CompiledRule(root);
        }

        var errors = read.Errors.ToDictionary();
        Platform.Errors.Problem problem = read.TooDeep ? new RuleTooDeep(errors) : read.TooLarge ? new RuleTooLarge(errors) : new RuleInvalid(errors);
        throw problem.ToException();
    }

    /// <summary>As <see cref="Parse"/>; null for a rule that cannot be read (any more).</summary>
    public CompiledRule? TryParse(JsonElement rule, bool isNew = false)
    {
        try
        {
            return Parse(rule, isNew: isNew);
        }
        catch (Platform.Errors.ProblemException)
        {
            return null;
        }
    }

    /// <summary>Rules read with other types than these are to be read again.</summary>
    public AttributeTypes Types => catalogue.Types;

    /// <summary>Before rules are read: see <see cref="RuleCatalogue.RefreshAsync"/>.</summary>
    public ValueTask RefreshAsync(CancellationToken cancellation) => catalogue.RefreshAsync(cancellation);

    /// <summary>JSON can spell half a surrogate pair, which no text can hold: whoever reads or stores it later would fail.</summary>
    private static bool IsText(JsonElement json)
    {
        try
        {
            return json.ValueKind switch
            {
                JsonValueKind.String => json.GetString() is not null,
                JsonValueKind.Array => json.EnumerateArray().All(IsText),
                JsonValueKind.Object => json.EnumerateObject().All(m => m.Name is not null && IsText(m.Value)),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private sealed class Reader(RuleCatalogue catalogue, bool isNew)
    {
        private int rules;

        public RuleErrors Errors { get; } = new();

        public bool TooDeep { get; private set; }

        public bool TooLarge => rules > MaxRules;

        public RuleGroup? Group(JsonElement json, string pointer, int depth)
        {
            if (json.ValueKind != JsonValueKind.Object)
            {
                return Refuse<RuleGroup>(pointer, "An object with combinator and rules is expected.");
            }

            if (depth > MaxDepth)
            {
                TooDeep = true;
                return Refuse<RuleGroup>(pointer, $"Groups are at most {MaxDepth} levels deep.");
            }

            CheckMembers(json, pointer, GroupMembers);
            var any = Combinator(json, pointer);
            var not = Not(json, pointer);
            if (!json.TryGetProperty("rules", out var list) || list.ValueKind != JsonValueKind.Array)
            {
                return Refuse<RuleGroup>($"{pointer}/rules", "A list of rules is expected.");
            }

            // Everyone is a segment one may want, so the root may be empty. Inside, an empty group is one that was not filled in.
            if (list.GetArrayLength() == 0 && (depth > 1 || any == true))
            {
                return Refuse<RuleGroup>($"{pointer}/rules", "A group needs at least one rule. Only the outermost one may be empty, with the combinator and: it means every customer.");
            }

            var nodes = new List<RuleNode>();
            var index = 0;
            foreach (var item in list.EnumerateArray())
            {
                if (rules > MaxRules)
                {
                    break;
                }

                var at = $"{pointer}/rules/{index++}";
                RuleNode? node = item.ValueKind == JsonValueKind.Object && item.TryGetProperty("field", out _) ? Rule(item, at) : Group(item, at, depth + 1);
                if (node is not null)
                {
                    nodes.Add(node);
                }
            }

            return any is null || not is null ? null : new RuleGroup(any.Value, not.Value, [.. nodes]);
        }

        private RuleTest? Rule(JsonElement json, string pointer)
        {
            if (++rules > MaxRules)
            {
                return Refuse<RuleTest>(pointer, $"At most {MaxRules} rules are allowed.");
            }

            CheckMembers(json, pointer, RuleMembers);
            if (Text(json, "field") is not { } name)
            {
                return Refuse<RuleTest>($"{pointer}/field", "The name of a field is expected.");
            }

            if (catalogue.Find(name, out var reason, isNew) is not { } field)
            {
                return Refuse<RuleTest>($"{pointer}/field", reason!);
            }

            if (Text(json, "operator") is not { } text || !RuleOperators.TryParse(text, out var op))
            {
                return Refuse<RuleTest>($"{pointer}/operator", "There is no such operator.");
            }

            if (!field.Operators.Contains(op))
            {
                return Refuse<RuleTest>($"{pointer}/operator", $"This field has the operators {string.Join(' ', field.Operators.Select(o => o.ToText()))}.");
            }

            json.TryGetProperty("value", out var value);
            if (op is RuleOperator.Null or RuleOperator.NotNull)
            {
                return new PresenceTest(field, op, value);
            }

            if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            {
                return Refuse<RuleTest>($"{pointer}/value", "A value is expected; the operators null and notNull ask whether there is one.");
            }

            return field.Read(op, new RuleValue(value, $"{pointer}/value", Errors));
        }

        private bool? Combinator(JsonElement json, string pointer)
        {
            switch (Text(json, "combinator"))
            {
                case "and":
                    return false;
                case "or":
                    return true;
                default:
                    Errors.Add($"{pointer}/combinator", "and or or is expected.");
                    return null;
            }
        }

        private bool? Not(JsonElement json, string pointer)
        {
            if (!json.TryGetProperty("not", out var not))
            {
                return false;
            }

            if (not.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                return not.GetBoolean();
            }

            Errors.Add($"{pointer}/not", "true or false is expected.");
            return null;
        }

        private void CheckMembers(JsonElement json, string pointer, string[] known)
        {
            var unknown = 0;
            foreach (var member in json.EnumerateObject())
            {
                if (known.Any(member.NameEquals) || Ignored.Any(member.NameEquals))
                {
                    continue;
                }

                // Comparing a field with another field ("valueSource": "field") is not offered.
                if (member.NameEquals("valueSource"))
                {
                    if (member.Value.ValueKind != JsonValueKind.String || !member.Value.ValueEquals("value"))
                    {
                        Errors.Add($"{pointer}/valueSource", "Only value is offered.");
                    }

                    continue;
                }

                unknown++;
            }

            if (unknown > 0)
            {
                Errors.Add(pointer, $"{(unknown == 1 ? "A member" : "Members")} not known here; expected are {string.Join(", ", known)}.");
            }
        }

        private static string? Text(JsonElement json, string member) =>
            json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

        private T? Refuse<T>(string pointer, string message)
            where T : class
        {
            Errors.Add(pointer, message);
            return null;
        }
    }
}
