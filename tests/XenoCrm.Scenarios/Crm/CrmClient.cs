using System.Globalization;
using System.Text.Json;
using Azure.Storage.Blobs;
using XenoCrm.AppHost.Demo;
using XenoCrm.Scenarios.Hosting;

namespace XenoCrm.Scenarios.Crm;

/// <summary>What scenarios do with a running system, in the words of its users.</summary>
internal static class CrmClient
{
    public static async Task DropAsync(this AppHostProcess system, string path, string file)
    {
        var container = new BlobContainerClient(system.StorageConnectionString, "imports");
        await container.CreateIfNotExistsAsync();
        await container.GetBlobClient(path).UploadAsync(file, overwrite: true);
    }

    /// <summary>The job of a dropped file; undefined while there is none.</summary>
    public static async Task<JsonElement> ImportOfAsync(this ApiClient api, string path) =>
        (await api.ListAsync("api/imports", CancellationToken.None))
            .FirstOrDefault(j => j.TryGetProperty("blob", out var blob) && blob.GetString()!.EndsWith(path, StringComparison.Ordinal));

    public static async Task<JsonElement> ImportedAsync(this ApiClient api, string path)
    {
        for (var i = 0; i < 3000; i++)
        {
            var job = await api.ImportOfAsync(path);
            if (job.ValueKind == JsonValueKind.Object && job.GetProperty("state").GetString() is "completed" or "failed" or "cancelled")
            {
                job.GetProperty("state").GetString().ShouldBe("completed", job.ToString());
                return job;
            }
            await Task.Delay(100);
        }
        throw new TimeoutException($"{path} is not imported after five minutes.");
    }

    /// <summary>External id → number of orders and their sum, of every customer.</summary>
    public static async Task<Dictionary<string, (int Orders, decimal Spend)>> CustomersAsync(this ApiClient api)
    {
        var rule = new { combinator = "and", rules = new[] { new { field = "externalId", @operator = "notNull" } } };
        var segment = await api.PostAsync("api/segments", new { name = $"All at {Guid.NewGuid()}", rule }, CancellationToken.None);
        var id = segment.GetProperty("id").GetString()!;
        await api.SegmentReadyAsync(id);
        var members = await api.ListAsync($"api/segments/{id}/members", CancellationToken.None);
        return members.ToDictionary(m => m.GetProperty("externalId").GetString()!,
            m => (m.GetProperty("orderCount").GetInt32(), m.GetProperty("totalSpend").GetDecimal()));
    }

    public static async Task SegmentReadyAsync(this ApiClient api, string id)
    {
        for (var i = 0; (await api.GetAsync($"api/segments/{id}", CancellationToken.None)).GetProperty("state").GetString() != "ready"; i++)
        {
            (i < 1800).ShouldBeTrue("the segment is not built after three minutes");
            await Task.Delay(100);
        }
    }

    /// <returns>The first answer that is as it must be; within minutes, for busy machines.</returns>
    public static async Task<JsonElement> UntilAsync(this ApiClient api, string path, Func<JsonElement, bool> isThere)
    {
        for (var i = 0; ; i++)
        {
            var answer = await api.GetAsync(path, CancellationToken.None);
            if (isThere(answer))
                return answer;
            i.ShouldBeLessThan(3000, answer.ToString());
            await Task.Delay(100);
        }
    }

    /// <summary>What the orders file says, per customer.</summary>
    public static Dictionary<string, (int Orders, decimal Spend)> TotalsOf(string ordersFile, string customerColumn, string amountColumn)
    {
        var lines = File.ReadLines(ordersFile);
        var header = lines.First().Split(',');
        var (customer, amount) = (Array.IndexOf(header, customerColumn), Array.IndexOf(header, amountColumn));
        return lines.Skip(1).Select(l => l.Split(',')).GroupBy(f => f[customer])
            .ToDictionary(g => g.Key, g => (g.Count(), g.Sum(f => decimal.Parse(f[amount], CultureInfo.InvariantCulture))));
    }
}
