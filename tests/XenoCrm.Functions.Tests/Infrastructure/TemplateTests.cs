using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Imports;
using XenoCrm.Platform.Cosmos;
using XenoCrm.Platform.Telemetry;

namespace XenoCrm.Infrastructure;

/// <summary>The templates against the code that runs on what they make.</summary>
public sealed partial class TemplateTests
{
    /// <summary>Every resource, with the version of its description that the properties were looked up in.</summary>
    private static readonly Dictionary<string, string[]> Expected = new()
    {
        ["identity.bicep"] = ["Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31"],
        ["storage.bicep"] = ["Microsoft.Storage/storageAccounts@2023-05-01", "blobServices", "containers", "containers", "Microsoft.Authorization/roleAssignments@2022-04-01"],
        ["database.bicep"] =
        [
            "Microsoft.DocumentDB/databaseAccounts@2024-11-15", "Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15",
            "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15", "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15",
        ],
        ["vault.bicep"] = ["Microsoft.KeyVault/vaults@2023-07-01", "Microsoft.Authorization/roleAssignments@2022-04-01"],
        ["telemetry.bicep"] = ["Microsoft.OperationalInsights/workspaces@2023-09-01", "Microsoft.Insights/components@2020-02-02", "Microsoft.Authorization/roleAssignments@2022-04-01"],
        ["app.bicep"] = ["Microsoft.Web/serverfarms@2024-04-01", "Microsoft.Web/sites@2024-04-01", "Microsoft.Web/sites/config@2024-04-01"],
        ["events.bicep"] = ["Microsoft.Web/sites@2024-04-01", "Microsoft.EventGrid/systemTopics@2022-06-15", "Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15"],
        ["alerts.bicep"] =
        [
            "Microsoft.Insights/actionGroups@2023-01-01", "Microsoft.Insights/scheduledQueryRules@2022-06-15", "Microsoft.Insights/metricAlerts@2018-03-01",
            "Microsoft.Consumption/budgets@2023-11-01",
        ],
        ["roles.bicep"] = [],
        ["main.bicep"] = [],
    };

    private static readonly BicepFile Main = new("main.bicep");
    private static readonly BicepFile App = new("modules/app.bicep");
    private static readonly BicepFile Database = new("modules/database.bicep");
    private static readonly BicepFile Storage = new("modules/storage.bicep");
    private static readonly BicepFile Alerts = new("modules/alerts.bicep");

    public static TheoryData<string> Stages => ["dev.bicepparam", "main.bicepparam", "prod.bicepparam"];

    [Fact]
    public void Each_module_makes_the_resources_it_is_there_for()
    {
        var templates = BicepFile.All.Where(f => f.Path.EndsWith(".bicep", StringComparison.Ordinal)).ToList();
        templates.Select(t => Path.GetFileName(t.Path)).ShouldBe(Expected.Keys, ignoreOrder: true);
        foreach (var template in templates)
        {
            template.ResourceTypes.ShouldBe(Expected[Path.GetFileName(template.Path)], template.Path);
        }
    }

    [Fact]
    public void Brackets_match_and_modules_get_exactly_the_parameters_they_ask_for()
    {
        BicepFile.All.Select(f => (f.Path, Fault: f.Unbalanced())).Where(f => f.Fault is not null).ShouldBeEmpty();
        Main.Modules.Count().ShouldBe(Expected.Count - 2);
        foreach (var (symbol, path, given) in Main.Modules)
        {
            var asked = new BicepFile(path).Parameters;
            given.Where(g => !asked.ContainsKey(g)).ShouldBeEmpty($"{symbol} is given what {path} does not take");
            asked.Where(p => !p.Value && !given.Contains(p.Key)).Select(p => p.Key).ShouldBeEmpty($"{symbol} lacks what {path} asks for");
        }
    }

    [Fact]
    public void What_is_asked_of_a_module_is_what_it_gives()
    {
        var outputs = Main.Modules.ToDictionary(m => m.Symbol, m => Output().Matches(new BicepFile(m.Path).Text).Select(o => o.Groups["name"].Value).ToHashSet());
        var used = Use().Matches(Main.Text).Select(m => (Module: m.Groups["module"].Value, Output: m.Groups["name"].Value)).Distinct().ToList();
        used.Count.ShouldBeGreaterThan(10);
        used.Where(u => !outputs[u.Module].Contains(u.Output)).ShouldBeEmpty();
    }

