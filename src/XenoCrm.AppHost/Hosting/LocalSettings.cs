using System.Text.Json;

namespace XenoCrm.AppHost;

/// <summary>
/// The function app's settings, from <c>local.settings.json</c> or, without one, from the sample. As with Core Tools, an
/// environment variable of the same name has precedence.
/// </summary>
public static class LocalSettings
{
    public static Dictionary<string, string> Load()
    {
        var own = Path.Combine(Repository.Root, "local.settings.json");
        var file = File.Exists(own) ? own : Path.Combine(Repository.Root, "local.settings.sample.json");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return json.RootElement.GetProperty("Values").EnumerateObject().ToDictionary(p => p.Name, p => Environment.GetEnvironmentVariable(p.Name) ?? p.Value.ToString());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LocalException($"{file} cannot be read: it must be a JSON object with an object \"Values\" ({e.Message})", e);
        }
    }

    /// <summary>The settings with the addresses of what the AppHost starts in place of those in the file, unless an environment variable names another.</summary>
    public static Dictionary<string, string> For(LocalPorts ports)
    {
        var settings = Load();
        Point("AzureWebJobsStorage", AzuriteProcess.ConnectionStringFor((ports.Blobs, ports.Queues, ports.Tables)));
        Point("Cosmos__Endpoint", $"http://127.0.0.1:{ports.Cosmos}/");
        // The emulator's published key; the emulator checks it.
        Point("Cosmos__Key", "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==");
        Point("Cosmos__Database", "xenocrm");
        Point("Vendors__Generic__BaseAddress", $"http://127.0.0.1:{ports.Vendor}/");
        Point("PublicBaseAddress", $"http://127.0.0.1:{ports.Api}");
        // As Core Tools says it: without it the app takes itself for production and refuses the sample's secrets.
        settings["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development";
        settings["ASPNETCORE_URLS"] = $"http://127.0.0.1:{ports.Api}";
        return settings;

        // Whatever the file says; only an environment variable knows better: an account in Azure, or something in between.
        void Point(string key, string value) => settings[key] = Environment.GetEnvironmentVariable(key) ?? value;
    }

    public static string Required(this IReadOnlyDictionary<string, string> settings, string key) =>
        settings.TryGetValue(key, out var value) && value.Length > 0
            ? value
            : throw new LocalException($"The setting {key} is missing: see local.settings.sample.json.");
}
