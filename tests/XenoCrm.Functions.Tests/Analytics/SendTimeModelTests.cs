using XenoCrm.Customers;
using XenoCrm.Delivery;

namespace XenoCrm.Analytics;

/// <summary>People of whom is known when they answer, and what the model finds out from their answers.</summary>
public sealed class SendTimeModelTests
{
    private static readonly TimeZoneInfo[] Zones = [.. new[] { "UTC", "Asia/Kolkata", "America/New_York", "Europe/Zurich" }.Select(TimeZoneInfo.FindSystemTimeZoneById)];

    [Theory]
    [InlineData(0.3, 2, 5)]
    [InlineData(0.5, 10, 10)]
    [InlineData(0.1375, 4.6, 4.4)]
    [InlineData(0.9, 0.5, 0.5)]
    [InlineData(0.126, 600, 4200)]
    public void The_distribution_is_what_integrating_it_gives(double x, double a, double b)
    {
        var steps = 400_000;
        var (below, all) = (0.0, 0.0);
        for (var i = 0; i < steps; i++)
        {
            // Over t = sin²: that takes the poles at 0 and 1 away. Relative to the value at the mode, in logarithms: powers would vanish.
            var u = (i + 0.5) / steps;
            var t = Math.Sin(u * Math.PI / 2) * Math.Sin(u * Math.PI / 2);
            var mode = a > 1 && b > 1 ? (a - 1) / (a + b - 2) : 0.5;
            var density = Math.Exp(((a - 0.5) * (Math.Log(t) - Math.Log(mode))) + ((b - 0.5) * (Math.Log(1 - t) - Math.Log(1 - mode))));
            all += density;
            below += t <= x ? density : 0;
        }

        BetaDistribution.Cdf(x, a, b).ShouldBe(below / all, 1e-4);
        BetaDistribution.Cdf(BetaDistribution.Quantile(0.025, a, b), a, b).ShouldBe(0.025, 1e-6);
    }

    [Fact]
    public void Preferred_hours_are_recovered()
    {
        var random = new Random(7);
        var everybody = SendTimeModel.OfEverybody(Times(Enumerable.Range(0, 20_000).Select(_ => Uniform(random))));
        everybody.Hour.Evidence.ShouldBe(SendTimeEvidence.NoPreference);
        var (found, right, of) = (0, 0, 1000);
        for (var i = 0; i < of; i++)
        {
            var preferred = random.Next(24);
            var hour = SendTimeModel.BestHour(Times(Enumerable.Range(0, 10).Select(_ => Near(random, preferred))), everybody.Hour);
            found += hour is null ? 0 : 1;
            right += hour is { } h && Distance(h, preferred) <= 1 ? 1 : 0;
        }

        // Eight of ten answers are around their hour.
        found.ShouldBeGreaterThan(of * 9 / 10);
        right.ShouldBeGreaterThan(found * 98 / 100);
    }

    [Fact]
    public void Who_answers_at_any_time_has_no_preference()
    {
        var random = new Random(8);
        var everybody = SendTimeModel.OfEverybody(Times(Enumerable.Range(0, 20_000).Select(_ => Uniform(random))));
        foreach (var answers in new[] { 4, 5, 7, 10 })
        {
            var found = Enumerable.Range(0, 2000).Count(_ => SendTimeModel.Of(Times(Enumerable.Range(0, answers).Select(_ => Uniform(random))), everybody, SendTimeModel.CustomerStrength, SendTimeModel.CustomerMinimum).Hour.At is not null);
            found.ShouldBeLessThan(100, $"of 2,000 with {answers} answers");
        }

        // The population too, at any size.
        foreach (var size in new[] { 100, 1000, 100_000 })
        {
            Enumerable.Range(0, 40).Count(_ => SendTimeModel.OfEverybody(Times(Enumerable.Range(0, size).Select(_ => Uniform(random)))).Hour.At is not null).ShouldBeLessThanOrEqualTo(4);
        }
    }

