using XenoCrm.AppHost;

namespace XenoCrm.Scenarios.Contract;

[Collection(ContractSystem.Collection)]
public class PostmanTests(ContractSystem system)
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "infra", "postman");

    [Theory]
    [InlineData("xeno-crm.postman_collection.json")]
    [InlineData("xeno-crm.postman_environment.json")]
    public async Task The_files_are_those_of_the_document(string file)
    {
        var folder = Directory.CreateDirectory(Path.Combine(system.Scratch, "postman")).FullName;
        var (exit, output) = await NodeTools.RunAsync("node", folder, Path.Combine(s_folder, "generate.mjs"), new Uri(system.System.Api, "api/openapi.json").ToString(), folder);
        exit.ShouldBe(0, output);
        var made = await File.ReadAllTextAsync(Path.Combine(folder, file));
        if (Environment.GetEnvironmentVariable("XENO_WRITE_EXAMPLES") == "1")
            await File.WriteAllTextAsync(Path.Combine(s_folder, file), made);
        (await File.ReadAllTextAsync(Path.Combine(s_folder, file)) == made)
            .ShouldBeTrue($"{file} is stale: with the app running, `node infra/postman/generate.mjs http://127.0.0.1:7071/api/openapi.json` writes it anew");
    }

    [Fact]
    public async Task The_walk_goes_through()
    {
        var (exit, output) = await NodeTools.RunAsync(
            "newman", system.Scratch, "run", Path.Combine(s_folder, "xeno-crm.postman_collection.json"), "--environment", Path.Combine(s_folder, "xeno-crm.postman_environment.json"),
            "--env-var", $"baseUrl={system.System.Api.ToString().TrimEnd('/')}", "--env-var", $"email={system.Email}", "--env-var", $"password={system.Password}",
            "--folder", "Walk", "--bail", "--color", "off", "--disable-unicode");
        exit.ShouldBe(0, output);
        output.ShouldContain("everybody is accounted for");
    }
}
