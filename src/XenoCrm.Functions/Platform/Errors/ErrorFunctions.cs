using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using XenoCrm.Platform.Http;
using XenoCrm.Platform.OpenApi;

namespace XenoCrm.Platform.Errors;

/// <summary>Where the <c>type</c> of every problem leads.</summary>
public sealed class ErrorFunctions(ProblemCatalogue catalogue)
{
    [Function("ListErrors")]
    [Public("It describes the API and holds no data.")]
    [Describe("List everything that can be wrong", "Each code with its status, its title and what to do about it. The type of a problem is the address of this list with the code behind it.")]
    [Answers(200, typeof(Page<ProblemEntry>))]
    public IResult List([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/errors")] HttpRequest request) =>
        Reply.Ok(new Page<ProblemEntry>(catalogue.All, null));
}
