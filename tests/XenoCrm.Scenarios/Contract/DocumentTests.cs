using System.Net;
using System.Text.Json;

namespace XenoCrm.Scenarios.Contract;

/// <summary>What others make of the API document.</summary>
[Collection(ContractSystem.Collection)]
public class DocumentTests(ContractSystem system)
{
    [Fact]
    public async Task The_default_rules_of_spectral_pass()
    {
        var folder = await WriteDocumentAsync("spectral");
        await File.WriteAllTextAsync(Path.Combine(folder, "ruleset.json"), """{ "extends": ["spectral:oas"] }""");
        var (exit, output) = await NodeTools.RunAsync("spectral", folder, "lint", "--ruleset", "ruleset.json", "--fail-severity", "hint", "openapi.json");
        exit.ShouldBe(0, output);
        output.ShouldContain("No results");
    }

    [Fact]
    public async Task A_typed_client_made_of_it_compiles_and_works()
    {
        var folder = await WriteDocumentAsync("client");
        foreach (var file in new[] { "client.ts", "tsconfig.json" })
            File.Copy(Path.Combine(NodeTools.Folder, file), Path.Combine(folder, file), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), """{ "type": "module" }""");
        await ShouldWorkAsync("openapi-typescript", folder, "openapi.json", "-o", "api.ts");
        await ShouldWorkAsync("tsc", folder, "-p", ".");
        var output = await ShouldWorkAsync("node", folder, "client.js", system.System.Api.ToString(), system.Email, system.Password);
        JsonDocument.Parse(output).RootElement.GetProperty("city").GetString().ShouldBe("Typescript");
    }

    [Fact]
    public async Task Without_a_token_what_the_document_protects_is_401_and_nothing_else_asks_for_one()
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = system.System.Api };
        system.Document.Operations.Count.ShouldBeGreaterThan(90);
        system.Document.Operations.Count(o => o.IsProtected).ShouldBeGreaterThan(80);
        foreach (var operation in system.Document.Operations)
        {
            using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Path.TrimStart('/').Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal));
            using var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var isRefused = response.StatusCode == HttpStatusCode.Unauthorized && text.Contains("\"auth.token_missing\"", StringComparison.Ordinal);
            isRefused.ShouldBe(operation.IsProtected, $"{operation.Id}: {text}");
            operation.Statuses.ShouldContain((int)response.StatusCode, operation.Id);
        }
    }

    private static async Task<string> ShouldWorkAsync(string tool, string folder, params string[] arguments)
    {
        var (exit, output) = await NodeTools.RunAsync(tool, folder, arguments);
        exit.ShouldBe(0, output);
        return output;
    }

    private async Task<string> WriteDocumentAsync(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(system.Scratch, name)).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "openapi.json"), system.Document.Json.ToJsonString());
        return folder;
    }
}
