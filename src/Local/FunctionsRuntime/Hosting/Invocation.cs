using System.Collections;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Local.FunctionsRuntime.Http;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>One run of a function: what triggered it, and the context that middleware and the function see.</summary>
internal sealed class Invocation : FunctionContext, IDisposable
{
    private readonly CancellationToken _token;
    private readonly object? _event;
    private IReadOnlyDictionary<string, object?>? _bindingData;
    private CancellationTokenSource? _linked;
    private IDictionary<object, object>? _items;
    private InvocationFeatures? _features;
    private IServiceProvider _services;

    /// <param name="function">The function to run.</param>
    /// <param name="services">A scope that lives as long as the invocation.</param>
    /// <param name="http">The request, for an HTTP trigger.</param>
    /// <param name="token">Cancelled when the invocation must end; for HTTP the request's own abort is added to it.</param>
    public Invocation(Function function, IServiceProvider services, HttpContext http, CancellationToken token)
    {
        Function = function;
        Http = http;
        _services = services;
        _token = token;
    }

    /// <param name="function">The function to run.</param>
    /// <param name="services">A scope that lives as long as the invocation.</param>
    /// <param name="trigger">The message, blob or timer.</param>
    /// <param name="bindingData">What the trigger knows of the event.</param>
    /// <param name="token">Cancelled when the invocation must end.</param>
    public Invocation(
        Function function, IServiceProvider services, object trigger, IReadOnlyDictionary<string, object?> bindingData, CancellationToken token)
    {
        Function = function;
        _services = services;
        _event = trigger;
        _bindingData = bindingData;
        _token = token;
    }

    public Function Function { get; }

    public HttpContext? Http { get; }

    public InvocationResultFeature Result { get; } = new();

    /// <summary>The trace that the event brought along, where it did; for HTTP the server has already taken it up.</summary>
    public ActivityContext ParentTrace { get; init; }

    public int RetryCount { get; init; }

    /// <summary>The activity of this run, set when it starts.</summary>
    public Activity? Activity { get; set; }

    /// <summary>The trigger's event; throws when the function has another trigger.</summary>
    public T Event<T>() => (T)_event!;

    public override string InvocationId => field ??= Guid.NewGuid().ToString();

    public override string FunctionId => Function.Definition.Id;

    public override TraceContext TraceContext => new ActivityTrace(Activity ?? System.Diagnostics.Activity.Current);

    public override BindingContext BindingContext => new Data(_bindingData ??= HttpBinding.BindingData(Http!));

    public override RetryContext RetryContext => new Retries(RetryCount, Function.Retry?.MaxRetryCount ?? 0);

    public override FunctionDefinition FunctionDefinition => Function.Definition;

    public override IServiceProvider InstanceServices { get => _services; set => _services = value; }

    public override IDictionary<object, object> Items
    {
        get => _items ??= Http is null
            ? new Dictionary<object, object>()
            : new Dictionary<object, object> { [FunctionContextExtensions.HttpContextKey] = Http };
        set => _items = value;
    }

    public override IInvocationFeatures Features => _features ??= new InvocationFeatures(this);

    // Linking costs a registration on the request and one on the host: only for functions that ask for the token.
    public override CancellationToken CancellationToken => Http is null
        ? _token
        : (_linked ??= CancellationTokenSource.CreateLinkedTokenSource(Http.RequestAborted, _token)).Token;

    public void Dispose() => _linked?.Dispose();

    private sealed class Data(IReadOnlyDictionary<string, object?> values) : BindingContext
    {
        public override IReadOnlyDictionary<string, object?> BindingData { get; } = values;
    }

    private sealed class Retries(int count, int max) : RetryContext
    {
        public override int RetryCount { get; } = count;

        public override int MaxRetryCount { get; } = max;
    }

    private sealed class ActivityTrace(Activity? activity) : TraceContext
    {
        public override string TraceParent => activity?.Id ?? "";

        public override string TraceState => activity?.TraceStateString ?? "";

        public override IReadOnlyDictionary<string, string> Baggage
            => activity?.Baggage.Where(b => b.Value is not null).ToDictionary(b => b.Key, b => b.Value!) ?? base.Baggage;
    }
}

internal sealed class InvocationResultFeature
{
    public object? Value { get; set; }
}

internal sealed class InvocationFeatures(Invocation invocation) : IInvocationFeatures
{
    private readonly Dictionary<Type, object> _features = new()
    {
        [typeof(Invocation)] = invocation,
        [typeof(InvocationResultFeature)] = invocation.Result,
        [typeof(FunctionDefinition)] = invocation.FunctionDefinition,
    };

    public void Set<T>(T instance) => _features[typeof(T)] = instance!;

    public T? Get<T>() => _features.TryGetValue(typeof(T), out var feature) ? (T)feature : default;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => _features.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
