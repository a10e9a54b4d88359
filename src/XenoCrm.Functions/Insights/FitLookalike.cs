using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using XenoCrm.Customers;

namespace XenoCrm.Insights;

/// <param name="HeldOut">On customers that the model did not see.</param>
/// <param name="L2">The weight of regularisation, chosen on customers that were not learnt from either.</param>
internal sealed record LookalikeModel(LookalikeFeatures Features, double[] Weights, double Bias, AucView HeldOut, double L2, int LearntFrom)
{
    /// <summary>How likely a member, were there as many members as others: 0.5 is as near to the one as to the other.</summary>
    public double Score(double[] row) => RocCurve.Logistic(Linear(row, Weights, Bias));

    public static double Linear(double[] row, double[] weights, double bias)
    {
        for (var i = 0; i < row.Length; i++)
        {
            bias += row[i] * weights[i];
        }

        return bias;
    }
}

/// <summary>
/// Learns who is a member by logistic regression, the same from the same customers: three fifths to learn from, a fifth to choose
/// the regularisation by, and a fifth, looked at once and last, that says how good it is.
/// </summary>
internal static class FitLookalike
{
    /// <summary>Weak to strong.</summary>
    private static readonly float[] Strengths = [0.1f, 1, 10, 100];

    private sealed class Row
    {
        public float[] Features { get; set; } = [];

        public bool Label { get; set; }

        public float Weight { get; set; }
    }

    private sealed record Sides(IReadOnlyList<Customer> Members, IReadOnlyList<Customer> Others);

    /// <returns>With no features: a model that knows nothing.</returns>
    public static LookalikeModel Fit(Population population, IReadOnlyList<Aspect> aspects, IReadOnlyList<LeftOut> leaks, CancellationToken cancellation)
    {
        var seed = (int)(population.View.Seed & int.MaxValue);
        var (members, others) = (Split(population.Members, seed), Split(population.Others, seed + 1));
        var learn = new Sides(members.Learn, others.Learn);
        var features = LookalikeFeatures.Of(aspects, leaks, learn.Members, learn.Others);
        var heldOut = new Sides(members.Test, others.Test);
        if (features.All.Count == 0)
        {
            return new(features, [], 0, new(0.5, 0.5, 0.5, heldOut.Members.Count, heldOut.Others.Count), 0, 0);
        }

        var rows = Rows(learn, features);
        var choose = Rows(new(members.Choose, others.Choose), features);
        var best = Strengths.Select(strength =>
        {
            cancellation.ThrowIfCancellationRequested();
            var (w, b) = Train(rows, features.All.Count, strength, seed);
            return (Strength: strength, Loss: Loss(choose, w, b));
        }).OrderBy(t => t.Loss).ThenByDescending(t => t.Strength).First().Strength;

        // What the strength was chosen by is learnt from as well.
        var all = new Sides([.. members.Learn, .. members.Choose], [.. others.Learn, .. others.Choose]);
        var (weights, bias) = Train(Rows(all, features), features.All.Count, best, seed);
        double[] Scores(IReadOnlyList<Customer> customers) => [.. customers.Select(c => LookalikeModel.Linear(features.Row(c), weights, bias))];
        return new(features, weights, bias, RocCurve.Auc(Scores(heldOut.Members), Scores(heldOut.Others)), best, all.Members.Count + all.Others.Count);
    }

    private static (List<Customer> Learn, List<Customer> Choose, List<Customer> Test) Split(IReadOnlyList<Customer> customers, int seed)
    {
        // By id first: the order in which a database answers is its own affair.
        var shuffled = customers.OrderBy(c => c.Id, StringComparer.Ordinal).ToArray();
        new Random(seed).Shuffle(shuffled);
        var fifth = shuffled.Length / 5;
        return ([.. shuffled[..^(2 * fifth)]], [.. shuffled[^(2 * fifth)..^fifth]], [.. shuffled[^fifth..]]);
    }

    /// <summary>Both sides weigh the same, whatever their numbers.</summary>
    private static List<Row> Rows(Sides sides, LookalikeFeatures features)
    {
        var total = (float)(sides.Members.Count + sides.Others.Count);
        Row Of(Customer customer, bool isMember, int of) => new() { Features = [.. features.Row(customer).Select(v => (float)v)], Label = isMember, Weight = total / (2 * of) };
        return [.. sides.Members.Select(c => Of(c, true, sides.Members.Count)), .. sides.Others.Select(c => Of(c, false, sides.Others.Count))];
    }

    private static (double[] Weights, double Bias) Train(List<Row> rows, int width, float strength, int seed)
    {
        var context = new MLContext(seed);
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, width);

        // One thread: the sums of several come out otherwise each time.
        var trainer = context.BinaryClassification.Trainers.LbfgsLogisticRegression(new LbfgsLogisticRegressionBinaryTrainer.Options
        {
            LabelColumnName = nameof(Row.Label), FeatureColumnName = nameof(Row.Features), ExampleWeightColumnName = nameof(Row.Weight),
            L1Regularization = 0, L2Regularization = strength, NumberOfThreads = 1, OptimizationTolerance = 1e-5f,
        });
        var model = trainer.Fit(context.Data.LoadFromEnumerable(rows, schema)).Model.SubModel;
        return ([.. model.Weights.Select(w => (double)w)], model.Bias);
    }

    private static double Loss(List<Row> rows, double[] weights, double bias) => rows.Sum(r =>
    {
        var p = RocCurve.Logistic(LookalikeModel.Linear([.. r.Features.Select(f => (double)f)], weights, bias));
        return -r.Weight * Math.Log(Math.Max(1e-12, r.Label ? p : 1 - p));
    });
}
