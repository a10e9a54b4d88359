using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.Http;

/// <summary>Whatever no other route takes under <c>/api</c> is a problem document too.</summary>
public sealed class NotFoundFunction
{
    [Function("AnswerUnknownRoute")]
    [Public("There is nothing behind it.")]
    public IResult Run([HttpTrigger(AuthorizationLevel.Anonymous, "get", "post", "put", "patch", "delete", Route = "api/{*path}")] HttpRequest request) =>
        throw new RouteNotFound(request.Path).ToException();
}
