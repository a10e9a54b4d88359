using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <param name="Member">What is stored: as the last write of the customer or the last rebuild found.</param>
/// <param name="Rule">What the rule says of the customer now; <c>rule.passed</c> is the answer.</param>
public sealed record ExplainResponse(string SegmentId, string CustomerId, bool Member, RuleExplanation Rule, DateTimeOffset At);

/// <summary>Why a customer is or is not in a segment: each rule, the customer's value, and whether it passes.</summary>
public sealed class ExplainSegment(SegmentDirectory directory, RuleParser parser, CustomerStore customers, TimeProvider clock)
{
    public async Task<ExplainResponse> HandleAsync(string segmentId, string customerId, CancellationToken cancellation)
    {
        var segment = (await directory.RequireAsync(segmentId, cancellation)).Value;
        var customer = (await customers.ReadAsync(customerId, cancellation))?.Value ?? throw new CustomerNotFound(customerId).ToException();
        var now = clock.GetUtcNow();
        var rule = parser.Parse(segment.Rule);
        return new(segmentId, customerId, customer.SegmentIds.Contains(segmentId), RuleExplanation.Of(rule.Root, customer, new Moment(now)), now);
    }
}
