using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Http;

public class HttpRoutingTests
{
    [Fact]
    public async Task Route_prefix_defaults_to_api_and_a_function_without_route_is_found_by_its_name()
    {
        await using var app = await TestApp.Start<Routes>();

        (await app.Http.GetStringAsync("/api/Named")).ShouldBe("named");
        (await app.Http.GetAsync("/Named")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("v1", "/v1/Named")]
    [InlineData("", "/Named")]
    public async Task Route_prefix_comes_from_host_json(string prefix, string path)
    {
        await using var app = await TestApp.Start<Routes>(new Dictionary<string, string>
        {
            ["AzureFunctionsJobHost:extensions:http:routePrefix"] = prefix,
        });

        (await app.Http.GetStringAsync(path)).ShouldBe("named");
    }

    [Theory]
    [InlineData("/api/things/7", "number 7")]
    [InlineData("/api/things/mine", "mine")]
    [InlineData("/api/things/other", "text other")]
    [InlineData("/api/files/a/b/c.txt", "file a/b/c.txt")]
    [InlineData("/API/THINGS/Mine", "mine")]
    public async Task Literals_come_before_constraints_before_parameters_before_catch_all(string path, string expected)
    {
        await using var app = await TestApp.Start<Routes>();

        (await app.Http.GetStringAsync(path)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("GET", "/api/nothing")]
    [InlineData("DELETE", "/api/Named")] // the real host does not tell 405 from 404
    [InlineData("GET", "/api/codes/abc")] // regex constraint
    public async Task No_match_is_404(string method, string path)
    {
        await using var app = await TestApp.Start<Routes>();

        using var response = await app.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_method_selects_among_functions_of_one_route()
    {
        await using var app = await TestApp.Start<Routes>();

        (await app.Http.GetStringAsync("/api/same")).ShouldBe("get");
        using var post = await app.Http.PostAsync("/api/same", null);
        (await post.Content.ReadAsStringAsync()).ShouldBe("post");
        (await app.Http.GetStringAsync("/api/codes/123")).ShouldBe("123");
    }

    [Fact]
    public async Task The_server_does_not_name_itself()
    {
        await using var app = await TestApp.Start<Routes>();

        using var response = await app.Http.GetAsync("/api/Named");

        response.Headers.Server.ShouldBeEmpty();
    }

    public class Routes
    {
        [Function("Named")]
        public IActionResult Named([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request) => new ContentResult { Content = "named" };

        [Function("ThingByNumber")]
        public IActionResult ByNumber([HttpTrigger("get", Route = "things/{id:int}")] HttpRequest request, int id) => new ContentResult { Content = $"number {id}" };

        [Function("ThingMine")]
        public IActionResult Mine([HttpTrigger("get", Route = "things/mine")] HttpRequest request) => new ContentResult { Content = "mine" };

        [Function("ThingByText")]
        public IActionResult ByText([HttpTrigger("get", Route = "things/{id}")] HttpRequest request, string id) => new ContentResult { Content = $"text {id}" };

        [Function("Files")]
        public IActionResult Files([HttpTrigger("get", Route = "files/{*path}")] HttpRequest request, string path) => new ContentResult { Content = $"file {path}" };

        [Function("SameGet")]
        public IResult SameGet([HttpTrigger("get", Route = "same")] HttpRequest request) => Results.Text("get");

        [Function("SamePost")]
        public static async Task<IResult> SamePost([HttpTrigger("post", Route = "same")] HttpRequest request)
        {
            await Task.Yield();
            return Results.Text("post");
        }

        [Function("Codes")]
        public IResult Codes([HttpTrigger("get", Route = "codes/{code:regex(^\\d+$)}")] HttpRequest request, string code) => Results.Text(code);
    }
}
