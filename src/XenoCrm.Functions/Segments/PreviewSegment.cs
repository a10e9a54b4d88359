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

/// <param name="Count">Exact, as of <paramref name="At"/>.</param>
/// <param name="Sample">Up to ten of them, in no particular order.</param>
public sealed record PreviewResponse(long Count, IReadOnlyList<SegmentMember> Sample, DateTimeOffset At);

/// <summary>Counts and shows who a rule would hold for, without saving it.</summary>
public sealed class PreviewSegment(RuleParser parser, CustomerStore customers, IOptions<WorkspaceOptions> workspace, TimeProvider clock)
{
    public const int SampleSize = 10;

    public async Task<PreviewResponse> HandleAsync(PreviewRequest request, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var filter = parser.Parse(request.Rule!.Value).ToFilter(new Moment(now));
        var count = customers.CountAsync(filter, cancellation);
        var sample = await customers.SampleAsync(filter, SampleSize, cancellation);
        return new(await count, [.. sample.Select(c => SegmentMember.Of(c, workspace.Value.Currency))], now);
    }
}