    [Fact]
    public void Few_answers_are_not_enough_and_are_drawn_towards_everybodys()
    {
        var random = new Random(9);
        var everybody = SendTimeModel.OfEverybody(Times(Enumerable.Range(0, 5000).Select(_ => Near(random, 19))));
        everybody.Hour.At.ShouldBe(19);
        everybody.Hour.Share!.Low.ShouldBeGreaterThan(0.7);
        var (three, _) = SendTimeModel.Of(Times([(2, 3), (2, 3), (2, 3)]), everybody, SendTimeModel.CustomerStrength, SendTimeModel.CustomerMinimum);
        (three.Evidence, three.At).ShouldBe((SendTimeEvidence.NotEnoughData, null));
        three.Shares[3].ShouldBe((3 + (SendTimeModel.CustomerStrength * everybody.Hour.Shares[3])) / (3 + SendTimeModel.CustomerStrength), 1e-9);
        SendTimeModel.BestHour(Times([(2, 3), (2, 3), (2, 3)]), everybody.Hour).ShouldBe(19);
        SendTimeModel.BestHour(Times(Enumerable.Repeat((2, 3), 8)), everybody.Hour).ShouldBe(3);
        SendTimeModel.BestHour(Times([]), everybody.Hour).ShouldBe(19);

        // Who agrees with everybody has nothing of their own, and the same hour.
        var same = SendTimeModel.Of(Times(Enumerable.Range(0, 10).Select(_ => (1, 19))), everybody, SendTimeModel.CustomerStrength, SendTimeModel.CustomerMinimum).Hour;
        same.Evidence.ShouldBe(SendTimeEvidence.NoPreference);
        (same.Share!.Low < same.Share.Value && same.Share.Value < same.Share.High).ShouldBeTrue();

        var nobody = SendTimeModel.OfEverybody(Times([]));
        (nobody.Hour.Evidence, nobody.Hour.At, nobody.Hour.Share).ShouldBe((SendTimeEvidence.NotEnoughData, null, null));
        SendTimeModel.BestHour(Times(Enumerable.Range(0, 3).Select(_ => (1, 9))), nobody.Hour).ShouldBeNull();
        SendTimeModel.OfEverybody(Times(Enumerable.Repeat((1, 9), 99))).Hour.Evidence.ShouldBe(SendTimeEvidence.NotEnoughData);
    }

    [Fact]
    public void Days_of_the_week_are_found_as_hours_are()
    {
        var random = new Random(10);
        SendTimeModel.OfEverybody(Times(Enumerable.Range(0, 2000).Select(_ => (random.Next(3) == 0 ? 6 : random.Next(7), random.Next(24))))).Day.At.ShouldBe(6);
        SendTimeModel.OfEverybody(Times(Enumerable.Range(0, 2000).Select(_ => Uniform(random)))).Day.Evidence.ShouldBe(SendTimeEvidence.NoPreference);
    }

    [Fact]
    public void A_message_counts_once_and_by_the_customers_own_clocks()
    {
        var at = new DateTimeOffset(2026, 3, 2, 23, 30, 0, TimeSpan.Zero);
        foreach (var zone in Zones)
        {
            var customer = Functions.Tests.Campaigns.Samples.Customer(1) with
            {
                TimeZone = zone.Id,
                Messages =
                [
                    new("c.0.1", "email", "delivered", at, at, OpenedAt: at, ClickedAt: at.AddHours(1)), new("c.0.2", "email", "delivered", at, at, OpenedAt: at),
                    new("c.0.3", "email", "delivered", at, at), new("c.0.4", "email", CustomerMessage.HeldOut, at),
                ],
            };
            var times = AnswerTimes.Of(EngagementTimes.Of(customer, TimeZoneInfo.Utc));
            times.Messages.ShouldBe(2);
            times.Hours[TimeZoneInfo.ConvertTime(at, zone).Hour].ShouldBe(1);
            times.Hours[TimeZoneInfo.ConvertTime(at.AddHours(1), zone).Hour].ShouldBe(1);
        }
    }

    private static AnswerTimes Times(IEnumerable<(int Day, int Hour)> answers)
    {
        var (hours, days) = (new int[24], new int[7]);
        foreach (var (day, hour) in answers)
        {
            hours[hour]++;
            days[day]++;
        }

        return new(hours, days, hours.Sum(), 1, false);
    }

    private static (int Day, int Hour) Uniform(Random random) => (random.Next(7), random.Next(24));

    private static (int Day, int Hour) Near(Random random, int hour) => random.Next(10) < 8 ? (random.Next(7), (hour + random.Next(-1, 2) + 24) % 24) : Uniform(random);

    private static int Distance(int a, int b) => Math.Min((a - b + 24) % 24, (b - a + 24) % 24);
}
