using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using XenoCrm.Orders;

namespace XenoCrm.Customers;

/// <summary>
/// Two imports of the same customers and a caller of the API at the same time; the imports' processes end at random
/// requests and begin again until they are through. Every row carries a value of its own, so that everything that is
/// ever stored tells which row stored it.
/// </summary>
public sealed class CompetingImportsTests : IAsyncLifetime
{
    private const int Runs = 3;
    private const int RowsPerRun = 7;

    /// <summary>Every version of every customer that was ever stored.</summary>
    private readonly ConcurrentBag<(string Customer, string? Before, string ETag, string City)> history = [];
    private readonly ConcurrentBag<CrmHarness> processes = [];
    private CrmHarness crm = null!;

    public async ValueTask InitializeAsync()
    {
        crm = await CrmHarness.StartAsync();
        crm.Log.Stored = Remember;
    }

    public ValueTask DisposeAsync() => crm.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("COMPETING_IMPORT_SEEDS"), out var seeds) ? seeds : 25;

    [Fact]
    public async Task Every_row_of_customers_has_its_effect_once_and_is_counted_as_it()
    {
        var crashes = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var name = $"s{seed}";
            var random = new Random(seed);
            var before = (await crm.CheckedCustomersAsync()).Count;
            var files = Enumerable.Range(0, 2).Select(f => Enumerable.Range(0, Runs * RowsPerRun).Select(i => Row(name, $"{name}f{f}r{i}", random)).ToList()).ToList();

            // Two that swap the emails of two customers are among them: emails and ids come from the same few.
            var results = new ConcurrentDictionary<(int File, int Row), WriteResult>();
            var imports = files.Select((file, f) => ImportAsync($"{name}-{f}", random.Next(), async (process, journal, run) =>
            {
                var rows = Enumerable.Range(run * RowsPerRun, RowsPerRun).ToList();
                var written = await process.Writer.UpsertAsync([.. rows.Select(r => new UpsertRow(file[r], r + 2))], new("test", journal), Cancellation);
                rows.ForEach(r => results[(f, r)] = written[r % RowsPerRun]);
            })).ToList();
            var api = new ConcurrentBag<WriteResult>();
            var calling = CallAsync(random.Next(), async i => api.Add((await crm.Writer.UpsertAsync([new(Row(name, $"{name}api{i}", new Random(i)), 1)], new("api"), Cancellation))[0]));
            await Task.WhenAll([.. imports, calling]);
            crashes += imports.Sum(i => i.Result);
            await EndAsync();

            var customers = await crm.CheckedCustomersAsync();
            var all = results.Values.Concat(api).ToList();
            all.Count(r => r.Outcome == WriteOutcome.Created).ShouldBe(customers.Count - before, $"seed {seed}: every customer was created once");
            all.ShouldAllBe(r => r.Outcome != WriteOutcome.Failed || r.Code == "customer.identity_conflict");
            var versions = history.ToDictionary(h => h.ETag, h => h.City);
            var stored = history.Where(h => h.Before is null || versions[h.Before] != h.City).ToLookup(h => h.City, h => h.Customer);
            foreach (var ((file, row), result) in results)
            {
                var city = files[file][row].City!;
                var shares = results.Count(r => r.Key.File == file && r.Key.Row / RowsPerRun == row / RowsPerRun && r.Value.CustomerId == result.CustomerId) > 1;
                var expected = result.Outcome == WriteOutcome.Failed ? [] : new[] { result.CustomerId! };
                if (shares)
                {
                    // Folded with its neighbours: their values may be all that was stored.
                    stored[city].Count().ShouldBeLessThanOrEqualTo(1, $"seed {seed}, {city}");
                }
                else
                {
                    stored[city].ShouldBe(expected, $"seed {seed}, {city} is {result}");
                }
            }

            foreach (var row in files.SelectMany((f, n) => f.Select((d, i) => (Draft: d, Result: results[(n, i)]))).Where(r => r.Result.Outcome != WriteOutcome.Failed && r.Draft.ExternalId is not null))
            {
                customers.ShouldContain(c => c.ExternalId == row.Draft.ExternalId && c.Id == row.Result.CustomerId, $"seed {seed}: nobody is lost");
            }
        }

        // How many there are depends on who comes first: enough that the seeds were not all quiet.
        crashes.ShouldBeGreaterThan(Seeds / 4);
    }

    [Fact]
    public async Task Every_order_is_counted_once_and_totals_are_exact_also_when_customers_go()
    {
        var crashes = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var name = $"o{seed}";
            var random = new Random(seed);
            var withDeletions = seed % 3 == 2;
            var files = Enumerable.Range(0, 2).Select(f => Enumerable.Range(0, Runs * RowsPerRun).Select(i => OrderRow(name, (f * 1000) + i + 1, random)).ToList()).ToList();
            var results = new ConcurrentDictionary<(int File, int Row), WriteResult>();
            var imports = files.Select((file, f) => ImportAsync($"{name}-{f}", random.Next(), async (process, journal, run) =>
            {
                var rows = Enumerable.Range(run * RowsPerRun, RowsPerRun).ToList();
                var written = await process.Orders.UpsertAsync([.. rows.Select(r => new OrderRow(file[r], r + 2))], new("test", journal, CreateMissingCustomers: true), Cancellation);
                rows.ForEach(r => results[(f, r)] = written[r % RowsPerRun]);
            })).ToList();
            var api = new ConcurrentBag<WriteResult>();
            var calling = CallAsync(random.Next(), async i =>
            {
                if (withDeletions && (await crm.Customers.PageAsync(CustomerFilter.All, null, 1000, Cancellation)).FirstOrDefault(c => c.Value.ExternalId?.StartsWith(name + "-", StringComparison.Ordinal) == true) is { } victim)
                {
                    await Ignore(() => crm.Get<DeleteCustomer>().HandleAsync(victim.Value.Id, null, Cancellation));
                    return;
                }

                api.Add((await crm.Orders.UpsertAsync([new(OrderRow(name, 5000 + i, new Random(i)), 1)], new("api", CreateMissingCustomers: true), Cancellation))[0]);
            });
            await Task.WhenAll([.. imports, calling]);
            crashes += imports.Sum(i => i.Result);
            await EndAsync();

            results.Values.Where(r => r.Outcome is not (WriteOutcome.Created or WriteOutcome.Updated)).ShouldBeEmpty($"seed {seed}");
            var customers = (await crm.CheckedCustomersAsync()).Where(c => c.ExternalId!.StartsWith(name + "-", StringComparison.Ordinal)).ToList();
            var stored = 0;
            foreach (var customer in customers)
            {
                var orders = (await crm.OrderStore.ReadAllAsync(customer.Id, Cancellation))!.Orders.Values.Select(o => o.Value).ToList();
                stored += orders.Count;
                (customer.TotalSpend, customer.OrderCount).ShouldBe((orders.Sum(o => o.Amount), orders.Count), $"seed {seed}: {customer.ExternalId}");
            }

            if (!withDeletions)
            {
                results.Values.Concat(api).Count(r => r.Outcome == WriteOutcome.Created).ShouldBe(stored, $"seed {seed}: every order was created once");
            }
        }

        // How many there are depends on who comes first: enough that the seeds were not all quiet.
        crashes.ShouldBeGreaterThan(Seeds / 4);
    }

    /// <summary>Runs of one import, each in a new process that ends at a random request, until it does not.</summary>
    /// <returns>How often it ended.</returns>
    private async Task<int> ImportAsync(string import, int seed, Func<CrmHarness, WriteJournal, int, Task> runAsync)
    {
        var random = new Random(seed);
        var crashes = 0;
        for (var run = 0; run < Runs; run++)
        {
            for (var isDone = false; !isDone;)
            {
                // It is not waited for when it ends: what it has sent may arrive while its successor works.
                var process = await crm.AnotherAsync();
                processes.Add(process);
                process.Log.Stored = Remember;
                var at = random.Next(1, 30);
                var kind = random.Next(3);
                process.Log.CrashBeforeWrite = kind == 1 ? at : null;
                process.Log.CrashAfterWrite = kind == 2 ? at : null;
                try
                {
                    using var journal = crm.Journal(import, run + 1);
                    await runAsync(process, journal, run);
                    isDone = true;
                }
                catch (Exception exception) when (exception is CrashException || exception.InnerException is CrashException)
                {
                    crashes++;
                }
            }
        }

        return crashes;
    }

    private async Task EndAsync()
    {
        while (processes.TryTake(out var process))
        {
            while (process.Log.InFlight > 0)
            {
                await Task.Delay(1, Cancellation);
            }

            await process.DisposeAsync();
        }
    }

    private static async Task CallAsync(int seed, Func<int, Task> callAsync)
    {
        var random = new Random(seed);
        for (var i = 0; i < 6; i++)
        {
            await Task.Delay(random.Next(30), Cancellation);
            await callAsync(i);
        }
    }

    private static async Task Ignore(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Platform.Errors.ProblemException)
        {
            // Gone already.
        }
    }

    private void Remember(HttpRequestMessage request, HttpResponseMessage answer)
    {
        if (request.Method == HttpMethod.Get || answer.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK)
            || request.RequestUri!.AbsolutePath.Contains("/colls/customers/docs", StringComparison.Ordinal) == false || request.Content is null)
        {
            return;
        }

        using var content = new MemoryStream();
        request.Content.ReadAsStream().CopyTo(content);
        var bytes = content.ToArray();
        if (bytes.Length == 0 || bytes[0] != '{')
        {
            return;
        }

        using var document = JsonDocument.Parse(bytes);
        if (document.RootElement.TryGetProperty("city", out var city))
        {
            var before = request.Headers.TryGetValues("If-Match", out var etags) ? etags.Single() : null;
            history.Add((document.RootElement.GetProperty("id").GetString()!, before, answer.Headers.ETag?.ToString() ?? answer.Headers.GetValues("etag").Single(), city.GetString()!));
        }
    }

    private static CustomerDraft Row(string name, string city, Random random)
    {
        var externalId = random.Next(4) == 0 ? null : $"{name}-{random.Next(6)}";
        var email = random.Next(3) == 0 && externalId is not null ? null : $"{name}-{random.Next(5)}@x.org";
        return CustomerNormalizer.Normalize(
            new()
            {
                ExternalId = externalId,
                Email = random.Next(2) == 0 ? email?.ToUpperInvariant() : email,
                Phone = random.Next(4) == 0 ? $"+4144668180{random.Next(4)}" : null,
                City = city,
            }, []);
    }

    private static OrderDraft OrderRow(string name, int amount, Random random) => OrderNormalizer.Normalize(
        new() { OrderNumber = $"{random.Next(12)}", Customer = new() { ExternalId = $"{name}-{random.Next(4)}" }, Amount = amount }, "USD", [])!;
}
