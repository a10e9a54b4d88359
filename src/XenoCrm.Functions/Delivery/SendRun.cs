namespace XenoCrm.Delivery;

/// <summary>The message to a sender: up to ten batches of a campaign, a thousand messages. What is to be done is in the batches.</summary>
/// <param name="First">The first batch's number.</param>
/// <param name="Attempt">How often the run was put off by the vendor.</param>
/// <param name="Turn">The time that was taken for the run at a vendor with a limited rate.</param>
public sealed record SendRun(string CampaignId, int First, int Count, int Attempt = 0, VendorTurn? Turn = null)
{
    public const string Queue = "campaign-sends";
    public const int MaxBatches = 10;

    public IReadOnlyList<string> BatchIds => [.. Enumerable.Range(First, Count).Select(n => Batch.BatchId(CampaignId, n))];

    /// <summary>The runs that cover <paramref name="numbers"/> (ascending).</summary>
    public static IEnumerable<SendRun> Over(string campaignId, IReadOnlyList<int> numbers)
    {
        for (var i = 0; i < numbers.Count;)
        {
            var first = numbers[i];
            while (++i < numbers.Count && numbers[i] == numbers[i - 1] + 1 && numbers[i] - first < MaxBatches)
            {
            }

            yield return new(campaignId, first, numbers[i - 1] - first + 1);
        }
    }
}
