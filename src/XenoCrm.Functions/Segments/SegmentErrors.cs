using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

public sealed record RuleInvalid : Problem
{
    public RuleInvalid(IReadOnlyDictionary<string, string[]> errors)
        : base(400, "segment.rule_invalid", "The rule is invalid", "The rule has parts that cannot be evaluated; see errors.") => Errors = errors;
}

public sealed record SegmentNotFound(string Id)
    : Problem(404, "segment.not_found", "There is no such segment", $"No segment has the id {Id}.");

public sealed record SegmentCycle(string Id)
    : Problem(409, "segment.cycle", "Segments depend on each other in a circle", $"The rule asks about segment {Id}, whose own rule depends on this one.");

public sealed record SegmentInUse(string By)
    : Problem(409, "segment.in_use", "The segment is in use", $"The rule of segment {By} asks about it.");
