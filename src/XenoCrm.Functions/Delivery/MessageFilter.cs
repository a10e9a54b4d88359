using Microsoft.AspNetCore.Http;
using XenoCrm.Campaigns;
using XenoCrm.Platform.Http;

namespace XenoCrm.Delivery;

/// <summary>Which messages of a campaign.</summary>
/// <param name="Variant">Its place.</param>
/// <param name="CustomerId">Whichever of the ids that the customer has, or had before merges.</param>
public sealed record MessageFilter(MessageStatus? Status = null, string? Reason = null, int? Variant = null, string? Vendor = null, string? CustomerId = null)
{
    public static MessageFilter Of(HttpRequest request, Campaign campaign) => new(
        request.Choice<MessageStatus>("status"), request.Text("reason"),
        request.Text("variant") is { } name ? campaign.Variants.TakeWhile(v => v.Name != campaign.RequireVariant(name).Name).Count() : null,
        request.Text("vendor"), request.Text("customerId"));

    /// <param name="people">Null: whoever it is.</param>
    public bool Matches(Batch batch, int index, IReadOnlySet<string>? people)
    {
        var recipient = batch.Recipients[index];
        return (Status is null || recipient.Status == Status)
            && (Reason is null || recipient.Reason == Reason)
            && (Variant is null || (recipient.IsHandedOver && (recipient.Variant ?? 0) == Variant))
            && (Vendor is null || (recipient.IsHandedOver && batch.VendorOf(index) == Vendor))
            && people?.Contains(recipient.CustomerId) != false;
    }
}
