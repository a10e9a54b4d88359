using Newtonsoft.Json;

namespace XenoCrm.Local.CosmosEmulator.Tests;

/// <summary>What most tests store.</summary>
public sealed record Doc
{
    [JsonProperty("id")]
    public string Id { get; init; } = "";

    [JsonProperty("pk")]
    public string Pk { get; init; } = "";

    [JsonProperty("n")]
    public int N { get; init; }

    [JsonProperty("text", NullValueHandling = NullValueHandling.Ignore)]
    public string? Text { get; init; }

    [JsonProperty("ttl", NullValueHandling = NullValueHandling.Ignore)]
    public int? Ttl { get; init; }

    [JsonProperty("_etag", NullValueHandling = NullValueHandling.Ignore)]
    public string? Etag { get; init; }

    public static Doc Of(string id, string pk = "p", int n = 0) => new() { Id = id, Pk = pk, N = n };
}
