using XenoCrm.Customers;

namespace XenoCrm.Segments;

/// <param name="Member">What is stored: as the last write of the customer or the last rebuild found.</param>
/// <param name="Rule">What the rule says of the customer now; <c>rule.passed</c> is the answer.</param>
/// <param name="Because">The comparisons that decide it.</param>
public sealed record ExplainResponse(
    string SegmentId, string CustomerId, bool Member, RuleExplanation Rule, IReadOnlyList<RuleExplanation> Because, DateTimeOffset At);

/// <summary>Why a customer is or is not in a segment: each rule, the customer's value, and whether it passes.</summary>
public sealed class ExplainSegment(SegmentDirectory directory, RuleParser parser, SegmentTagger tagger, CustomerStore customers, TimeProvider clock)
{
    public async Task<ExplainResponse> HandleAsync(string segmentId, string customerId, CancellationToken cancellation)
    {
        var segment = (await directory.RequireAsync(segmentId, cancellation)).Value;
        var customer = (await customers.ReadAsync(customerId, cancellation))?.Value ?? throw new CustomerNotFound(customerId).ToException();
        var now = clock.GetUtcNow();
        var moment = new Moment(now);
        await parser.RefreshAsync(cancellation);
        var rule = parser.Parse(segment.Rule);

        // Comparisons with other segments are told as those are now, not as they were stored.
        await tagger.RefreshAsync(cancellation);
        var present = customer with { SegmentIds = tagger.Rules.SegmentsOf(customer, moment) };
        return new(
            segmentId, customerId, customer.SegmentIds.Contains(segmentId),
            RuleExplanation.Of(rule.Root, present, moment), RuleExplanation.Because(rule.Root, present, moment), now);
    }
}
