using Microsoft.Extensions.Configuration;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>
/// host.json with its defaults, and the runtime's own settings. Any value of host.json can be overridden by a setting
/// <c>AzureFunctionsJobHost__extensions__queues__batchSize</c> (path with double underscores), as on Azure.
/// </summary>
internal sealed class HostSettings
{
    public const string OverridePrefix = "AzureFunctionsJobHost";

    private static readonly TimeSpan s_longestDrain = TimeSpan.FromSeconds(30);

    public required string HostId { get; init; }

    public required string RoutePrefix { get; init; }

    public required QueueSettings Queues { get; init; }

    public required BlobSettings Blobs { get; init; }

    /// <summary>How long an invocation may take; null is without limit.</summary>
    public required TimeSpan? FunctionTimeout { get; init; }

    /// <summary>How long running invocations may still take when the host stops: the function timeout, at most 30 s.</summary>
    public TimeSpan DrainTime => FunctionTimeout < s_longestDrain ? FunctionTimeout.Value : s_longestDrain;

    /// <param name="configuration">The app's configuration: settings of the runtime, and overrides of host.json.</param>
    /// <param name="hostJsonPath">The file, or null when there is none.</param>
    /// <param name="defaultHostId">Names this app in shared storage when nothing else does.</param>
    public static HostSettings Read(IConfiguration configuration, string? hostJsonPath, string defaultHostId)
    {
        var values = new Reader(HostJson(configuration, hostJsonPath), "host.json", ':');
        var own = new Reader(configuration, "setting", ':');
        var batchSize = values.Int("extensions:queues:batchSize", 16, 1, 32);
        return new HostSettings
        {
            HostId = (configuration["AzureFunctionsWebHost:hostid"] ?? defaultHostId).ToLowerInvariant(),
            RoutePrefix = values.Text("extensions:http:routePrefix", "api").Trim('/'),
            FunctionTimeout = values.Timeout("functionTimeout"),
            Queues = new QueueSettings
            {
                BatchSize = batchSize,
                NewBatchThreshold = values.Int("extensions:queues:newBatchThreshold", batchSize / 2, 0, 1000),
                MaxDequeueCount = values.Int("extensions:queues:maxDequeueCount", 5, 1, int.MaxValue),
                VisibilityTimeout = values.Span("extensions:queues:visibilityTimeout", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(7)),
                MaxPollingInterval = values.Span(
                    "extensions:queues:maxPollingInterval", TimeSpan.FromMinutes(1), QueueSettings.MinPollingInterval, TimeSpan.FromDays(1)),
                Base64 = values.Choice("extensions:queues:messageEncoding", "base64", "none") == "base64",
                Lease = own.Span("FUNCTIONS_QUEUE_LEASE", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(2), TimeSpan.FromHours(1)),
            },
            Blobs = new BlobSettings
            {
                MaxDegreeOfParallelism = values.Int("extensions:blobs:maxDegreeOfParallelism", 8, 1, 1000),
                PoisonThreshold = values.Int("extensions:blobs:poisonBlobThreshold", 5, 1, 1000),
                Poll = own.Span("FUNCTIONS_BLOB_POLL", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(50), TimeSpan.FromHours(1)),
            },
        };
    }

    /// <summary>host.json as configuration, with the overrides on top; also holds its <c>logging</c> section.</summary>
    public static IConfiguration HostJson(IConfiguration configuration, string? path)
    {
        var builder = new ConfigurationBuilder();
        if (path is not null)
        {
            try
            {
                builder.AddJsonFile(Path.GetFullPath(path)).Build();
            }
            catch (Exception e) when (e is FormatException or InvalidDataException)
            {
                throw new FunctionsStartException($"{path} is not valid JSON: {(e.InnerException ?? e).Message}", e);
            }
        }
        // Copied, not chained: a chained configuration drops empty values, and an empty routePrefix means something.
        var overrides = configuration.GetSection(OverridePrefix).AsEnumerable(makePathsRelative: true).Where(v => v.Value is not null);
        return builder.AddInMemoryCollection(overrides).Build();
    }

    private sealed class Reader(IConfiguration source, string where, char separator)
    {
        public string Text(string key, string fallback) => source[key] ?? fallback;

        public int Int(string key, int fallback, int min, int max)
        {
            if (source[key] is not { } text)
                return fallback;
            return int.TryParse(text, out var value) && value >= min && value <= max
                ? value
                : throw Bad(key, text, max == int.MaxValue ? $"a whole number from {min}" : $"a whole number from {min} to {max}");
        }

        public TimeSpan Span(string key, TimeSpan fallback, TimeSpan min, TimeSpan max)
        {
            if (source[key] is not { } text)
                return fallback;
            return TimeSpan.TryParse(text, out var value) && value >= min && value <= max
                ? value
                : throw Bad(key, text, $"a time span (hh:mm:ss) from {min} to {max}");
        }

        /// <summary>A positive time span; "-1" is "without limit", as on the Premium and Dedicated plans.</summary>
        public TimeSpan? Timeout(string key)
            => source[key] is null or "-1" ? null : Span(key, TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromDays(10));

        public string Choice(string key, string first, string second)
        {
            var text = source[key]?.ToLowerInvariant() ?? first;
            return text == first || text == second ? text : throw Bad(key, text, $"'{first}' or '{second}'");
        }

        private FunctionsStartException Bad(string key, string text, string wanted)
            => new($"{where} {key.Replace(separator, '.')} is '{text}'; it must be {wanted}.");
    }
}

internal sealed record QueueSettings
{
    public static readonly TimeSpan MinPollingInterval = TimeSpan.FromMilliseconds(100);

    public required int BatchSize { get; init; }

    public required int NewBatchThreshold { get; init; }

    public required int MaxDequeueCount { get; init; }

    /// <summary>How long a failed message stays invisible before it is tried again.</summary>
    public required TimeSpan VisibilityTimeout { get; init; }

    public required TimeSpan MaxPollingInterval { get; init; }

    public required bool Base64 { get; init; }

    /// <summary>
    /// How long a message stays invisible without a renewal. Short, because after a crash the message comes back only
    /// when this has passed; the real host takes ten minutes.
    /// </summary>
    public required TimeSpan Lease { get; init; }
}

internal sealed record BlobSettings
{
    public required int MaxDegreeOfParallelism { get; init; }

    public required int PoisonThreshold { get; init; }

    public required TimeSpan Poll { get; init; }
}
