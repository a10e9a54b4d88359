using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using XenoCrm.Platform;

namespace XenoCrm.Segments;

public sealed class RebuildMessageTests
{
    [Fact]
    public void What_the_queue_is_given_the_worker_can_read()
    {
        var message = new RebuildSegment("s1", 3, RebuildReason.Confirm, Rules.Now) { Removing = true, AfterId = "c1", Added = 7, Since = Rules.Now, StartedAt = Rules.Now };
        var text = JsonSerializer.Serialize(message, Json.Options);
        using var services = new ServiceCollection()
            .Configure<JsonSerializerOptions>(o => o.PropertyNameCaseInsensitive = true)
            .AddPlatform(new ConfigurationBuilder().Build())
            .BuildServiceProvider();
        JsonSerializer.Deserialize<RebuildSegment>(text, services.GetRequiredService<IOptions<JsonSerializerOptions>>().Value).ShouldBe(message);
    }
}
