using System.Text;
using Microsoft.AspNetCore.Http;
using XenoCrm.Delivery;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class StandardWebhookTests
{
    // The vector of the Standard Webhooks reference libraries.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const string Timestamp = "1614265330";
    private const string Body = """{"test": 2432232314}""";
    private const string Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    private const string OtherSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    private static readonly DateTimeOffset Signed = DateTimeOffset.FromUnixTimeSeconds(1614265330);

    [Fact]
    public void The_published_vector_is_accepted() => Verify();

    [Fact]
    public void One_of_several_secrets_and_signatures_is_enough() =>
        Verify(secrets: [OtherSecret, Secret], signature: "v1,AAAA v2," + Signature[3..] + " " + Signature);

    [Theory]
    [InlineData(-300)]
    [InlineData(300)]
    public void A_clock_may_be_off_by_five_minutes(int seconds) => Verify(now: Signed.AddSeconds(seconds));

    [Theory]
    [InlineData(-301)]
    [InlineData(301)]
    public void Old_and_future_signatures_are_refused(int seconds) => Refused("webhook.signature_expired", () => Verify(now: Signed.AddSeconds(seconds)));

    [Fact]
    public void Everything_signed_counts()
    {
        const string code = "webhook.signature_invalid";
        Refused(code, () => Verify(body: Body + " "));
        Refused(code, () => Verify(id: Id + "x"));
        Refused(code, () => Verify(timestamp: "1614265331"));
        Refused(code, () => Verify(signature: "v1,h" + Signature[4..]));
        Refused(code, () => Verify(signature: "v2," + Signature[3..]));
        Refused(code, () => Verify(signature: "v1," + new string('A', 5000)));
        Refused(code, () => Verify(signature: "v1,"));
        Refused(code, () => Verify(signature: "garbage"));
        Refused(code, () => Verify(timestamp: "12x"));
        Refused(code, () => Verify(timestamp: "99999999999999999999"));
        Refused(code, () => Verify(secrets: [OtherSecret]));
        Refused(code, () => Verify(secrets: []));
    }

    /// <summary>Of the key, the vendor, the part that is signed: whatever is mixed up, it is not the signature.</summary>
    [Fact]
    public void What_is_signed_otherwise_is_not_signed()
    {
        const string code = "webhook.signature_invalid";
        var empty = StandardWebhook.Sign([], Id, Timestamp, Encoding.UTF8.GetBytes(Body));
        Refused(code, () => Verify(secrets: ["whsec_"], signature: empty));
        Refused(code, () => Verify(secrets: ["", Secret], signature: empty));

        // Dots shift what is the id, the time and the body: the same bytes, another message.
        var key = Convert.FromBase64String(Secret["whsec_".Length..]);
        var shifted = StandardWebhook.Sign(key, Id, Timestamp, "1.x"u8);
        Refused(code, () => Verify(timestamp: Timestamp + ".1", body: "x", signature: shifted));
        Refused(code, () => Verify(id: $"{Id}.{Timestamp}", timestamp: "1", body: "x", signature: StandardWebhook.Sign(key, Id, Timestamp, "1.y"u8)));

        // A time that only looks like the one that was signed.
        Refused(code, () => Verify(timestamp: "+" + Timestamp));
        Refused(code, () => Verify(timestamp: " " + Timestamp));
        Refused(code, () => Verify(timestamp: Timestamp + ",1614265331"));
    }

    [Fact]
    public void Of_several_signatures_in_the_header_one_that_fits_is_enough_and_none_that_does_not()
    {
        Verify(signature: $"v1,{Convert.ToBase64String(new byte[32])} v1a,{Signature[3..]} {Signature}");
        Refused("webhook.signature_invalid", () => Verify(signature: string.Join(' ', Enumerable.Repeat($"v1,{Convert.ToBase64String(new byte[32])}", 500))));
        Refused("webhook.signature_invalid", () => Verify(signature: Signature[3..] + " v1, " + Signature.Replace(",", " ")));
    }

    [Fact]
    public void A_missing_header_is_said_to_be_missing()
    {
        const string code = "webhook.signature_missing";
        Refused(code, () => Verify(id: ""));
        Refused(code, () => Verify(timestamp: ""));
        Refused(code, () => Verify(signature: ""));
    }

    private static void Verify(
        string id = Id, string timestamp = Timestamp, string signature = Signature, string body = Body, string[]? secrets = null, DateTimeOffset? now = null)
    {
        var headers = new HeaderDictionary { ["webhook-id"] = id, ["webhook-timestamp"] = timestamp, ["webhook-signature"] = signature };
        new StandardWebhook(secrets ?? [Secret], new FixedClock(now ?? Signed)).Verify(headers, Encoding.UTF8.GetBytes(body));
    }

    private static void Refused(string code, Action verify)
    {
        var problem = Should.Throw<ProblemException>(verify).Problem;
        (problem.Status, problem.Code).ShouldBe((401, code));
    }
}

internal sealed class FixedClock(DateTimeOffset now) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => now;
}
