using FluentValidation;
using FluentValidation.Results;

namespace XenoCrm.Customers;

/// <summary>What the <see cref="CustomerNormalizer"/> finds, said along with what could not be read of the body.</summary>
public sealed class CustomerInputValidator : AbstractValidator<CustomerInput>
{
    public CustomerInputValidator(TimeProvider clock) => RuleFor(c => c).Custom((input, context) =>
    {
        var issues = new List<FieldIssue>();
        CustomerNormalizer.Normalize(input, issues, now: clock.GetUtcNow());
        context.AddFailures(issues);
    });
}

public sealed class TagsInputValidator : AbstractValidator<TagsInput>
{
    public TagsInputValidator() => RuleFor(t => t).Custom((input, context) =>
    {
        var issues = new List<FieldIssue>();
        CustomerNormalizer.Tags(input.Add, "add", issues);
        CustomerNormalizer.Tags(input.Remove, "remove", issues);
        context.AddFailures(issues);
    });
}

public static class FieldIssueExtensions
{
    /// <summary>Issues that are no warnings.</summary>
    public static void AddFailures<T>(this ValidationContext<T> context, IEnumerable<FieldIssue> issues)
    {
        foreach (var issue in issues.Where(i => !i.IsWarning))
        {
            context.AddFailure(new ValidationFailure("/" + issue.Field, issue.Message));
        }
    }
}
