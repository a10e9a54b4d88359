using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using XenoCrm.Campaigns;

namespace XenoCrm.Delivery;

/// <summary>
/// Who gets which variant, who nothing, and who waits for a winner: by hashes of the campaign's and the customer's id. So it is
/// the same in every try and on every machine, and nothing is stored to remember it.
/// </summary>
public static class Assignment
{
    public static bool IsHeldOut(Campaign campaign, string customerId) => campaign.Holdout is { } share && Draw("holdout", campaign.Id, customerId) < share;

    /// <summary>Whether the customer is of the part that gets the variants first. Independent of the holdout: both parts have it.</summary>
    public static bool IsTested(Campaign campaign, string customerId) => campaign.Winner is not { } rule || Draw("test", campaign.Id, customerId) < rule.TestShare;

    /// <summary>
    /// The place of the variant that the customer gets. Each variant draws for itself, by its name, and the weight bends its
    /// draw (weighted rendezvous hashing): the shares are as the weights, the order of the variants does not matter, and a
    /// variant that is added or changed takes customers from the others or gives them back, but moves none between those.
    /// </summary>
    public static int VariantOf(Campaign campaign, string customerId)
    {
        var (best, highest) = (0, double.NegativeInfinity);
        for (var i = 0; i < campaign.Variants.Count && campaign.Variants.Count > 1; i++)
        {
            var (name, weight, _) = campaign.Variants[i];
            var score = Math.Log(Draw("variant\n" + name, campaign.Id, customerId)) / weight;
            if (score > highest)
            {
                (best, highest) = (i, score);
            }
        }

        return best;
    }

    /// <summary>What the customer is sent now: the winner, if there is one and they were not of the test.</summary>
    public static int SentVariantOf(Campaign campaign, string customerId)
    {
        if (campaign.WinnerResult?.Variant is { } winner && !IsTested(campaign, customerId))
        {
            for (var i = 0; i < campaign.Variants.Count; i++)
            {
                if (campaign.Variants[i].Name == winner)
                {
                    return i;
                }
            }
        }

        return VariantOf(campaign, customerId);
    }

    /// <summary>Uniform between 0 and 1, both excluded.</summary>
    private static double Draw(string purpose, string campaignId, string customerId)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{purpose}\n{campaignId}\n{customerId}"));
        return ((BinaryPrimitives.ReadUInt64BigEndian(hash) >> 11) + 0.5) / (1UL << 53);
    }
}
