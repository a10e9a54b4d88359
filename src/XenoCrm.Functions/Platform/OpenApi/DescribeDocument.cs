using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;
using XenoCrm.Platform.Errors;

namespace XenoCrm.Platform.OpenApi;

/// <summary>What belongs to no single route: tags, and the failures that every route can have.</summary>
internal sealed class DescribeDocument(IEnumerable<ApiTag> tags) : IDocumentFilter
{
    public void Apply(OpenApiDocument swaggerDoc, DocumentFilterContext context)
    {
        var used = swaggerDoc.Paths.Values.SelectMany(p => p.Operations ?? []).SelectMany(o => o.Value.Tags ?? new HashSet<OpenApiTagReference>()).Select(t => t.Reference.Id).ToHashSet();
        swaggerDoc.Tags = new HashSet<OpenApiTag>(tags.Where(t => used.Contains(t.Area)).Select(t => new OpenApiTag { Name = t.Area, Description = t.Description }));
    }
}
