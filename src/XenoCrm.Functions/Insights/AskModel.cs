using System.ClientModel;
using System.ClientModel.Primitives;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenAI;
using OpenAI.Chat;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using XenoCrm.Platform.Cosmos;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatResponseFormat = Microsoft.Extensions.AI.ChatResponseFormat;

namespace XenoCrm.Insights;

/// <summary>Why an answer is not the model's.</summary>
public static class Fallbacks
{
    public const string Budget = "budget";
    public const string Timeout = "timeout";

    /// <summary>The model's own limits.</summary>
    public const string Quota = "quota";
    public const string Rejected = "rejected";
    public const string Unavailable = "unavailable";

    /// <summary>It failed so often that it is not asked for a while.</summary>
    public const string CircuitOpen = "circuit_open";

    /// <summary>What it answered is not what was asked for, or says what it must not.</summary>
    public const string InvalidAnswer = "invalid_answer";
}

/// <param name="Value">Null: there is no model, or it failed.</param>
/// <param name="Fallback">One of <see cref="Fallbacks"/> when it failed.</param>
public sealed record ModelAnswer<T>(T? Value, string? Fallback)
    where T : class
{
    public string Source => Value is null ? Sources.Offline : Sources.Model;
}

public static class Sources
{
    public const string Model = "model";
    public const string Offline = "offline";
}

/// <summary>An answer of the model, kept under the hash of what it was asked.</summary>
public sealed record KnownAnswer(string Id, string Json, [property: JsonPropertyName("ttl")] int Ttl) : IWorkspaceItem
{
    public const string KindName = "aiAnswer";

    public string Kind => KindName;
}

