using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Functions.Tests.Delivery;

namespace XenoCrm.Insights;

/// <summary>A question as the model gets it.</summary>
/// <param name="Prompt"><c>messages</c>, <c>segment</c>, …</param>
/// <param name="System">The instructions.</param>
internal sealed record Asked(string Prompt, string System, string Data, JsonElement Body);

/// <summary>A model's server over HTTP that speaks the protocol of OpenAI's chat completions, and answers what a test says.</summary>
internal sealed class FakeModel : IAsyncDisposable
{
    private readonly FakeServer server;

    private FakeModel(FakeServer server, ConcurrentQueue<Asked> questions) => (this.server, Questions) = (server, questions);

    public ConcurrentQueue<Asked> Questions { get; }

    /// <summary>Bodies as they came over the wire.</summary>
    public IReadOnlyList<Got> Requests => server.Requests;

    public Dictionary<string, string?> Settings => new()
    {
        ["Ai:BaseAddress"] = server.Address + "v1/", ["Ai:Key"] = "test-key", ["Ai:Model"] = "fake-1", ["Ai:Timeout"] = "00:00:20", ["Ai:InputPrice"] = "1", ["Ai:OutputPrice"] = "2", ["Ai:DailyBudget"] = "1000",
    };

    /// <param name="answer">The text of the answer.</param>
    public static Task<FakeModel> StartAsync(Func<Asked, string> answer) => StartAsync((http, asked) => WriteAsync(http, answer(asked)));

    public static async Task<FakeModel> StartAsync(Func<HttpContext, Asked, Task> answer)
    {
        var questions = new ConcurrentQueue<Asked>();
        var listening = await FakeServer.StartAsync((http, got) =>
        {
            var body = JsonElement.Parse(got.Body);
            var messages = body.GetProperty("messages");
            var name = body.GetProperty("response_format").GetProperty("json_schema").GetProperty("name").GetString()!;
            var asked = new Asked(name.Split('_')[0], Text(messages[0]), Text(messages[1]), body);
            questions.Enqueue(asked);
            return answer(http, asked);
        });
        return new(listening, questions);
    }

    private static string Text(JsonElement message) => message.GetProperty("content") is { ValueKind: JsonValueKind.String } text
        ? text.GetString()!
        : string.Concat(message.GetProperty("content").EnumerateArray().Select(p => p.GetProperty("text").GetString()));

    public static Task WriteAsync(HttpContext http, string text, int inputTokens = 1000, int outputTokens = 100)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(JsonSerializer.Serialize(new
        {
            id = "1", @object = "chat.completion", created = 1_700_000_000, model = "fake-1",
            choices = new[] { new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = text } } },
            usage = new { prompt_tokens = inputTokens, completion_tokens = outputTokens, total_tokens = inputTokens + outputTokens },
        }));
    }

    public static string Rule(string rule) => JsonSerializer.Serialize(new { rule, ambiguities = Array.Empty<object>() });

    public static string Messages(params (string? Subject, string Text, string Reason)[] variants) =>
        JsonSerializer.Serialize(new { variants = variants.Select(v => new { subject = v.Subject, text = v.Text, reason = v.Reason }) });

    public static string Sentences(params string[] sentences) => JsonSerializer.Serialize(new { sentences });

    public static string Tags(params (string Tag, string Why)[] tags) => JsonSerializer.Serialize(new { tags = tags.Select(t => new { tag = t.Tag, why = t.Why }) });

    /// <summary>What a well-behaved model would say to anything.</summary>
    public static string Behave(Asked asked) => asked.Prompt switch
    {
        "segment" => Rule("""{"combinator":"and","rules":[{"field":"totalSpend","operator":">","value":50}]}"""),
        "messages" => Messages(
            ("Hello {{default firstName \"there\"}}", "Hello {{default firstName \"there\"}}, have a look at what is new.", "A warm word opens doors."),
            ("News", "We have something new for you.", "Comes to the point."),
            ("Have you seen it?", "Have you seen what is new?", "A question is answered by looking.")),
        "summary" => Sentences("The messages went out to the audience."),
        "insights" => Sentences("The members of the segment are a part of the customers."),
        _ => Tags(("news", "it tells news")),
    };

    public ValueTask DisposeAsync() => server.DisposeAsync();
}
