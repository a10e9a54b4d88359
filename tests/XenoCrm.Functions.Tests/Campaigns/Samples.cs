using XenoCrm.Campaigns;
using XenoCrm.Customers;

namespace XenoCrm.Functions.Tests.Campaigns;

internal static class Samples
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static Campaign Campaign(string id = "0190000000007000800000000000000a") => new()
    {
        Id = id, Name = "Spring", Channel = Channel.Email, SegmentId = "seg", CreatedAt = Noon, CreatedBy = "u", UpdatedAt = Noon,
        Variants = Variant.Only(new("Hello {{firstName}}", "<p>Dear {{firstName}}</p>", null, null)),
    };

    public static readonly MessageLinks Links = new("https://example.com/u", url => url, PixelUrl: null);

    public static Customer Customer(int number) => new()
    {
        Id = $"{number:x32}", FirstName = $"First{number}", Email = $"c{number}@example.com", CreatedAt = Noon, UpdatedAt = Noon,
    };
}
