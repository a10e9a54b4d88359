using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace XenoCrm.Scenarios.Contract;

/// <summary>The page at /api-docs, as somebody uses it in a browser.</summary>
[Collection(ContractSystem.Collection)]
public class SwaggerUiTests(ContractSystem system)
{
    private static readonly string[] s_browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

    [Fact]
    public async Task Somebody_logs_in_and_creates_a_customer()
    {
        var browser = Environment.GetEnvironmentVariable("CHROMIUM") ?? Array.Find(s_browsers, File.Exists);
        Assert.SkipWhen(browser is null, $"There is no Chromium at {string.Join(", ", s_browsers)}, and CHROMIUM names none: `apt-get install chromium` brings one.");

        using var playwright = await Playwright.CreateAsync();
        await using var chromium = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = browser, Args = ["--no-sandbox", "--disable-dev-shm-usage"], Timeout = 120_000 });
        var page = await chromium.NewPageAsync(new() { ViewportSize = new() { Width = 1400, Height = 1000 } });
        page.SetDefaultTimeout(120_000);
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        await page.GotoAsync(new Uri(system.System.Api, "api-docs").ToString());

        await page.GetByLabel("Email").FillAsync(system.Email);
        await page.GetByLabel("Password").FillAsync(system.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await page.Locator("#login [role=status]").GetByText("(admin)").WaitForAsync();

        await page.Locator("#operations-tag-Customers").WaitForAsync();
        await ShowAsync(page.Locator(".filter-container, .filter").First, "api-docs");
        await page.Locator("#operations-tag-Customers").ClickAsync();
        var operation = page.Locator("#operations-Customers-CreateCustomer");
        await operation.Locator(".opblock-summary-control").ClickAsync();
        var externalId = $"UI-{Guid.NewGuid():N}";
        await operation.Locator("textarea.body-param__text").FillAsync($$"""{ "externalId": "{{externalId}}", "firstName": "Maria" }""");
        await operation.Locator("button.execute").ClickAsync();
        var status = operation.Locator(".live-responses-table tbody .response-col_status").First;
        try
        {
            await status.WaitForAsync();
        }
        finally
        {
            if (Environment.GetEnvironmentVariable("XENO_SCREENSHOT") is { } file)
                await page.ScreenshotAsync(new() { Path = file });
        }
        await ShowAsync(operation.Locator(".execute-wrapper, .btn-group").First, "api-docs-operation");
        (await status.TextContentAsync())!.ShouldStartWith("201", Case.Sensitive, await operation.Locator(".live-responses-table").TextContentAsync());

        var found = JsonNode.Parse(await system.Http.GetStringAsync($"api/customers?externalId={externalId}"))!["items"]!.AsArray();
        found.Count.ShouldBe(1);
        found[0]!["firstName"]!.GetValue<string>().ShouldBe("Maria");
        errors.ShouldBeEmpty();
    }

    /// <summary>Set to 1: the pictures of the README are taken anew.</summary>
    private static async Task ShowAsync(ILocator top, string name)
    {
        if (Environment.GetEnvironmentVariable("XENO_FIGURES") == "1")
        {
            await top.Page.SetViewportSizeAsync(1280, 800);
            await top.EvaluateAsync("e => e.scrollIntoView()");
            await top.Page.ScreenshotAsync(new() { Path = Path.Combine(AppHost.Repository.Root, "docs", "figures", name + ".png") });
        }
    }
}
