using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.Swagger;
using XenoCrm.Accounts;
using XenoCrm.Platform.OpenApi;
using XenoCrm.Webhooks;

namespace XenoCrm.Platform;

public sealed class OpenApiDocumentTests
{
    /// <summary>The document itself, the page that shows it, what answers every other path, and browsers' own question.</summary>
    private static readonly string[] Undescribed = ["GetOpenApiDocument", "GetApiDocs", "AnswerUnknownRoute", "AnswerPreflight"];

    [Fact]
    public async Task Every_function_is_in_the_document_with_its_role_and_its_problems()
    {
        var document = await DocumentAsync();
        document.GetProperty("openapi").GetString().ShouldStartWith("3.1");

        var paths = document.GetProperty("paths");
        var functions = new HttpFunctions(typeof(HttpFunctions).Assembly).All.Where(f => !Undescribed.Contains(f.Name)).ToList();
        functions.Where(f => f.Get<DescribeAttribute>() is null).Select(f => f.Name).ShouldBeEmpty("what is not described is not in the document");
        functions.Count.ShouldBeGreaterThan(3);
        foreach (var function in functions)
        {
            foreach (var method in function.Methods)
            {
                var operation = paths.GetProperty("/" + function.Route.Replace("*", "")).GetProperty(method);
                operation.GetProperty("summary").GetString().ShouldNotBeNullOrWhiteSpace();
                operation.GetProperty("responses").TryGetProperty("500", out _).ShouldBeTrue();
                var isProtected = function.Get<RequireRoleAttribute>() is not null;
                operation.TryGetProperty("security", out _).ShouldBe(isProtected, function.Name);
                operation.GetProperty("responses").TryGetProperty("403", out _).ShouldBe(isProtected, function.Name);
            }
        }
    }

    [Fact]
    public async Task Bodies_and_answers_have_schemas()
    {
        var document = await DocumentAsync();
        var login = document.GetProperty("paths").GetProperty("/api/auth/login").GetProperty("post");
        login.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema")
            .GetProperty("$ref").GetString().ShouldBe("#/components/schemas/LoginRequest");
        login.GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("schema")
            .GetProperty("$ref").GetString().ShouldBe("#/components/schemas/LoginResponse");
        document.GetProperty("components").GetProperty("schemas").GetProperty("LoginRequest").GetProperty("properties")
            .EnumerateObject().Select(p => p.Name).ShouldBe(["email", "password"]);
    }

    [Fact]
    public async Task What_subscribers_get_is_in_the_document()
    {
        var document = await DocumentAsync();
        foreach (var (name, data) in new[] { ("message", "MessageEventData"), ("campaign", "CampaignEventData") })
        {
            var operation = document.GetProperty("webhooks").GetProperty(name).GetProperty("post");
            operation.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()).ShouldBe(["webhook-id", "webhook-timestamp", "webhook-signature"]);
            var schema = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString()!;
            var body = document.GetProperty("components").GetProperty("schemas").GetProperty(schema.Split('/')[^1]);
            body.GetProperty("required").EnumerateArray().Select(r => r.GetString()).ShouldBe(["id", "type", "timestamp", "data"]);
            body.GetProperty("properties").GetProperty("data").GetProperty("$ref").GetString()!.ShouldEndWith("/" + data);
        }
    }

    /// <summary>A status that no code of a route can come to was declared by mistake, or is out of date.</summary>
    [Fact]
    public async Task Every_failure_that_a_route_declares_can_happen()
    {
        var document = await DocumentAsync();
        var described = 0;
        var impossible = new List<string>();
        foreach (var operation in document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject()))
        {
            foreach (var response in operation.Value.GetProperty("responses").EnumerateObject().Where(r => r.Name[0] is '4' or '5' && r.Value.TryGetProperty("content", out var c) && c.TryGetProperty("application/problem+json", out _)))
            {
                described++;
                if (!response.Value.GetProperty("content").GetProperty("application/problem+json").GetProperty("schema").TryGetProperty("allOf", out _) && response.Name != "429")
                {
                    impossible.Add($"{operation.Value.GetProperty("operationId")} {response.Name}");
                }
            }
        }

        described.ShouldBeGreaterThan(500);
        impossible.ShouldBeEmpty();
    }

    [Fact]
    public void The_catalogue_says_of_every_code_what_to_do()
    {
        var catalogue = new Errors.ProblemCatalogue(typeof(HttpFunctions).Assembly);
        catalogue.All.Count.ShouldBeGreaterThan(80);
        catalogue.All.ShouldAllBe(e => e.Code.Length > 0 && !e.Code.Any(char.IsUpper) && e.Status >= 300 && e.Title.Length > 5 && e.Remedy.Length > 10 && e.Area.Length > 0);
        catalogue.All.Select(e => (e.Code, e.Status)).ShouldBeUnique();
        catalogue.All.Select(e => e.Code).ShouldContain("segment.rule_invalid");
        catalogue.All.Select(e => e.Code).ShouldContain("order.status_invalid", "it is one of several codes of one type");
    }

    [Fact]
    public async Task Every_area_has_a_tag_with_a_description()
    {
        var document = await DocumentAsync();
        var used = document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject()).Select(o => o.Value.GetProperty("tags")[0].GetString()).Distinct();
        var features = Directory.GetFiles(Path.Combine(XenoCrm.AppHost.Repository.Root, "src", "XenoCrm.Functions"), "*Feature.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();
        used.Where(tag => !features.Any(f => f.Contains($"AddApiTag(\"{tag}\"", StringComparison.Ordinal))).ShouldBeEmpty();
    }

    private static async Task<JsonElement> DocumentAsync()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(NSubstitute.Substitute.For<IWebHostEnvironment>());
        services.AddSingleton(TimeProvider.System);
        services.AddOpenApiDocument(typeof(HttpFunctions).Assembly);
        services.AddAccounts(new ConfigurationBuilder().Build());
        services.AddWebhooks(new ConfigurationBuilder().Build());
        await using var provider = services.BuildServiceProvider();
        var document = await provider.GetRequiredService<IAsyncSwaggerProvider>().GetSwaggerAsync("v1", host: "http://localhost");
        return JsonDocument.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1)).RootElement;
    }
}
