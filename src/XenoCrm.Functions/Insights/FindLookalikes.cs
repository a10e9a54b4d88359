using FluentValidation;
using Microsoft.Extensions.Options;
using XenoCrm.Campaigns;
using XenoCrm.Customers;
using XenoCrm.Delivery;
using XenoCrm.Platform;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Segments;

namespace XenoCrm.Insights;

/// <param name="K">How many customers at most; 100 when absent.</param>
/// <param name="MinScore">From 0 to 1; 0.5 when absent: nearer to the members than to the others.</param>
/// <param name="Channel">Leaves out who may not be written to there: without a usable address, by consent, or suppressed.</param>
/// <param name="Part">Which part of the customers is ranked, from 0 on, where there are too many for one answer.</param>
public sealed record LookalikeRequest(int? K, double? MinScore, Channel? Channel, int? Part);

public sealed class LookalikeRequestValidator : AbstractValidator<LookalikeRequest>
{
    public const int MaxK = 1000;

    public LookalikeRequestValidator()
    {
        RuleFor(r => r.K).InclusiveBetween(1, MaxK);
        RuleFor(r => r.MinScore).InclusiveBetween(0, 1);
        RuleFor(r => r.Part).GreaterThanOrEqualTo(0);
    }
}

public enum LookalikeOutcome
{
    Ranked,

    /// <summary>Too few members, or too few others, to learn from and to try it on.</summary>
    TooFew,

    /// <summary>On customers that it did not see the model does no better than a coin may: nobody is ranked by it.</summary>
    NotBetterThanChance,

    /// <summary>There is nothing to learn from but what the rule is about.</summary>
    NoFeatures,
}

/// <param name="Label">What customers do or are; of a number its field.</param>
/// <param name="Weight">In deviations: positive speaks for a member. The largest come first.</param>
public sealed record LookalikeWeight(string Field, string? Value, string Label, double Weight);

/// <param name="Kind">Always <c>logistic regression</c>.</param>
/// <param name="HeldOut">On a fifth of the customers, which the model did not see.</param>
/// <param name="LearntFrom">Customers that it did see.</param>
/// <param name="L2">Of the regularisation.</param>
public sealed record LookalikeModelView(string Kind, AucView HeldOut, int LearntFrom, int Features, double L2, IReadOnlyList<LookalikeWeight> Weights);

/// <param name="Score">How likely a member, were there as many members as others.</param>
/// <param name="Because">What speaks most for it.</param>
public sealed record Lookalike(SegmentMember Customer, double Score, IReadOnlyList<string> Because);

/// <param name="Examined">Customers that are no members and were scored.</param>
/// <param name="Of">All that are no members.</param>
/// <param name="Part">Of <paramref name="Parts"/>, each a random part of all customers.</param>
/// <param name="AboveMinScore">Of those examined, before the channel is looked at.</param>
public sealed record LookalikePool(int Examined, long Of, int Part, int Parts, int AboveMinScore);

/// <summary>Customers who are no members and look like them, the likest first. Nothing is saved.</summary>
/// <param name="Outcome">Other than <c>ranked</c>: why there is no audience.</param>
/// <param name="Sample">What the model learnt from and was tried on.</param>
/// <param name="Model">Null when there were too few.</param>
/// <param name="LeftOut">What the model may not learn from, and why.</param>
public sealed record LookalikeView(
    string SegmentId, LookalikeOutcome Outcome, SampleView Sample, LookalikeModelView? Model, IReadOnlyList<LeftOut> LeftOut, LookalikePool? Pool, IReadOnlyList<Lookalike> Audience, DateTimeOffset At);

