using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

public sealed record RuleInvalid : Problem
{
    public RuleInvalid(IReadOnlyDictionary<string, string[]> errors)
        : base(400, "segment.rule_invalid", "The rule is invalid", "The rule has parts that cannot be evaluated; see errors.") => Errors = errors;
}

public sealed record RuleTooDeep : Problem
{
    public RuleTooDeep(IReadOnlyDictionary<string, string[]> errors)
        : base(400, "segment.rule_too_deep", "The rule is nested too deep", $"Groups are at most {RuleParser.MaxDepth} levels deep, the outermost one included.") => Errors = errors;
}

public sealed record RuleTooLarge : Problem
{
    public RuleTooLarge(IReadOnlyDictionary<string, string[]> errors)
        : base(400, "segment.rule_too_large", "The rule has too many parts", $"A rule has at most {RuleParser.MaxRules} comparisons.") => Errors = errors;
}

public sealed record SegmentNotFound(string Id)
    : Problem(404, "segment.not_found", "There is no such segment", $"No segment has the id {Id}.");

public sealed record SegmentCycle(string Id)
    : Problem(409, "segment.cycle", "Segments depend on each other in a circle", $"The rule asks about segment {Id}, whose own rule depends on this one.");

public sealed record SegmentInUse : Problem
{
    public SegmentInUse(IReadOnlyList<SegmentUse> by)
        : base(409, "segment.in_use", "The segment is in use", $"It is used by {string.Join(", ", by.Take(10).Select(u => $"{u.Kind} {u.Id} ({u.Name})"))}{(by.Count > 10 ? $" and {by.Count - 10} more" : "")}.") =>
        By = by;

    public IReadOnlyList<SegmentUse> By { get; }
}
