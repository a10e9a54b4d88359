using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using XenoCrm.AppHost;

namespace XenoCrm.Infrastructure;

/// <summary>docs/configuration.md: every property of the options types with its default and what its comment says, and what the sample says of the rest.</summary>
internal static partial class ConfigurationReference
{
    /// <summary>What the host and the SDKs read, and no options type of this app.</summary>
    private static readonly (string Name, string Default, string What)[] OfTheHost =
    [
        ("AzureWebJobsStorage", "", "Connection string of the storage of blobs and queues. In Azure it is absent, and the four below say where the storage is and who asks."),
        ("AzureWebJobsStorage__blobServiceUri", "", "Address of the blobs, opened by the managed identity."),
        ("AzureWebJobsStorage__queueServiceUri", "", "Address of the queues."),
        ("AzureWebJobsStorage__tableServiceUri", "", "Address of the tables, where the host keeps its diagnostic events."),
        ("AzureWebJobsStorage__credential", "", "`managedidentity`."),
        ("AzureWebJobsStorage__clientId", "", "Which identity the host acts as."),
        ("AZURE_CLIENT_ID", "", "Which identity the app's own SDKs act as."),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "", "Where the host sends its telemetry."),
        ("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "", "As which identity it does."),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "", "An OpenTelemetry collector that the app sends traces and figures to; none are collected without it. The other variables of the standard (`OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`) hold too."),
        ("FUNCTIONS_WORKER_RUNTIME", "", "`dotnet-isolated`; for Core Tools. The Flex Consumption plan has it elsewhere and refuses it here."),
    ];

    private static readonly string App = Path.Combine(Repository.Root, "src", "XenoCrm.Functions");

    private static readonly Lazy<string> Sources = new(() =>
        string.Join('\n', Directory.EnumerateFiles(App, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllText)));

