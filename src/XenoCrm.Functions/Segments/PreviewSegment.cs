using System.Text.Json;
using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Customers;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

public sealed record PreviewRequest(JsonElement? Rule);

public sealed class PreviewRequestValidator : AbstractValidator<PreviewRequest>
{
    public PreviewRequestValidator() => RuleFor(r => r.Rule).NotNull();
}

/// <param name="Because">The comparisons that decide: all of an "and", those that hold of an "or".</param>
public sealed record PreviewMember(SegmentMember Customer, IReadOnlyList<RuleExplanation> Because);

/// <param name="Count">Exact, as of <paramref name="At"/>.</param>
/// <param name="Sample">Up to twenty of them, in no particular order.</param>
/// <param name="Channels">How many of them a message would reach, and what that would cost in <paramref name="Currency"/>.</param>
public sealed record PreviewResponse(long Count, IReadOnlyList<PreviewMember> Sample, IReadOnlyList<ChannelEstimate> Channels, string Currency, DateTimeOffset At);

/// <summary>Counts and shows who a rule would hold for, without saving it.</summary>
public sealed class PreviewSegment(RuleParser parser, CustomerStore customers, ChannelReach reach, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    public const int SampleSize = 20;

    public async Task<PreviewResponse> HandleAsync(PreviewRequest request, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var moment = new Moment(now);
        await parser.RefreshAsync(cancellation);
        var rule = parser.Parse(request.Rule!.Value, isNew: true);
        var filter = rule.ToFilter(moment);
        var currency = workspace.Value.Currency;
        var count = customers.CountAsync(filter, cancellation);
        var channels = reach.EstimateAsync(filter, cancellation);
        var sample = customers.SampleAsync(filter, SampleSize, cancellation);
        await Task.WhenAll(count, channels, sample);
        return new(
            await count,
            [.. (await sample).Select(c => new PreviewMember(SegmentMember.Of(c, currency), RuleExplanation.Because(rule.Root, c, moment)))],
            await channels, currency, now);
    }
}
