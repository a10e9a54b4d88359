using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Queues;

public class QueueBindingTests(AzuriteFixture storage)
{
    private readonly string _name = AzuriteFixture.Unique("binding");

    [Theory]
    [InlineData("BindString", "hello {\"Id\":1}", "string hello {\"Id\":1}")]
    [InlineData("BindBinaryData", "hello", "data hello")]
    [InlineData("BindBytes", "Zoë", "bytes 4")]
    [InlineData("BindMessage", "hello", "message hello 1")]
    [InlineData("BindPoco", "{\"ID\":7,\"name\":\"n\"}", "poco 7 n")]
    public async Task Every_kind_of_parameter_gets_the_message(string function, string text, string expected)
    {
        await using var app = await Start(function);

        await storage.Queue(_name).SendMessageAsync(text);

        (await app.Recorder.WaitFor(1)).ShouldBe([expected]);
    }

    [Fact]
    public async Task Properties_of_the_message_bind_by_name_and_are_in_the_binding_data()
    {
        await using var app = await Start("BindProperties");

        var sent = await storage.Queue(_name).SendMessageAsync("hello");

        (await app.Recorder.WaitFor(1)).ShouldBe([$"{sent.Value.MessageId} 1 hello True DequeueCount,ExpirationTime,Id,InsertionTime,NextVisibleTime,PopReceipt,QueueTrigger"]);
    }

    [Fact]
    public async Task A_message_that_is_not_its_json_fails_without_its_text_in_the_log()
    {
        await using var app = await Start("BindPoco", ("AzureFunctionsJobHost:extensions:queues:maxDequeueCount", "1"));

        await storage.Queue(_name).SendMessageAsync("secret");

        await Eventually.True(async () => await storage.Queue(_name + "-poison").ExistsAsync());
        app.Log.Text.ShouldContain("not the JSON of a Poco");
        app.Log.Text.ShouldNotContain("secret");
    }

    [Fact]
    public async Task Results_go_to_queues_that_are_created()
    {
        await using var app = await TestApp.Start<Outputs>(storage.Settings(("Out", _name)));

        (await app.Http.GetStringAsync("/api/OutMany")).ShouldBe("answered");
        (await app.Http.GetAsync("/api/OutOne")).IsSuccessStatusCode.ShouldBeTrue();
        (await app.Http.GetAsync("/api/OutNone")).IsSuccessStatusCode.ShouldBeTrue();

        QueueMessage[] messages = await storage.Queue(_name).ReceiveMessagesAsync(32);
        messages.Select(m => m.Body.ToString()).Order().ShouldBe(["a", "b", "{\"Id\":1,\"Name\":\"one\"}"]);
    }

    private async Task<TestApp> Start(string only, params (string, string)[] settings)
    {
        await storage.NewQueue(_name);
        var others = typeof(Bindings).GetMethods().SelectMany(m => m.GetCustomAttributes(typeof(FunctionAttribute), false).Cast<FunctionAttribute>())
            .Where(f => f.Name != only).Select(f => ($"AzureWebJobs.{f.Name}.Disabled", "true"));
        return await TestApp.Start<Bindings>(storage.Settings([("Queue", _name), .. others, .. settings]));
    }

    internal sealed record Poco(int Id, string Name);

    internal sealed class Bindings(Recorder recorder)
    {
        [Function("BindString")]
        public void OfString([QueueTrigger("%Queue%")] string message) => recorder.Add("string " + message);

        [Function("BindBinaryData")]
        public void OfBinaryData([QueueTrigger("%Queue%")] BinaryData message) => recorder.Add("data " + message);

        [Function("BindBytes")]
        public void OfBytes([QueueTrigger("%Queue%")] byte[] message) => recorder.Add("bytes " + message.Length);

        [Function("BindMessage")]
        public void OfMessage([QueueTrigger("%Queue%")] QueueMessage message) => recorder.Add($"message {message.MessageText} {message.DequeueCount}");

        [Function("BindPoco")]
        public void OfPoco([QueueTrigger("%Queue%")] Poco message) => recorder.Add($"poco {message.Id} {message.Name}");

        [Function("BindProperties")]
        public void OfProperties(
            [QueueTrigger("%Queue%")] string message, string id, int dequeueCount, string queueTrigger, DateTimeOffset insertionTime, FunctionContext context)
            => recorder.Add($"{id} {dequeueCount} {queueTrigger} {insertionTime > DateTimeOffset.UtcNow.AddMinutes(-5)} {string.Join(',', context.BindingContext.BindingData.Keys.Order())}");
    }

    internal sealed class Many
    {
        [HttpResult]
        public required IResult Response { get; init; }

        [QueueOutput("%Out%")]
        public required string[] Messages { get; init; }
    }

    internal sealed class Outputs
    {
        [Function("OutMany")]
        public Many Several([HttpTrigger("get")] HttpRequest request) => new() { Response = Results.Text("answered"), Messages = ["a", "b"] };

        [Function("OutOne")]
        [QueueOutput("%Out%")]
        public Poco One([HttpTrigger("get")] HttpRequest request) => new(1, "one");

        [Function("OutNone")]
        [QueueOutput("%Out%")]
        public Poco? None([HttpTrigger("get")] HttpRequest request) => null;
    }
}