    /// <summary>What is in local.settings.sample.json: a comment is of all settings below it, up to the next one or a blank line.</summary>
    private static readonly Lazy<List<Setting>> Sample = new(() =>
    {
        var settings = new List<Setting>();
        var (comment, isOpen) = ("", false);
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "local.settings.sample.json")).SkipWhile(l => !l.Contains("\"Values\"", StringComparison.Ordinal)).Skip(1))
        {
            if (SampleSetting().Match(line) is { Success: true } setting)
            {
                settings.Add(new(setting.Groups["name"].Value, "text", setting.Groups["off"].Success ? setting.Groups["value"].Value : "", comment));
                isOpen = false;
            }
            else if (SampleComment().Match(line) is { Success: true } text)
            {
                comment = isOpen ? $"{comment} {text.Groups["text"].Value}" : text.Groups["text"].Value;
                isOpen = true;
            }
            else
            {
                (comment, isOpen) = ("", false);
            }
        }

        return settings;
    });

    private sealed record Setting(string Name, string Type, string Default, string What);

    /// <summary>Of all settings; <c>__0</c> stands for the place in a list.</summary>
    public static IEnumerable<string> Names => Sections().SelectMany(s => s.Settings).Concat(Others()).Select(s => s.Name);

    public static string Write()
    {
        var text = new StringBuilder();
        text.Append("# Configuration\n");
        text.Append("Every setting of the function app. Written from the options types and `local.settings.sample.json`: change those, then run\n\n");
        text.Append("```bash\n").Append(GeneratedFile.Command).Append("\n```\n\n");
        text.Append("Settings are environment variables, app settings in Azure (infra/), or `Values` of `local.settings.json`; the environment comes first.\n");
        text.Append("`__0` is the first of a list. Values that are not possible stop the start and say why. Secrets belong into the vault: infra/README.md.\n");
        foreach (var (section, settings) in Sections())
        {
            Table(text, section, settings);
        }

        Table(text, "Host, SDKs and the rest", Others());
        return text.ToString();
    }

    private static void Table(StringBuilder text, string title, IEnumerable<Setting> settings)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| setting | type | default | |\n|---|---|---|---|\n");
        foreach (var setting in settings)
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{setting.Name}` | {setting.Type} | {(setting.Default.Length > 0 ? $"`{setting.Default}`" : "")} | {setting.What.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }
    }

    private static IEnumerable<(string Section, IReadOnlyList<Setting> Settings)> Sections()
    {
        var seen = new HashSet<string>();
        return from type in AppServices.App.GetTypes()
               let section = type.GetField("Section", BindingFlags.Public | BindingFlags.Static) is { IsLiteral: true } field ? (string)field.GetRawConstantValue()! : null
               where section is not null && type.GetConstructor(Type.EmptyTypes) is not null
               orderby section, type.Name
               let settings = (IReadOnlyList<Setting>)[.. Of(type, Activator.CreateInstance(type)!, section.Replace(":", "__", StringComparison.Ordinal)).Where(s => seen.Add(s.Name))]
               where settings.Count > 0
               select (section.Replace(":", ", ", StringComparison.Ordinal), settings);
    }

    private static IEnumerable<Setting> Of(Type type, object instance, string prefix)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var (name, value, kind) = ($"{prefix}__{property.Name}", property.GetValue(instance), Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
            if (typeof(Delegate).IsAssignableFrom(kind))
            {
                continue;
            }

            var what = Comment(type, property.Name) is { Length: > 0 } comment ? comment : Sample.Value.FirstOrDefault(s => s.Name == name || Numbers().Replace(s.Name, "__0") == name + "__0")?.What ?? "";
            if (TypeName(kind) is { } simple)
            {
                yield return new(name, simple, Text(value), what);
            }
            else if (kind != typeof(string) && typeof(IEnumerable).IsAssignableFrom(kind) && kind.IsGenericType && kind.GetGenericArguments() is [var item])
            {
                foreach (var setting in TypeName(item) is { } of ? [new(name + "__0", of, "", what)] : Of(item, Activator.CreateInstance(item)!, name + "__0"))
                {
                    yield return setting with { What = string.Join(' ', new[] { what, setting.What == what ? "" : setting.What }.Where(t => t.Length > 0)) };
                }
            }
            else if (kind.IsGenericType && kind.GetGenericArguments() is [_, var entry] && TypeName(entry) is { } of)
            {
                yield return new(name + "__NAME", of, "", what);
            }
            else if (kind.Assembly == AppServices.App && value is not null)
            {
                foreach (var setting in Of(kind, value, name))
                {
                    yield return setting with { What = string.Join(' ', new[] { setting.What, what }.Where(t => t.Length > 0)) };
                }
            }
        }
    }

    /// <summary>What is in the sample and in no options type, by the comment above it.</summary>
    private static IEnumerable<Setting> Others()
    {
        var options = Sections().SelectMany(s => s.Settings).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        var others = OfTheHost.Select(o => new Setting(o.Name, "text", o.Default, o.What)).ToList();
        others.AddRange(Sample.Value.Where(s => !options.Contains(Numbers().Replace(s.Name, "__0")) && others.TrueForAll(o => o.Name != s.Name)));
        return others.OrderBy(o => o.Name, StringComparer.Ordinal);
    }

    private static string? TypeName(Type type) =>
        type == typeof(string) ? "text"
        : type == typeof(bool) ? "true, false"
        : type == typeof(int) || type == typeof(long) ? "whole number"
        : type == typeof(double) || type == typeof(decimal) ? "number"
        : type == typeof(TimeSpan) ? "d.hh:mm:ss"
        : type == typeof(Uri) ? "address"
        : type.IsEnum ? string.Join(", ", Enum.GetNames(type))
        : null;

    private static string Text(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>The summary above a property, as one line.</summary>
    private static string Comment(Type type, string property)
    {
        var source = Sources.Value;
        var start = source.IndexOf($"class {type.Name}\n", StringComparison.Ordinal);
        start = start < 0 ? source.IndexOf($"record {type.Name}", StringComparison.Ordinal) : start;
        if (start < 0)
        {
            return "";
        }

        var lines = source[start..source.IndexOf("\n}", start, StringComparison.Ordinal)].Split('\n');
        var line = Array.FindIndex(lines, l => l.Contains($" {property} {{", StringComparison.Ordinal) && l.TrimStart().StartsWith("public ", StringComparison.Ordinal));
        var above = lines.Take(Math.Max(0, line)).Reverse().SkipWhile(l => l.TrimStart().StartsWith('[')).TakeWhile(l => l.TrimStart().StartsWith("///", StringComparison.Ordinal)).Reverse();
        var text = string.Join(' ', above.Select(l => l.Trim().TrimStart('/').Trim()));
        text = Reference().Replace(text, m => $"`{m.Groups["name"].Value.Split('.')[^1]}`");
        text = Code().Replace(text, m => $"`{m.Groups["text"].Value}`");
        return WebUtility.HtmlDecode(Space().Replace(Tag().Replace(text, " "), " ")).Trim();
    }

    [GeneratedRegex(@"^\s*(?<off>// )?""(?<name>\w+)"":\s*""?(?<value>[^""]*)""?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SampleSetting();

    [GeneratedRegex(@"^\s*// (?<text>.*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SampleComment();

    [GeneratedRegex(@"__\d+", RegexOptions.None, 1000)]
    private static partial Regex Numbers();

    [GeneratedRegex(@"<(?:see|paramref|typeparamref) (?:cref|name|langword)=""(?<name>[^""]+)""\s*/>", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reference();

    [GeneratedRegex("<c>(?<text>[^<]*)</c>", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();

    [GeneratedRegex("<[^>]+>", RegexOptions.None, 1000)]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Space();
}
