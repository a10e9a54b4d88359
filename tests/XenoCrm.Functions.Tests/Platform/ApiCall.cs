using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform;

/// <param name="Body">JSON, or undefined.</param>
internal sealed record ApiAnswer(int Status, IHeaderDictionary Headers, string Text)
{
    public JsonElement Body => Text.Length > 0 && Text[0] is '{' or '[' ? JsonElement.Parse(Text) : default;

    public JsonElement this[string member] => Body.GetProperty(member);

    public ApiAnswer ShouldBe(int status)
    {
        Status.ShouldBe(status, Text);
        return this;
    }

    public void ShouldBeProblem(int status, string code, string? pointer = null)
    {
        ShouldBe(status)["code"].GetString().ShouldBe(code, Text);
        if (pointer is not null)
        {
            this["errors"].EnumerateObject().Select(e => e.Name).ShouldContain(pointer, Text);
        }
    }
}

/// <summary>Calls a function as the host does: what it throws is a problem document.</summary>
internal static class ApiCall
{
    public static async Task<ApiAnswer> SendAsync(
        IServiceProvider services, Func<HttpRequest, Task<IResult>> call, string? body, string contentType, string query, string? ifMatch)
    {
        var http = new DefaultHttpContext { RequestServices = services, RequestAborted = TestContext.Current.CancellationToken };
        http.Request.QueryString = new QueryString(query);
        if (body is not null)
        {
            http.Request.ContentType = contentType;
            http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        }

        if (ifMatch is not null)
        {
            http.Request.Headers.IfMatch = ifMatch;
        }

        var answer = new MemoryStream();
        http.Response.Body = answer;
        try
        {
            await (await call(http.Request)).ExecuteAsync(http);
        }
        catch (ProblemException exception)
        {
            await ProblemMiddleware.WriteAsync(http, exception.Problem);
        }

        return new(http.Response.StatusCode, http.Response.Headers, Encoding.UTF8.GetString(answer.ToArray()));
    }
}
