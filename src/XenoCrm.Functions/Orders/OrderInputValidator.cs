using FluentValidation;
using XenoCrm.Customers;

namespace XenoCrm.Orders;

/// <summary>What the <see cref="OrderNormalizer"/> finds, said along with what could not be read of the body.</summary>
public sealed class OrderInputValidator : AbstractValidator<OrderInput>
{
    public OrderInputValidator(OrderViews views) => RuleFor(o => o).Custom((input, context) =>
    {
        var issues = new List<FieldIssue>();
        OrderNormalizer.Normalize(input, views.Currency, issues);
        context.AddFailures(issues);
    });
}
