using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using XenoCrm.Benchmarks.Growth;
using XenoCrm.Platform.Cosmos;

namespace XenoCrm.Infrastructure;

public sealed class GeneratedFileTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What infra/modules/database.bicep makes containers of.</summary>
    [Fact]
    public void Containers_of_the_templates_are_those_of_the_code()
    {
        AppServices.Containers.Count.ShouldBeGreaterThan(4);
        GeneratedFile.ShouldBe("infra/containers.json", new JsonArray([.. AppServices.Containers.Select(Resource)]).ToJsonString(Indented) + "\n");
    }

    [Fact]
    public void The_configuration_reference_is_that_of_the_options() =>
        GeneratedFile.ShouldBe("docs/configuration.md", ConfigurationReference.Write());

    [Fact]
    public void The_pages_of_growth_are_those_of_the_model()
    {
        var model = GrowthModel.Read(Path.Combine(AppHost.Repository.Root, "tests", "XenoCrm.Benchmarks", "Growth", "growth.json"));
        GeneratedFile.ShouldBe("docs/growth.md", GrowthPage.Write(model));
        GeneratedFile.ShouldBe("docs/figures/growth.svg", GrowthFigure.Write(model));
    }

    // By way of the SDK's own properties, which is what the app creates containers with: what it would create and what the
    // templates create are one thing.
    private static JsonObject Resource(ContainerDefinition definition)
    {
        var properties = definition.ToProperties();
        var resource = new JsonObject
        {
            ["id"] = properties.Id,
            ["partitionKey"] = new JsonObject { ["paths"] = new JsonArray(properties.PartitionKeyPath), ["kind"] = "Hash", ["version"] = (int)(properties.PartitionKeyDefinitionVersion ?? Microsoft.Azure.Cosmos.PartitionKeyDefinitionVersion.V2) },
        };
        if (properties.DefaultTimeToLive is { } seconds)
        {
            resource["defaultTtl"] = seconds;
        }

        resource["indexingPolicy"] = new JsonObject
        {
            ["indexingMode"] = "consistent",
            ["automatic"] = true,
            ["includedPaths"] = Paths(properties.IndexingPolicy.IncludedPaths.Select(p => p.Path)),
            ["excludedPaths"] = Paths(properties.IndexingPolicy.ExcludedPaths.Select(p => p.Path)),
            ["compositeIndexes"] = new JsonArray([.. properties.IndexingPolicy.CompositeIndexes.Select(index => new JsonArray([.. index.Select(p =>
                new JsonObject { ["path"] = p.Path, ["order"] = p.Order == Microsoft.Azure.Cosmos.CompositePathSortOrder.Descending ? "descending" : "ascending" })]))]),
        };
        return resource;
    }

    private static JsonArray Paths(IEnumerable<string> paths) => new([.. paths.Select(p => new JsonObject { ["path"] = p })]);
}