    [Fact]
    public void Roles_are_known_by_name()
    {
        var roles = new BicepFile("modules/roles.bicep");
        var known = Role().Matches(roles.Text).Select(m => m.Groups["name"].Value).ToHashSet();
        var used = BicepFile.All.SelectMany(f => NamedRole().Matches(f.Text)).Select(m => m.Groups["name"].Value)
            .Concat(Quoted().Matches(Storage.BlockOf("granted")).Select(m => m.Groups["text"].Value)).Where(n => n.Length > 0).ToHashSet();
        used.ShouldBe(known, ignoreOrder: true);

        // A GUID of a role anywhere else would be a grant that nobody can read.
        BicepFile.All.Where(f => f.Path != roles.Path && Guid().IsMatch(f.Text)).ShouldBeEmpty();
    }

    [Fact]
    public void No_key_opens_anything()
    {
        Storage.Text.ShouldContain("allowSharedKeyAccess: false");
        Storage.Text.ShouldContain("allowBlobPublicAccess: false");
        Database.Text.ShouldContain("disableLocalAuth: true");
        Database.Text.ShouldContain("loadJsonContent('../containers.json')");
        new BicepFile("modules/telemetry.bicep").Text.ShouldContain("DisableLocalAuth: true");
        App.Text.ShouldContain("keyVaultReferenceIdentity: identityId");
        BicepFile.All.Where(f => f.Text.Contains("listConnectionStrings", StringComparison.OrdinalIgnoreCase) || f.Text.Contains("AccountKey=", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
    }

    [Fact]
    public void Uploads_reach_the_function_that_takes_them()
    {
        var events = new BicepFile("modules/events.bicep").Text;
        var function = typeof(ImportFunctions).GetMethods().SelectMany(m => m.GetParameters().Select(p => (Method: m, Trigger: Attribute.GetCustomAttribute(p, typeof(Microsoft.Azure.Functions.Worker.BlobTriggerAttribute)))))
            .Single(p => p.Trigger is not null);
        var trigger = (Microsoft.Azure.Functions.Worker.BlobTriggerAttribute)function.Trigger!;
        trigger.Source.ShouldBe(Microsoft.Azure.Functions.Worker.BlobTriggerSource.EventGrid, "Flex Consumption has no other");
        var name = ((Microsoft.Azure.Functions.Worker.FunctionAttribute)Attribute.GetCustomAttribute(function.Method, typeof(Microsoft.Azure.Functions.Worker.FunctionAttribute))!).Name;
        events.ShouldContain($"functionName=Host.Functions.{name}&");
        events.ShouldContain($"/blobServices/default/containers/{trigger.BlobPath.Split('/')[0]}/");
        Storage.Text.ShouldContain($"name: '{ImportBlobs.ContainerName}'");
        Main.Text.ShouldContain("module events 'modules/events.bicep' = if (subscribeToUploads)");
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public void A_stage_gives_every_parameter_that_has_no_default(string file)
    {
        var stage = new BicepFile(file);
        stage.Text.ShouldContain("using 'main.bicep'");
        stage.Assigned.Where(a => !Main.Parameters.ContainsKey(a)).ShouldBeEmpty();
        Main.Parameters.Where(p => !p.Value).Select(p => p.Key).Except(stage.Assigned).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public void The_app_starts_with_the_settings_of_a_stage(string file)
    {
        var settings = SettingsOf(file);
        Validate(settings);

        // Without any one of these it does not: what the check above would miss is nothing.
        string[] required = ["Cosmos__Endpoint", "Auth__SigningKeys__0__Key", "Signing__Key", "Workspace__AddressKey", "Vendors__Generic__BaseAddress"];
        foreach (var name in required)
        {
            settings.ShouldContainKey(name);
            Should.Throw<Exception>(() => Validate(settings.Where(s => s.Key != name).ToDictionary()), $"without {name}");
        }

        using var services = AppServices.With(Configuration(settings)).BuildServiceProvider();
        services.GetRequiredService<QueueServiceClient>().Uri.Host.ShouldBe("value.example");
        services.GetRequiredService<BlobServiceClient>().Uri.Host.ShouldBe("value.example");
        services.GetRequiredService<IOptions<CosmosOptions>>().Value.Key.ShouldBeEmpty("the identity opens it");
    }

    [Theory]
    [MemberData(nameof(Stages))]
    public void A_stage_gives_no_setting_that_nothing_reads_and_no_secret_in_the_open(string file)
    {
        var known = ConfigurationReference.Names.Select(Pattern).ToList();
        SettingsOf(file).Keys.Where(k => !known.Any(p => p.IsMatch(k))).ShouldBeEmpty();
        SettingLines(file).Select(s => s.Name).Where(n => Secret().IsMatch(n)).ShouldBeEmpty("these belong into the vault");
    }

    /// <summary>The alerts read a sentence that the app writes.</summary>
    [Fact]
    public void Alerts_read_the_line_that_the_queues_are_measured_with()
    {
        var parse = Parse().Match(Alerts.Text).Groups["pattern"].Value;
        var pattern = Regex.Replace(parse, "\"(?<text>[^\"]*)\"|(?<name>\\w+)(:\\w+)?", m => m.Groups["text"].Success ? m.Groups["text"].Value : $"{{{m.Groups["name"].Value}}}", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Replace(" {", "{", StringComparison.Ordinal).Replace("} ", "}", StringComparison.Ordinal);
        pattern.Replace(" ", "", StringComparison.Ordinal).ShouldBe(MeasureQueues.Line.Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_alert_says_where_its_remedy_is()
    {
        var runbook = File.ReadAllText(Path.Combine(AppHost.Repository.Root, "docs", "runbook.md"));
        var named = Remedy().Matches(Alerts.Text).Select(m => m.Groups["section"].Value).ToList();
        named.Count.ShouldBe(4);
        named.Where(n => !runbook.Contains($"\n## {n}\n", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static void Validate(IReadOnlyDictionary<string, string> settings)
    {
        using var services = AppServices.With(Configuration(settings)).BuildServiceProvider();
        services.GetRequiredService<IStartupValidator>().Validate();
    }

    private static IConfiguration Configuration(IReadOnlyDictionary<string, string> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key.Replace("__", ":", StringComparison.Ordinal), (string?)s.Value))).Build();

    /// <summary>The app settings that a deployment of the stage makes, with values of the kind that they have.</summary>
    private static Dictionary<string, string> SettingsOf(string stage)
    {
        var secrets = new BicepFile(stage).BlockOf("secretSettings") is { Length: > 0 } own ? own : Main.BlockOf("secretSettings");
        return BicepFile.Keys(App.BlockOf("fixed")).Select(k => (k, Value: (string?)null))
            .Concat(Quoted().Matches(secrets).Select(m => (m.Groups["text"].Value, (string?)null)))
            .Concat(SettingLines(stage))
            .ToDictionary(s => s.Item1, s => s.Item2 ?? Sample(s.Item1));
    }

    private static IEnumerable<(string Name, string? Literal)> SettingLines(string stage) =>
        Setting().Matches(new BicepFile(stage).BlockOf("settings")).Select(m => (m.Groups["name"].Value, m.Groups["value"].Success ? m.Groups["value"].Value : null));

    private static string Sample(string name) => name switch
    {
        "Cosmos__Database" => "xenocrm",
        _ when name.EndsWith("Email", StringComparison.Ordinal) || name.EndsWith("__From", StringComparison.Ordinal) && name.Contains("SendGrid", StringComparison.Ordinal) => "someone@value.example",
        _ when name.EndsWith("From", StringComparison.Ordinal) => "+15550100",
        _ when name.EndsWith("Uri", StringComparison.Ordinal) || name.EndsWith("Endpoint", StringComparison.Ordinal) || name.EndsWith("Address", StringComparison.Ordinal) => "https://value.example/",
        _ when name.Contains("ReceiptSecrets", StringComparison.Ordinal) => "whsec_" + Convert.ToBase64String(new byte[24]),
        _ when name.Contains("PublicKeys", StringComparison.Ordinal) => PublicKey(),
        _ when name.EndsWith("AccountSid", StringComparison.Ordinal) => "AC" + new string('0', 32),
        _ => Convert.ToBase64String(new byte[32]),
    };

    private static string PublicKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>A name of the reference, where <c>0</c> stands for any number.</summary>
    private static Regex Pattern(string name) => new($"^{name.Replace("__0", @"__\d+", StringComparison.Ordinal)}$", RegexOptions.None, TimeSpan.FromSeconds(1));

    [GeneratedRegex(@"^output (?<name>\w+) ", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Output();

    [GeneratedRegex(@"\b(?<module>\w+)\.outputs\.(?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Use();

    [GeneratedRegex(@"^  '(?<name>[^']+)': '[0-9a-f-]{36}'", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Role();

    [GeneratedRegex(@"oles\['(?<name>[^']+)'\]", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamedRole();

    [GeneratedRegex("'(?<text>[^']+)'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Guid();

    [GeneratedRegex(@"^  (?<name>\w+): (?:'(?<value>[^'$\n]*)'$|)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Setting();

    [GeneratedRegex("(Key|Secret|Password|Token|Secrets__0)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Secret();

    [GeneratedRegex("parse Message with (?<pattern>[^'|]+)'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Parse();

    [GeneratedRegex("docs/runbook.md, \"(?<section>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Remedy();
}
