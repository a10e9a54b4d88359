using System.Text;
using XenoCrm.Delivery;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Functions.Tests.Delivery;

public sealed class ReceiptReaderTests
{
    private const string One = """{"messageId":"c.1.2","status":"delivered","at":"2026-03-01T12:00:00Z","eventId":"e1","vendorMessageId":"v","extra":[1]}""";

    [Fact]
    public void Reads_one_or_many()
    {
        var one = Read(One).ShouldHaveSingleItem();
        (one.MessageId, one.Status, one.EventId).ShouldBe(("c.1.2", ReceiptStatus.Delivered, "e1"));
        Read($"[{One},{One}]").Count.ShouldBe(2);
        Read("[]").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("", "request.json_malformed", null)]
    [InlineData("{", "request.json_malformed", null)]
    [InlineData("null", "request.invalid", "")]
    [InlineData("[null]", "request.invalid", "")]
    [InlineData("3", "request.json_malformed", null)]
    [InlineData("""{"status":"sent","at":"2026-03-01T12:00:00Z"}""", "request.invalid", "/messageId")]
    [InlineData("""{"messageId":"m","at":"2026-03-01T12:00:00Z"}""", "request.invalid", "/status")]
    [InlineData("""{"messageId":"m","status":"sent"}""", "request.invalid", "/at")]
    [InlineData("""{"messageId":"m","status":"eaten","at":"2026-03-01T12:00:00Z"}""", "request.invalid", "/status")]
    [InlineData("""{"messageId":"m","status":2,"at":"2026-03-01T12:00:00Z"}""", "request.invalid", "/status")]
    [InlineData("""{"messageId":"m","status":"sent","at":"yesterday"}""", "request.invalid", "/at")]
    public void Refuses_the_whole_body(string body, string code, string? pointer)
    {
        var problem = Should.Throw<ProblemException>(() => Read(body)).Problem;
        (problem.Status, problem.Code).ShouldBe((400, code));
        problem.Errors?.Keys.Single().ShouldBe(pointer);
    }

    [Fact]
    public void Says_which_of_many_is_wrong() =>
        Should.Throw<ProblemException>(() => Read($$"""[{{One}},{"messageId":"m","status":"eaten","at":"2026-03-01T12:00:00Z"}]""")).Problem.Errors!.Keys.Single().ShouldBe("/1/status");

    [Fact]
    public void Takes_a_thousand_and_no_more()
    {
        Read($"[{string.Join(',', Enumerable.Repeat(One, 1000))}]").Count.ShouldBe(1000);
        Should.Throw<ProblemException>(() => Read($"[{string.Join(',', Enumerable.Repeat(One, 1001))}]")).Problem.Code.ShouldBe("request.invalid");
    }

    private static IReadOnlyList<Receipt> Read(string body) => ReceiptReader.Read(Encoding.UTF8.GetBytes(body));
}
