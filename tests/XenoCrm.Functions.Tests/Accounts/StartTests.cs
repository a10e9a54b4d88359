using XenoCrm.AppHost;

namespace XenoCrm.Accounts;

/// <summary>The app as a process, with settings with which it must not start.</summary>
public sealed class StartTests
{
    private static readonly string GoodKey = Convert.ToBase64String(Enumerable.Range(0, 32).Select(i => (byte)(i * 7)).ToArray());

    [Theory]
    [InlineData(null)]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Outside_of_development_it_does_not_start_with_any_secret_of_the_sample(string? environment)
    {
        var settings = LocalSettings.Load();
        var output = await ShouldNotStartAsync(settings, environment);
        output.ShouldContain("local.settings.sample.json");
        foreach (var name in new[] { "Auth__Admin__Password", "Auth__SigningKeys__0__Key", "Signing__Key", "Workspace__AddressKey", "Vendors__Generic__ReceiptSecrets__0" })
        {
            output.ShouldContain(name);
        }

        // One is enough.
        foreach (var (name, value) in settings.ToList())
        {
            if (name != "Auth__Admin__Password" && (value.StartsWith("bG9jYWwt", StringComparison.Ordinal) || value.StartsWith("whsec_", StringComparison.Ordinal)))
            {
                settings[name] = value.StartsWith("whsec_", StringComparison.Ordinal) ? "whsec_" + GoodKey : GoodKey;
            }
        }

        output = await ShouldNotStartAsync(settings, environment);
        output.ShouldContain("replace: Auth__Admin__Password");
        output.ShouldNotContain("Local-Admin-1");
    }

    [Fact]
    public async Task It_starts_nowhere_with_a_signing_key_of_less_than_256_bits()
    {
        var settings = LocalSettings.Load();
        settings["Auth__SigningKeys__0__Key"] = Convert.ToBase64String(new byte[31]);
        (await ShouldNotStartAsync(settings, "Development")).ShouldContain("256 bits");
    }

    /// <returns>What it wrote.</returns>
    private static async Task<string> ShouldNotStartAsync(IReadOnlyDictionary<string, string> settings, string? environment)
    {
        var app = Repository.Assembly("XenoCrm.Functions", "XenoCrm.Functions");
        var all = new Dictionary<string, string>(settings)
        {
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["AZURE_FUNCTIONS_ENVIRONMENT"] = environment ?? "",
            ["DOTNET_ENVIRONMENT"] = "",
            ["ASPNETCORE_ENVIRONMENT"] = "",
        };
        await using var process = ChildProcess.Start(new() { Name = "functions", FileName = "dotnet", Arguments = [app], WorkingDirectory = Path.GetDirectoryName(app), Environment = all });
        (await Task.WhenAny(process.Exited, Task.Delay(TimeSpan.FromMinutes(2)))).ShouldBe(process.Exited, "it runs");
        (await process.Exited).ShouldNotBe(0);
        return string.Join('\n', process.Tail());
    }
}
