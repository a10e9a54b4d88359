namespace XenoCrm.Delivery;

/// <summary>One queue message of receipts: to their batches, through the window; what names no message is kept apart.</summary>
public sealed class ApplyReceipts(ReceiptWindow window, StrayReceiptStore strays)
{
    public async Task HandleAsync(IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
        var named = receipts.Select(r => (Receipt: r, Id: MessageId.TryParse(r.MessageId))).ToList();
        var kept = strays.KeepAsync(named.Where(n => n.Id is null).Select(n => n.Receipt), cancellation);
        await window.AddAsync(named.Where(n => n.Id is not null).ToLookup(n => n.Id!.Value.BatchId, n => n.Receipt), cancellation);
        await kept;
    }
}
