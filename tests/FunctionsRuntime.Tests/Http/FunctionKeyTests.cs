using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace XenoCrm.Local.FunctionsRuntime.Tests.Http;

public class FunctionKeyTests
{
    private static readonly Dictionary<string, string> s_keys = new()
    {
        ["FunctionKeys:Master"] = "master",
        ["FunctionKeys:Host:default"] = "host",
        ["FunctionKeys:System:x"] = "system",
        ["FunctionKeys:Functions:KeyFunction:default"] = "own",
        ["FunctionKeys:Functions:KeyOther:default"] = "other",
    };

    [Theory]
    [InlineData("anonymous", "")]
    [InlineData("function", "")]
    [InlineData("admin", "")]
    public async Task Without_configured_keys_none_is_asked_for(string path, string key)
        => (await Status(null, path, key)).ShouldBe(HttpStatusCode.OK);

    [Theory]
    [InlineData("anonymous", "", true)]
    [InlineData("function", "", false)]
    [InlineData("function", "wrong", false)]
    [InlineData("function", "other", false)]
    [InlineData("function", "own", true)]
    [InlineData("function", "host", true)]
    [InlineData("function", "master", true)]
    [InlineData("system", "host", false)]
    [InlineData("system", "system", true)]
    [InlineData("admin", "host", false)]
    [InlineData("admin", "master", true)]
    public async Task With_configured_keys_each_level_takes_its_own(string path, string key, bool allowed)
        => (await Status(s_keys, path, key)).ShouldBe(allowed ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);

    [Fact]
    public async Task A_key_may_come_in_the_query()
    {
        await using var app = await TestApp.Start<Keyed>(s_keys);

        (await app.Http.GetAsync("/api/function?code=own")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static async Task<HttpStatusCode> Status(Dictionary<string, string>? settings, string path, string key)
    {
        await using var app = await TestApp.Start<Keyed>(settings);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/" + path);
        if (key.Length > 0)
            request.Headers.Add("x-functions-key", key);
        using var response = await app.Http.SendAsync(request);
        return response.StatusCode;
    }

    internal sealed class Keyed
    {
        [Function("KeyAnonymous")]
        public IResult Anonymous([HttpTrigger("get", Route = "anonymous")] HttpRequest request) => Results.Ok();

        [Function("KeyFunction")]
        public IResult OfFunction([HttpTrigger(AuthorizationLevel.Function, "get", Route = "function")] HttpRequest request) => Results.Ok();

        [Function("KeyOther")]
        public IResult OfOther([HttpTrigger(AuthorizationLevel.Function, "get", Route = "other")] HttpRequest request) => Results.Ok();

        [Function("KeySystem")]
        public IResult OfSystem([HttpTrigger(AuthorizationLevel.System, "get", Route = "system")] HttpRequest request) => Results.Ok();

        [Function("KeyAdmin")]
        public IResult OfAdmin([HttpTrigger(AuthorizationLevel.Admin, "get", Route = "admin")] HttpRequest request) => Results.Ok();
    }
}
