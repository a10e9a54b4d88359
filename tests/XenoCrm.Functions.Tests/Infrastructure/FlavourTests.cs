using System.Diagnostics;
using System.Text.Json;
using XenoCrm.AppHost;

namespace XenoCrm.Infrastructure;

/// <summary>What the function app is built of, by flavour, as MSBuild sees it: this needs no package of the other flavour.</summary>
public sealed class FlavourTests
{
    private static readonly string[] Worker =
    [
        "Microsoft.Azure.Functions.Worker", "Microsoft.Azure.Functions.Worker.Extensions.Http.AspNetCore", "Microsoft.Azure.Functions.Worker.Extensions.Storage.Blobs",
        "Microsoft.Azure.Functions.Worker.Extensions.Storage.Queues", "Microsoft.Azure.Functions.Worker.Extensions.Timer", "Microsoft.Azure.Functions.Worker.Sdk",
    ];

    [Fact]
    public async Task The_azure_flavour_is_of_the_real_worker_and_of_nothing_local()
    {
        using var items = await EvaluateAsync("-p:FunctionsRuntime=Azure");

        Identities(items, "PackageReference").Where(IsWorker).Order(StringComparer.Ordinal).ShouldBe(Worker);
        Identities(items, "ProjectReference").ShouldBeEmpty();
        Identities(items, "PackageVersion").Intersect(Worker).Order(StringComparer.Ordinal).ShouldBe(Worker);
        Property(items, "AzureFunctionsVersion").ShouldBe("v4");
        Property(items, "OutputPath").ShouldContain("/Azure/");
    }

    [Fact]
    public async Task The_local_flavour_is_of_the_local_runtime_and_of_no_worker()
    {
        using var items = await EvaluateAsync();

        Identities(items, "PackageReference").Where(IsWorker).ShouldBeEmpty();
        Identities(items, "ProjectReference").ShouldHaveSingleItem().ShouldEndWith("FunctionsRuntime.csproj");
        Property(items, "OutputPath").ShouldContain("/Local/");
    }

    /// <summary>What differs between the flavours is what runs the functions, and nothing else.</summary>
    [Fact]
    public async Task Both_flavours_are_of_the_same_sources_and_packages()
    {
        using var azure = await EvaluateAsync("-p:FunctionsRuntime=Azure");
        using var local = await EvaluateAsync();

        Identities(azure, "Compile").ShouldBe(Identities(local, "Compile"));
        Identities(azure, "PackageReference").Where(p => !IsWorker(p)).ShouldBe(Identities(local, "PackageReference"));
        Identities(azure, "Compile").Count().ShouldBeGreaterThan(100);
    }

    [Fact]
    public async Task What_is_published_is_the_azure_flavour_unless_told_otherwise()
    {
        using var published = await EvaluateAsync("-p:_IsPublishing=true");
        using var told = await EvaluateAsync("-p:_IsPublishing=true", "-p:FunctionsRuntime=Local");

        Identities(published, "PackageReference").Where(IsWorker).ShouldNotBeEmpty();
        Identities(told, "PackageReference").Where(IsWorker).ShouldBeEmpty();
        File.ReadAllText(Path.Combine(Repository.Root, "src/XenoCrm.Functions/FunctionsRuntime.Azure.props")).ShouldContain("-p:FunctionsRuntime=Local");
    }

    private static bool IsWorker(string package) => package.StartsWith("Microsoft.Azure.Functions.", StringComparison.Ordinal);

    private static IEnumerable<string> Identities(JsonDocument evaluated, string item) =>
        evaluated.RootElement.GetProperty("Items").GetProperty(item).EnumerateArray().Select(i => i.GetProperty("Identity").GetString()!);

    private static string Property(JsonDocument evaluated, string name) =>
        evaluated.RootElement.GetProperty("Properties").GetProperty(name).GetString()!.Replace('\\', '/');

    private static async Task<JsonDocument> EvaluateAsync(params string[] properties)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "msbuild", Path.Combine(Repository.Root, "src/XenoCrm.Functions/XenoCrm.Functions.csproj"), "-getItem:PackageReference,ProjectReference,PackageVersion,Compile",
            "-getProperty:AzureFunctionsVersion,OutputPath", "-nodeReuse:false", .. properties,
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // What this process was started with must not decide: `dotnet test` sets some of these.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || k is "FunctionsRuntime" or "_IsPublishing").ToList())
        {
            start.Environment.Remove(name);
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, output + await errors);
        return JsonDocument.Parse(output);
    }
}
