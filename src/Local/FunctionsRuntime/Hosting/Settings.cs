using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace XenoCrm.Local.FunctionsRuntime.Hosting;

/// <summary>The app's settings: local.settings.json, and <c>%Name%</c> in attributes.</summary>
internal static class Settings
{
    /// <summary>
    /// Reads <c>Values</c> of local.settings.json. Core Tools puts them into the environment without overwriting what is
    /// there; the caller inserts them below the environment variables, which comes to the same.
    /// </summary>
    public static Dictionary<string, string?> ReadLocal(string path)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(path), new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            if (document.RootElement.TryGetProperty("Values", out var settings))
            {
                foreach (var setting in settings.EnumerateObject())
                    values[setting.Name.Replace("__", ":")] = setting.Value.ToString();
            }
            return values;
        }
        catch (JsonException e)
        {
            throw new FunctionsStartException($"{path} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Replaces each <c>%Name%</c> with the setting of that name.</summary>
    /// <exception cref="FunctionsStartException">There is no such setting.</exception>
    public static string Resolve(string text, IConfiguration configuration)
    {
        var start = text.IndexOf('%');
        if (start < 0)
            return text;
        var end = text.IndexOf('%', start + 1);
        if (end < 0)
            return text;
        var name = text[(start + 1)..end];
        var value = configuration[name.Replace("__", ":")]
            ?? throw new FunctionsStartException($"'{text}' refers to the setting '{name}', which has no value.");
        return text[..start] + value + Resolve(text[(end + 1)..], configuration);
    }
}
