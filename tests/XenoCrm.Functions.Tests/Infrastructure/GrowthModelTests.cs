using XenoCrm.AppHost;
using XenoCrm.Benchmarks.Growth;

namespace XenoCrm.Infrastructure;

public sealed class GrowthModelTests
{
    private static readonly GrowthModel Model = GrowthModel.Read(Path.Combine(Repository.Root, "tests", "XenoCrm.Benchmarks", "Growth", "growth.json"));

    private static readonly GrowthPlan Serverless = new("", 1_000_000, 0);

    [Fact]
    public void What_was_measured_is_what_it_says()
    {
        Model.Points.ShouldNotBeEmpty();
        Model.Deviations().ShouldBeEmpty();
        (Model with { Measured = Model.Measured with { RequestUnits = Model.Measured.RequestUnits * 2 } }).Deviations().ShouldNotBeEmpty();
    }

    /// <summary>The README's figures and the model's are one.</summary>
    [Fact]
    public void It_is_made_of_the_figures_of_the_readme() =>
        File.ReadAllText(Path.Combine(Repository.Root, "README.md"))
            .ShouldContain(FormattableString.Invariant($"{Model.Measured.Requests * 1000:0} requests, {Model.Measured.RequestUnits * 1000:N0} RU (the emulator's estimate), {Model.Measured.RequestUnitsAtCustomers * 1000:N0} of them"));

    [Fact]
    public void The_slowest_stage_is_the_time()
    {
        var database = Model.Predict(1e6, Serverless);
        database.Bound.ShouldBe("database");
        database.Seconds.ShouldBe((1e6 * Model.Measured.RequestUnitsAtCustomers / 5000) + Model.Assumed.ScaleOutSeconds, 1);

        var vendor = Model.Predict(1e6, Serverless with { VendorPerSecond = 10 });
        vendor.Bound.ShouldBe("vendor");
        vendor.Seconds.ShouldBe(1e5 + Model.Assumed.ScaleOutSeconds, 1);

        Model.Predict(1e6, new("", 1e9, 1e9)).Bound.ShouldBe("instances");
        vendor.Cost.ShouldBeGreaterThan(database.Cost);
    }

    [Fact]
    public void Serverless_gives_more_above_250_gigabytes()
    {
        Model.RuPerSecond(1e6, Serverless).ShouldBe(5000);
        Model.RuPerSecond(3e7, Serverless).ShouldBe(5000);
        Model.RuPerSecond(1e8, Serverless).ShouldBe(16_000);
    }
}
