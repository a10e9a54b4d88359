using System.Text.Json;
using FluentValidation;
using FluentValidation.Results;
using XenoCrm.Customers;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Segments;

/// <summary>What a caller says of a segment.</summary>
/// <param name="Rule">The tree of react-querybuilder.</param>
public sealed record SegmentInput(string? Name, string? Description, JsonElement? Rule);

public sealed class SegmentInputValidator : AbstractValidator<SegmentInput>
{
    private readonly RuleParser parser;

    public SegmentInputValidator(RuleParser parser)
    {
        this.parser = parser;
        RuleFor(s => s.Name).NotEmpty().MaximumLength(100);
        RuleFor(s => s.Description).MaximumLength(1000);
        RuleFor(s => s.Rule).NotNull();
    }

    /// <summary>What is wrong with the rule is said along with the rest. A rule that alone is wrong has codes of its own: it is left to who saves it.</summary>
    public override async Task<ValidationResult> ValidateAsync(ValidationContext<SegmentInput> context, CancellationToken cancellation = default)
    {
        var result = await base.ValidateAsync(context, cancellation);
        if (!result.IsValid && context.InstanceToValidate.Rule is { } rule)
        {
            await parser.RefreshAsync(cancellation);
            try
            {
                parser.Parse(rule);
            }
            catch (ProblemException exception) when (exception.Problem.Errors is { } errors)
            {
                result.Errors.AddRange(errors.SelectMany(e => e.Value.Select(m => new ValidationFailure(e.Key, m))));
            }
        }

        return result;
    }
}

/// <param name="Members">As of <paramref name="RebuiltAt"/>; each write of a customer changes it at once, the count follows with the next rebuild.</param>
/// <param name="Progress">Of the rebuild under way.</param>
/// <param name="NextChangeAt">When time alone will next bring a customer in or out: a rebuild is due then.</param>
public sealed record SegmentView(
    string Id, string Name, string? Description, JsonElement Rule, SegmentState State,
    long? Members, DateTimeOffset? RebuiltAt, RebuildProgress? Progress, DateTimeOffset? NextChangeAt, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    internal static SegmentView Of(Segment segment, SegmentBuild? build) => new(
        segment.Id, segment.Name, segment.Description, segment.Rule,
        build?.Version == segment.Version ? SegmentState.Ready : SegmentState.Building,
        build?.MemberCount, build?.BuiltAt, build?.Progress, build?.NextChangeAt, segment.CreatedAt, segment.UpdatedAt);
}

/// <summary>A customer in short. The totals are in the workspace's currency.</summary>
public sealed record SegmentMember(
    string Id, string? ExternalId, string? FirstName, string? LastName, string? Email, string? Phone, string? City, string? Country,
    decimal TotalSpend, int OrderCount, DateTimeOffset? LastActiveAt)
{
    internal static SegmentMember Of(Customer c, string currency) => new(
        c.Id, c.ExternalId, c.FirstName, c.LastName, c.Email, c.Phone, c.City, c.Country,
        Platform.Money.ToMajor(c.TotalSpend, currency), c.OrderCount, c.LastActiveAt);
}