/// <summary>
/// Asks the model and never fails: an answer that came in time, within the budget, in the form asked for and acceptable to the
/// caller; or the reason why there is none, for the caller to do without.
/// </summary>
public sealed class AskModel : IDisposable
{
    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.Strict,
        TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
    };

    private readonly AiOptions options;
    private readonly AiAccount account;
    private readonly WorkspaceStore<KnownAnswer> answers;
    private readonly ILogger<AskModel> log;
    private readonly IChatClient? client;
    private readonly ResiliencePipeline<ChatResponse> pipeline;

    public AskModel(IOptions<AiOptions> options, AiAccount account, WorkspaceStore<KnownAnswer> answers, TimeProvider clock, ILogger<AskModel> log)
    {
        (this.options, this.account, this.answers, this.log) = (options.Value, account, answers, log);
        pipeline = Pipeline(clock);
        if (this.options.Key.Length > 0)
        {
            // Repetitions and time-outs are the pipeline's, where they count together.
            client = new ChatClient(this.options.Model, new ApiKeyCredential(this.options.Key), new OpenAIClientOptions
            {
                Endpoint = new Uri(this.options.BaseAddress), RetryPolicy = new ClientRetryPolicy(0), NetworkTimeout = this.options.Timeout,
            }).AsIChatClient();
        }
    }

    /// <summary>Whether there is a model to ask.</summary>
    public bool IsOn => client is not null;

    /// <param name="accept">Whether the answer says only what it may; a false one falls back.</param>
    public async Task<ModelAnswer<T>> AskAsync<T>(Prompt prompt, Func<T, bool> accept, CancellationToken cancellation)
        where T : class
    {
        if (client is null)
        {
            return new(null, null);
        }

        var schema = AIJsonUtilities.CreateJsonSchema(typeof(T), serializerOptions: Form);
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', options.BaseAddress, options.Model, prompt.Name, prompt.System, prompt.Data, schema.GetRawText()))));
        if (await answers.ReadAsync(id, cancellation) is { Value.Json: var known } && Read(known, accept) is { } again)
        {
            await account.CountCachedAsync(cancellation);
            return new(again, null);
        }

        // A token is three characters at least: what is held back is enough.
        var input = (prompt.System.Length + prompt.Data.Length + schema.GetRawText().Length) / 3;
        var most = account.Price(input, options.MaxAnswerTokens);
        if (await account.ReserveAsync(most, cancellation) is not { } day)
        {
            return Fail<T>(prompt, Fallbacks.Budget);
        }

        ChatResponse response;
        try
        {
            response = await pipeline.ExecuteAsync(async token => await client.GetResponseAsync(
                [new ChatMessage(ChatRole.System, prompt.System), new ChatMessage(ChatRole.User, prompt.Data)],
                new ChatOptions { Temperature = 0.3f, MaxOutputTokens = options.MaxAnswerTokens, ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, prompt.Name.Replace('.', '_')) }, token), cancellation);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            // What took too long may have been worked on: its question is paid.
            var reason = Reason(exception);
            await account.SettleAsync(day, most, reason == Fallbacks.Timeout ? input : 0, 0, failed: true, CancellationToken.None);
            return Fail<T>(prompt, reason);
        }
        catch
        {
            await account.SettleAsync(day, most, input, 0, failed: true, CancellationToken.None);
            throw;
        }

        var value = Read(response.Text, accept);
        var usage = response.Usage;
        await account.SettleAsync(day, most, usage?.InputTokenCount ?? input, usage?.OutputTokenCount ?? (response.Text.Length / 3), failed: value is null, CancellationToken.None);
        if (value is null)
        {
            return Fail<T>(prompt, Fallbacks.InvalidAnswer);
        }

        if (options.CacheTime > TimeSpan.Zero)
        {
            await answers.TryCreateAsync(new(id, response.Text, (int)options.CacheTime.TotalSeconds), cancellation);
        }

        return new(value, null);
    }

    public void Dispose() => client?.Dispose();

    private ModelAnswer<T> Fail<T>(Prompt prompt, string reason)
        where T : class
    {
        AiLog.FellBack(log, prompt.Name, reason);
        return new(null, reason);
    }

    private static T? Read<T>(string text, Func<T, bool> accept)
        where T : class
    {
        // Models without structured output put JSON into a fence.
        text = text.Trim();
        if (text.StartsWith("```", StringComparison.Ordinal))
        {
            text = text[(text.IndexOf('\n') + 1)..].TrimEnd('`', '\n', '\r', ' ');
        }

        try
        {
            return JsonSerializer.Deserialize<T>(text, Form) is { } value && accept(value) ? value : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private ResiliencePipeline<ChatResponse> Pipeline(TimeProvider clock)
    {
        var broken = new PredicateBuilder<ChatResponse>().Handle<Exception>(e => Reason(e) is Fallbacks.Unavailable);
        return new ResiliencePipelineBuilder<ChatResponse> { TimeProvider = clock }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<ChatResponse>
            {
                ShouldHandle = new PredicateBuilder<ChatResponse>().Handle<Exception>(e => Reason(e) is Fallbacks.Unavailable or Fallbacks.Timeout or Fallbacks.Quota),
                MinimumThroughput = 5, FailureRatio = 0.5, SamplingDuration = TimeSpan.FromMinutes(1), BreakDuration = TimeSpan.FromSeconds(30),
            })
            .AddTimeout(options.Timeout)
            .AddRetry(new RetryStrategyOptions<ChatResponse> { ShouldHandle = broken, MaxRetryAttempts = 2, BackoffType = DelayBackoffType.Exponential, Delay = TimeSpan.FromMilliseconds(200), UseJitter = true })
            .Build();
    }

    private static string Reason(Exception exception) => exception switch
    {
        BrokenCircuitException => Fallbacks.CircuitOpen,
        TimeoutRejectedException or OperationCanceledException or TimeoutException => Fallbacks.Timeout,
        ClientResultException { Status: 429 } => Fallbacks.Quota,
        ClientResultException { Status: >= 400 and < 500 and not 408 } => Fallbacks.Rejected,
        ClientResultException { InnerException: OperationCanceledException or TimeoutException } => Fallbacks.Timeout,
        ClientResultException or HttpRequestException or IOException or AggregateException => Fallbacks.Unavailable,
        _ => Fallbacks.InvalidAnswer,
    };
}

internal static partial class AiLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Done without the model: {Prompt} ({Reason})")]
    public static partial void FellBack(ILogger log, string prompt, string reason);
}