/// <summary>
/// Who looks like a segment's members. Memory and time are bounded: a sample of both sides to learn from, and one part of the
/// customers to rank.
/// </summary>
public sealed class FindLookalikes(
    SegmentDirectory segments, RuleParser parser, ReadPopulation population, CustomerProfiles profiles, RuleCatalogue catalogue, SendDecisions decisions, IOptions<WorkspaceOptions> workspace)
{
    public const int MinEach = 100;

    /// <summary>Customers that one answer ranks, about.</summary>
    public const int PoolSize = 10_000;

    private const int DefaultK = 100;
    private const double DefaultScore = 0.5;
    private const int ShownWeights = 15;
    private const int Reasons = 3;
    private const int DecidedAtOnce = 500;

    public async Task<LookalikeView> HandleAsync(string segmentId, LookalikeRequest request, CancellationToken cancellation)
    {
        await parser.RefreshAsync(cancellation);
        var rule = parser.Parse((await segments.RequireAsync(segmentId, cancellation)).Value.Rule);
        var all = (await segments.AllAsync(cancellation)).ToDictionary(s => s.Id);
        var leaks = RuleLeaks.Of(rule, id => all.TryGetValue(id, out var other) ? parser.TryParse(other.Rule) : null);
        var people = await population.ReadAsync(segmentId, rule, cancellation);
        if (people.Members.Count < MinEach || people.Others.Count < MinEach)
        {
            return new(segmentId, LookalikeOutcome.TooFew, people.View, null, leaks, null, [], people.At);
        }

        var model = FitLookalike.Fit(people, Aspects.Of(catalogue.Types, new Dictionary<string, string>(), workspace.Value.Currency, people.At), leaks, cancellation);
        var told = new LookalikeModelView("logistic regression", model.HeldOut, model.LearntFrom, model.Features.All.Count, model.L2, Weights(model));
        var outcome = model.Features.All.Count == 0 ? LookalikeOutcome.NoFeatures : model.HeldOut.IsBetterThanChance ? LookalikeOutcome.Ranked : LookalikeOutcome.NotBetterThanChance;
        var (pool, audience) = outcome == LookalikeOutcome.Ranked ? await RankAsync(people, rule, model, request, cancellation) : (null, []);
        return new(segmentId, outcome, people.View, told, model.Features.LeftOut, pool, audience, people.At);
    }

    private async Task<(LookalikePool Pool, IReadOnlyList<Lookalike> Audience)> RankAsync(Population people, CompiledRule rule, LookalikeModel model, LookalikeRequest request, CancellationToken cancellation)
    {
        var part = request.Part ?? 0;
        var (candidates, parts) = (people.Others, 1);
        if (people.Part is not null)
        {
            var slices = IdSlice.Parts((double)PoolSize / people.View.Customers, people.View.Seed);
            parts = slices.Count;
            candidates = part >= parts ? [] : [.. (await profiles.ReadAsync(slices[part].Within(CustomerFilter.All), PoolSize * 2, cancellation)).Where(c => !rule.Matches(c, new Moment(people.At)))];
        }
        else if (part > 0)
        {
            candidates = [];
        }

        var least = request.MinScore ?? DefaultScore;
        var ranked = candidates.Select(c => (Customer: c, Row: model.Features.Row(c))).Select(c => (c.Customer, c.Row, Score: model.Score(c.Row)))
            .Where(c => c.Score >= least).OrderByDescending(c => c.Score).ThenBy(c => c.Customer.Id, StringComparer.Ordinal).ToList();
        var chosen = new List<Lookalike>();
        var k = request.K ?? DefaultK;
        foreach (var some in ranked.Chunk(DecidedAtOnce))
        {
            if (chosen.Count == k)
            {
                break;
            }

            var decided = request.Channel is { } channel ? await decisions.DecideAsync(channel, [.. some.Select(c => new Versioned<Customer>(c.Customer, ""))], cancellation) : null;
            chosen.AddRange(some.Where(c => decided is null || decided[c.Customer.Id].Decision.To is not null).Take(k - chosen.Count)
                .Select(c => new Lookalike(SegmentMember.Of(c.Customer, workspace.Value.Currency), Math.Round(c.Score, 4), Because(model, c.Row))));
        }

        return (new(candidates.Count, people.View.Customers - people.View.Members, part, parts, ranked.Count), chosen);
    }

    private static IReadOnlyList<LookalikeWeight> Weights(LookalikeModel model) =>
    [
        .. model.Features.All.Zip(model.Weights).OrderByDescending(f => Math.Abs(f.Second)).Take(ShownWeights)
            .Select(f => new LookalikeWeight(f.First.Field, f.First.Value, f.First.Label, Math.Round(f.Second, 4))),
    ];

    /// <summary>What is so of this customer, and speaks for a member.</summary>
    private static IReadOnlyList<string> Because(LookalikeModel model, double[] row) =>
    [
        .. model.Features.All.Select((feature, i) => (Feature: feature, Says: row[i] * model.Weights[i], Value: row[i]))
            .Where(f => f.Says > 0 && (f.Feature.IsNumber || f.Value > 0)).OrderByDescending(f => f.Says).Take(Reasons)
            .Select(f => f.Feature.IsNumber ? $"{f.Feature.Field} {(f.Value > 0 ? "above" : "below")} average" : f.Feature.Label),
    ];
}
