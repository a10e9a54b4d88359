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
    [InlineData(-299)]
    [InlineData(299)]
    public void A_clock_may_be_off_by_almost_five_minutes(int seconds) => Verify(now: Signed.AddSeconds(seconds));

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
