using System.Diagnostics;
using XenoCrm.Customers;
using XenoCrm.Insights;

namespace XenoCrm.Benchmarks;

/// <summary>Text → rule without a model, with the words of a thousand customers and a long sentence.</summary>
internal static class InsightsBenchmark
{
    private static readonly string[] Sentences =
    [
        "people who haven't shopped in 6 months and spent over 5,000",
        "customers in Berlin or Zürich, who bought shoes at least twice and opened nothing in 90 days",
        "either champions or people with more than 10 orders, but not in Boston, except those who unsubscribed from email or have the tag vip",
        string.Join(", and ", Enumerable.Range(1, 12).Select(i => $"bought books more than {i} times since March")),
    ];

    public static Task RunAsync(Report report, Size size)
    {
        var vocabulary = new Vocabulary(Enumerable.Range(0, 1000).Select(SegmentCustomers.Of), new Dictionary<string, AttributeDefinition>(), []);
        foreach (var sentence in Sentences)
        {
            var times = new List<double>();
            for (var i = 0; i < (size != Size.Small ? 5000 : 1000); i++)
            {
                var start = Stopwatch.GetTimestamp();
                if (TextToRule.Read(sentence, vocabulary, SegmentCustomers.Now, "USD").Rule is null)
                    throw new InvalidOperationException("The sentence was not understood.");
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            // What came first was compiled on the way.
            times.RemoveRange(0, times.Count / 5);
            times.Sort();
            report.Add(new Figure($"text to rule, {sentence.Length} characters, median beside the bar", times[times.Count / 2], "ms", Ceiling: 5, N: times.Count));
            report.Add(new Figure("… p99, which on a busy machine is the scheduler's", times[(int)(times.Count * 0.99)], "ms", Ceiling: 5, N: times.Count));
        }

        return Task.CompletedTask;
    }
}
