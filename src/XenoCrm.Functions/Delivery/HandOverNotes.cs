namespace XenoCrm.Delivery;

/// <summary>
/// What statistics want to know of the messages that a batch is about to hand over, and that nobody can find out
/// afterwards: each once for the batch, and at the recipient only its place.
/// </summary>
internal sealed class HandOverNotes(Batch batch)
{
    /// <summary>A domain that fewer of a batch's recipients have is not noted: it may be one person's own, and would outlast their erasure.</summary>
    public const int MinOfDomain = 3;

    private readonly List<(int Index, string Domain)> addresses = [];
    private readonly List<long> prices = [.. batch.Prices ?? []];

    /// <param name="price">Millionths of the currency's unit; null: unknown.</param>
    /// <param name="address">Of an email; null on other channels.</param>
    public Recipient Note(int index, Recipient recipient, long? price, string? address)
    {
        if (address is not null)
        {
            addresses.Add((index, address[(address.LastIndexOf('@') + 1)..].ToLowerInvariant()));
        }

        if (price is null && prices.Count == 0)
        {
            return recipient;
        }

        var place = prices.IndexOf(price ?? Batch.PriceUnknown);
        if (place < 0)
        {
            place = prices.Count;
            prices.Add(price ?? Batch.PriceUnknown);
        }

        return recipient with { Price = place == 0 ? null : place };
    }

    public Batch AddTo(Batch noted, Recipient[] recipients)
    {
        var domains = (batch.Domains ?? []).ToList();
        foreach (var some in addresses.GroupBy(a => a.Domain))
        {
            var place = domains.IndexOf(some.Key);
            if (place < 0 && some.Count() >= MinOfDomain)
            {
                place = domains.Count;
                domains.Add(some.Key);
            }

            foreach (var (index, _) in some)
            {
                recipients[index] = recipients[index] with { Domain = place < 0 ? null : place };
            }
        }

        return noted with { Domains = domains.Count > 0 ? domains : null, Prices = prices.Count > 0 ? prices : null, Recipients = recipients };
    }
}
