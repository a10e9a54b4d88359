using System.Globalization;
using System.Text.Json;
using XenoCrm.AppHost;

namespace XenoCrm.Benchmarks.Growth;

/// <summary>A campaign on this machine, from its launch until the customers have been told what became of their messages.</summary>
internal static class GrowthMeasurement
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<GrowthPoint> RunAsync(int messages)
    {
        await using var system = await CrmSystem.StartAsync();
        var file = system["customers.csv"];
        await using (var writer = new StreamWriter(file))
        {
            await writer.WriteAsync("Customer ID,First Name,Last Name,Email,City,Country,Language,Tags\n");
            for (var i = 0; i < messages; i++)
                await writer.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"G{i:D7},Person,Number {i},person.{i}@example.com,Bern,CH,de-CH,growth\n"));
        }

        await system.DropAsync("customers/growth.csv", file);
        await UntilAsync("the import", async () => (await system.Api.ListAsync("api/imports", default)).Exists(j => State(j) == "completed"));
        var rule = new { combinator = "and", rules = new[] { new { field = "tags", @operator = "contains", value = "growth" } } };
        var segment = Id(await system.Api.PostAsync("api/segments", new { name = "Growth", rule }, default));
        await UntilAsync("the segment", async () => State(await system.Api.GetAsync($"api/segments/{segment}", default)) == "ready");
        var campaign = Id(await system.Api.PostAsync("api/campaigns", new
        {
            name = "Growth", channel = "email", segmentId = segment,
            content = new { subject = "Hello {{firstName}}", text = "Hello {{firstName}} {{unsubscribeUrl}}", html = "<p>Hello {{firstName}} <a href=\"{{unsubscribeUrl}}\">x</a></p>" },
        }, default));

        var idle = await IdleAsync(system);
        var before = await system.DatabaseAsync();
        var since = TimeProvider.System.GetTimestamp();
        await system.Api.PostAsync($"api/campaigns/{campaign}/launch", null, default);

        // Looking costs requests too, so that is done seldom.
        await UntilAsync("the campaign", async () => (await system.Api.GetAsync($"api/campaigns/{campaign}/stats", default)).GetProperty("pending").GetInt64() == 0 && TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromSeconds(5));
        for (var last = -1.0; ;)
        {
            var (_, units) = await system.DatabaseAsync();

            // Told when nothing but what an idle system does has come for a while.
            if (units - last < (idle.Units * 15) + 50)
                break;
            last = units;
            await Task.Delay(TimeSpan.FromSeconds(15));
        }

        var after = await system.DatabaseAsync();
        var seconds = TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        return new(messages, Math.Round(after.Requests - before.Requests - (idle.Requests * seconds)), Math.Round(after.Units - before.Units - (idle.Units * seconds)), "growth --measure");
    }

    /// <summary>What timers ask for, a second.</summary>
    private static async Task<(double Requests, double Units)> IdleAsync(CrmSystem system)
    {
        await Task.Delay(TimeSpan.FromSeconds(5));
        var before = await system.DatabaseAsync();
        await Task.Delay(TimeSpan.FromSeconds(30));
        var after = await system.DatabaseAsync();
        return ((after.Requests - before.Requests) / 30, (after.Units - before.Units) / 30);
    }

    private static async Task UntilAsync(string what, Func<Task<bool>> reached)
    {
        for (var since = TimeProvider.System.GetTimestamp(); !await reached();)
        {
            if (TimeProvider.System.GetElapsedTime(since) > Patience)
                throw new LocalException($"{what} has not ended within {Patience.TotalMinutes:0} minutes.");
            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }

    private static string? State(JsonElement item) => item.TryGetProperty("state", out var state) ? state.GetString() : null;

    private static string Id(JsonElement item) => item.GetProperty("id").GetString()!;
}
