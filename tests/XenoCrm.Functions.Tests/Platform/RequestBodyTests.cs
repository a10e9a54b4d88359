using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using XenoCrm.Functions.Tests.Delivery;
using XenoCrm.Imports;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Platform;

public sealed class RequestBodyTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(20, true)]
    public async Task A_body_that_takes_minutes_is_408_and_no_one_waits_for_the_rest(int secondsABlock, bool isTooSlow)
    {
        var clock = new ShiftedClock();
        await ShouldEndAsync(isTooSlow, () => Request(clock, TimeSpan.FromSeconds(secondsABlock)).ReadBytesAsync(RequestBody.MaxBytes, TestContext.Current.CancellationToken));

        // A file may take five times as long.
        var file = Request(clock, TimeSpan.FromSeconds(secondsABlock));
        file.ContentType = "text/csv";
        await ShouldEndAsync(false, async () => (await CsvBody.ReadAsync(file, 5 * RequestBody.MaxBytes, TestContext.Current.CancellationToken)).Bytes);
        file = Request(clock, TimeSpan.FromSeconds(5 * secondsABlock));
        file.ContentType = "text/csv";
        await ShouldEndAsync(isTooSlow, async () => (await CsvBody.ReadAsync(file, 5 * RequestBody.MaxBytes, TestContext.Current.CancellationToken)).Bytes);
    }

    [Fact]
    public async Task A_byte_more_than_the_limit_is_413_whatever_the_header_says()
    {
        foreach (var length in new long?[] { null, 3, 5 })
        {
            var request = Request(new ShiftedClock(), TimeSpan.Zero);
            request.ContentLength = length;
            var problem = (await Should.ThrowAsync<ProblemException>(async () => await request.ReadBytesAsync(4, TestContext.Current.CancellationToken))).Problem;
            (problem.Status, problem.Code).ShouldBe((413, "request.too_large"));
        }

        (await Request(new ShiftedClock(), TimeSpan.Zero).ReadBytesAsync(5, TestContext.Current.CancellationToken)).Length.ShouldBe(5);
    }

    private static async Task ShouldEndAsync(bool isTooSlow, Func<Task<ReadOnlyMemory<byte>>> read)
    {
        if (!isTooSlow)
        {
            Encoding.UTF8.GetString((await read()).Span).ShouldBe("hello");
            return;
        }

        var problem = (await Should.ThrowAsync<ProblemException>(read)).Problem;
        (problem.Status, problem.Code).ShouldBe((408, "request.too_slow"));
    }

    private static HttpRequest Request(ShiftedClock clock, TimeSpan each) => new DefaultHttpContext
    {
        RequestServices = new ServiceCollection().AddSingleton<TimeProvider>(clock).BuildServiceProvider(),
        Request = { Body = new SlowStream("hello"u8.ToArray(), clock, each) },
    }.Request;

    /// <summary>A byte at a time.</summary>
    private sealed class SlowStream(byte[] bytes, ShiftedClock clock, TimeSpan each) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            clock.Advance(each);
            return base.ReadAsync(buffer[..1], cancellationToken);
        }
    }
}
