using System.Net;
using Microsoft.Azure.Cosmos;

namespace XenoCrm.Local.CosmosEmulator.Tests.Protocol;

public sealed class CatalogTests(Emulator emulator)
{
    [Fact]
    public async Task Databases_are_created_listed_queried_and_deleted()
    {
        var database = await emulator.NewDatabase();
        (await Fails(() => emulator.Client.CreateDatabaseAsync(database.Id))).ShouldBe(HttpStatusCode.Conflict);
        (await emulator.Client.CreateDatabaseIfNotExistsAsync(database.Id)).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var all = emulator.Client.GetDatabaseQueryIterator<DatabaseProperties>();
        (await all.ReadNextAsync()).ShouldContain(d => d.Id == database.Id);
        using var one = emulator.Client.GetDatabaseQueryIterator<DatabaseProperties>(new QueryDefinition("SELECT * FROM c WHERE c.id = @id").WithParameter("@id", database.Id));
        (await one.ReadNextAsync()).Single().Id.ShouldBe(database.Id);
        (await database.DeleteAsync()).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await Fails(() => database.ReadAsync())).ShouldBe(HttpStatusCode.NotFound);
        (await emulator.Client.CreateDatabaseAsync(database.Id)).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Containers_keep_their_definition()
    {
        var database = await emulator.NewDatabase();
        var wanted = new ContainerProperties("things", "/pk") { DefaultTimeToLive = 100 };
        wanted.IndexingPolicy.IncludedPaths.Add(new IncludedPath { Path = "/n/?" });
        wanted.IndexingPolicy.ExcludedPaths.Add(new ExcludedPath { Path = "/*" });
        (await database.CreateContainerAsync(wanted, throughput: 400)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await Fails(() => database.CreateContainerAsync(wanted))).ShouldBe(HttpStatusCode.Conflict);
        var container = database.GetContainer("things");
        var read = (await container.ReadContainerAsync()).Resource;
        read.PartitionKeyPath.ShouldBe("/pk");
        read.DefaultTimeToLive.ShouldBe(100);
        read.IndexingPolicy.IncludedPaths.Single().Path.ShouldBe("/n/?");
        using var list = database.GetContainerQueryIterator<ContainerProperties>();
        (await list.ReadNextAsync()).Select(c => c.Id).ShouldBe(["things"]);

        read.DefaultTimeToLive = null;
        (await container.ReplaceContainerAsync(read)).Resource.DefaultTimeToLive.ShouldBeNull();
        (await Fails(() => container.ReplaceContainerAsync(new ContainerProperties("things", "/other")))).ShouldBe(HttpStatusCode.BadRequest);
        (await container.DeleteContainerAsync()).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await Fails(() => container.ReadContainerAsync())).ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_container_that_is_deleted_and_created_again_is_empty_and_works_without_a_new_client()
    {
        var container = await emulator.NewContainer();
        for (var i = 0; i < 5; i++)
        {
            await container.CreateItemAsync(Doc.Of($"i{i}"), new PartitionKey("p"));
        }

        await container.DeleteContainerAsync();
        await container.Database.CreateContainerAsync(new ContainerProperties(container.Id, "/pk"));
        (await PointTests.Status(() => container.ReadItemAsync<Doc>("i0", new PartitionKey("p")))).Status.ShouldBe(HttpStatusCode.NotFound);
        await container.CreateItemAsync(Doc.Of("new"), new PartitionKey("p"));
        (await QueryWireTests.All<Doc>(container, "SELECT * FROM c")).Single().Id.ShouldBe("new");
        (await QueryWireTests.All<Doc>(container, "SELECT * FROM c ORDER BY c.id")).Single().Id.ShouldBe("new");
    }

    [Fact]
    public async Task What_is_not_there_is_404()
    {
        var database = await emulator.NewDatabase();
        (await PointTests.Status(() => database.GetContainer("none").CreateItemAsync(Doc.Of("a"), new PartitionKey("p")))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await PointTests.Status(() => emulator.Client.GetContainer("none", "none").ReadItemAsync<Doc>("a", new PartitionKey("p")))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Fails(() => emulator.Client.GetDatabase("none").CreateContainerAsync("a", "/pk"))).ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Definitions_the_service_refuses_are_refused()
    {
        var database = await emulator.NewDatabase();
        var noRoot = new ContainerProperties("a", "/pk");
        noRoot.IndexingPolicy.IncludedPaths.Add(new IncludedPath { Path = "/n/?" });
        (await Fails(() => database.CreateContainerAsync(noRoot))).ShouldBe(HttpStatusCode.BadRequest);
        var badPath = new ContainerProperties("a", "/pk");
        badPath.IndexingPolicy.IncludedPaths.Add(new IncludedPath { Path = "/*" });
        badPath.IndexingPolicy.ExcludedPaths.Add(new ExcludedPath { Path = "n" });
        (await Fails(() => database.CreateContainerAsync(badPath))).ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Names_may_have_characters_that_need_escaping()
    {
        var database = await emulator.NewDatabase();
        Container container = await database.CreateContainerAsync("with space & ü", "/pk");
        await container.CreateItemAsync(Doc.Of("a"), new PartitionKey("p"));
        (await QueryWireTests.All<Doc>(container, "SELECT * FROM c ORDER BY c.n")).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Reading_the_throughput_gives_nothing()
    {
        Assert.SkipWhen(Emulator.IsForeign, "depends on the account");
        var container = await emulator.NewContainer();
        (await container.ReadThroughputAsync()).ShouldBeNull();
    }

    private static async Task<HttpStatusCode> Fails<T>(Func<Task<T>> call) => (await Should.ThrowAsync<CosmosException>(call)).StatusCode;
}
