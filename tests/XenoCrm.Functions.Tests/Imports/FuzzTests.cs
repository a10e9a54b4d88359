using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XenoCrm.Accounts;
using XenoCrm.Customers;
using XenoCrm.Platform;
using XenoCrm.Platform.Errors;
using XenoCrm.Platform.Http;

namespace XenoCrm.Imports;

/// <summary>Files that no one would write on purpose: every row is taken or rejected with a code, and nothing throws.</summary>
public class FuzzTests(ImportStorage storage)
{
    private static readonly (ImportKind Kind, byte[] File)[] Samples =
    [
        (ImportKind.Customers, "externalId,firstName,lastName,email,phone,birthday,tags,consent.email\nC1,Maria,Anders,m@example.com,+49300074321,1984-03-17,\"a;b\",yes\nC2,Ana,\"O'Neil, Jr\",ana@example.com,,,,no\n"u8.ToArray()),
        (ImportKind.Customers, "CustomerID;Name;E-Mail;Tel\r\nX1;\"Line\r\nbreak\";x@example.com;030 123\r\n"u8.ToArray()),
        (ImportKind.Customers, Head("northwind-customers.csv")),
        (ImportKind.Orders, "orderNumber\tcustomerId\tamount\torderDate\tstatus\n1\tC1\t12.50\t2026-01-31\tpaid\n2\tC2\t0.99\t2026-02-01T10:00:00Z\t\n"u8.ToArray()),
        (ImportKind.Orders, Head("northwind-orders.csv")),
    ];

    private static readonly string[] Cells =
    [
        "", "1e400", "NaN", "-0", "1.234,56", "(12.00)", "€5", "99999999999999999999999999999999", "29/02/2023", "31/02/2024", "2026-13-01", "0000-00-00",
        "=1+1", "'=cmd", "a@b@c", "A@EXAMPLE.COM", "\"", "\"\"", "\"open", "x\"y", "\"a\nb\"", "\0", "\uFEFF", "\u202E", "😀", "\uD83D", "  ", new string('z', 5000), "null", "true",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Mutated_files_never_throw_and_every_rejected_row_has_a_code(int seed)
    {
        var random = new Random(seed);
        var (usable, rows) = (0, 0);
        for (var round = 0; round < 3000; round++)
        {
            var (kind, file) = Next(random);
            var settings = new ImportSettings
            {
                Attributes = random.Next(2) == 0 && kind == ImportKind.Customers,
                DateFormat = random.Next(3) == 0 ? "dd/MM/yyyy" : null,
                DecimalSeparator = random.Next(3) == 0 ? "," : null,
                Encoding = random.Next(8) == 0 ? "windows-1252" : null,
            };
            List<ImportRun> runs;
            try
            {
                runs = await ReadRuns.OfAsync(kind, file, settings, runRows: random.Next(1, 5));
            }
            catch (ProblemException expected)
            {
                expected.Problem.Code.ShouldStartWith("import.");
                expected.Problem.Status.ShouldBeOneOf(400, 415, 422);
                continue;
            }

            usable++;
            foreach (var run in runs)
            {
                var taken = run.Customers.Select(c => c.Row).Concat(run.Orders.Select(o => o.Row)).ToHashSet();
                var rejected = run.FailedRows.ToHashSet();
                taken.Overlaps(rejected).ShouldBeFalse();
                (taken.Count + rejected.Count).ShouldBe(run.Rows);
                rejected.ShouldAllBe(row => run.Issues.Any(i => i.Row == row && !i.Warning && i.Code.Contains('.')));
                rows += run.Rows;
            }
        }

        usable.ShouldBeGreaterThan(1000);
        rows.ShouldBeGreaterThan(5000);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Mutated_files_sent_to_the_route_leave_whole_rows_only(int seed)
    {
        var random = new Random(seed);
        await using var system = await ImportSystem.StartAsync(storage, o => o.RunRows = 3);
        var taken = 0L;
        for (var round = 0; round < 120; round++)
        {
            var (kind, file) = Next(random);
            var item = kind == ImportKind.Customers ? "customer" : "order";
            var before = await CountAsync(system, item);
            var answer = await system.PostAsync(file, kind == ImportKind.Orders ? "?createMissingCustomers=true" : random.Next(2) == 0 ? "?attributes=true" : "", kind);

            answer.Status.ShouldBeOneOf(200, 207, 415, 422);
            var report = answer.Status < 300 ? answer.Body : answer.Body.TryGetProperty("report", out var rejected) ? rejected : (JsonElement?)null;
            if (answer.Status >= 400)
            {
                answer.Body.GetProperty("code").GetString()!.ShouldStartWith("import.");
            }

            var created = report?.GetProperty("created").GetInt64() ?? 0;
            (await CountAsync(system, item)).ShouldBe(before + created, answer.Text);
            if (report is { } known)
            {
                taken += created + known.GetProperty("updated").GetInt64();
                var failed = known.GetProperty("issues").EnumerateArray().Where(i => !i.TryGetProperty("warning", out var w) || !w.GetBoolean()).Select(i => i.GetProperty("row").GetInt64()).Distinct();
                failed.LongCount().ShouldBe(known.GetProperty("failed").GetInt64());
            }
        }

        taken.ShouldBeGreaterThan(50);
        await ShouldBeWholeAsync(system);
    }

    /// <summary>As the route does it, without a request, a job and a report for each: so there can be more of them.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Mutated_files_sent_through_the_pipeline_count_every_row_and_leave_whole_rows_only(int seed)
    {
        var random = new Random(seed);
        await using var system = await ImportSystem.StartAsync(storage);
        var pipeline = system.Get<ImportPipeline>();
        var (total, codes) = (new ImportCounts(), new HashSet<string>());
        for (var file = 0; file < 1000; file++)
        {
            var (kind, bytes) = Next(random);
            var settings = new ImportSettings { Attributes = kind == ImportKind.Customers && random.Next(2) == 0, CreateMissingCustomers = kind == ImportKind.Orders, DateFormat = random.Next(3) == 0 ? "dd/MM/yyyy" : null };
            var open = ImportFile.InMemory(bytes);
            try
            {
                var known = await ImportFile.InspectAsync(kind, settings, open, null, TestContext.Current.CancellationToken);
                var work = new ImportWork($"fuzz-{Guid.NewGuid():N}", kind, settings, known, open, RunStart.At(known.Start), 1) { Cut = ReadRuns.Whole(1000), SaidAt = DateTimeOffset.UtcNow };
                await pipeline.RunAsync(
                    work, null, null,
                    run =>
                    {
                        var counts = run.Counts;
                        counts.Rows.ShouldBe(run.Rows);
                        (counts.Created + counts.Updated + counts.Unchanged + counts.Failed).ShouldBe(counts.Rows, $"seed {seed}, file {file}");
                        run.FailedRows.ShouldAllBe(row => run.Issues.Any(i => i.Row == row && !i.Warning && i.Code.Contains('.')));
                        codes.UnionWith(run.Issues.Select(i => i.Code));
                        total += counts;
                        return Task.FromResult(true);
                    },
                    TestContext.Current.CancellationToken);
            }
            catch (ProblemException expected)
            {
                expected.Problem.Code.ShouldStartWith("import.");
            }
        }

        (total.Created + total.Updated).ShouldBeGreaterThan(300);
        total.Failed.ShouldBeGreaterThan(300);
        codes.Count.ShouldBeGreaterThan(12, string.Join(", ", codes));
        await ShouldBeWholeAsync(system);
    }

    /// <summary>Who has orders has their sum, and each has a key by which it is found.</summary>
    private static async Task ShouldBeWholeAsync(ImportSystem system)
    {
        var customers = await system.QueryAsync<Customer>("SELECT * FROM c WHERE c.type = 'customer'");
        customers.ShouldAllBe(c => c.HasIdentity);
        var sums = (await system.QueryAsync<JsonElement>("SELECT c.customerId, c.amount, c.status FROM c WHERE c.type = 'order'"))
            .Where(o => o.GetProperty("status").GetString() is not ("cancelled" or "refunded"))
            .GroupBy(o => o.GetProperty("customerId").GetString()!).ToDictionary(g => g.Key, g => g.Sum(o => o.GetProperty("amount").GetInt64()));
        customers.ShouldAllBe(c => c.TotalSpend == sums.GetValueOrDefault(c.Id));
    }

    [Fact]
    public async Task No_request_for_an_upload_is_a_5xx()
    {
        await using var system = await ImportSystem.StartAsync(storage);
        string[] values = [.. JsonFuzz.Values, "\"customers\"", "\"orders\"", "\"ORDERS\"", "\"windows-1252\"", "\"utf-7\"", "\"../../x.csv\"", "\"dd/MM/yyyy\"", "{\"A\": \"externalId\", \"B\": \"externalId\"}", "{\"A\": \"nonsense\"}", "{\"\": null}"];
        var fuzz = new JsonFuzz(20_265, values, ["kind", "mapping", "dateFormat", "encoding", "attributes", "dryRun"], ["Kind", "kind", "mapping", "\\u006bind", ""]);
        const string Body = """{ "kind": "customers", "mapping": { "Kunde": "externalId" }, "dateFormat": "dd/MM/yyyy", "decimalSeparator": ",", "encoding": "utf-16le", "attributes": true, "createMissingCustomers": false, "dryRun": true }""";
        for (var i = 0; i < 1500; i++)
        {
            var body = fuzz.Mutate(Body);
            var answer = await system.AnswerAsync(
                async r => Reply.Ok(await system.Get<StartImport>().HandleAsync(await r.ReadAsync<StartImportRequest>(TestContext.Current.CancellationToken), r.Caller(), TestContext.Current.CancellationToken)),
                r => (r.ContentType, r.Body) = ("application/json", new MemoryStream(Encoding.UTF8.GetBytes(body))));
            fuzz.Judge(new(answer.Status, new HeaderDictionary(), answer.Text), body, out _);
        }

        string[] reached = ["request.invalid", "request.json_malformed"];
        reached.Except(fuzz.Codes).ShouldBeEmpty(string.Join(", ", fuzz.Codes));
        fuzz.Taken.ShouldBeGreaterThan(5); // of its members hardly one may be anything
        fuzz.Refused.ShouldBeGreaterThan(500);
    }

    private static async Task<long> CountAsync(ImportSystem system, string type) =>
        (await system.QueryAsync<long>($"SELECT VALUE COUNT(1) FROM c WHERE c.type = '{type}'"))[0];

    private static byte[] Head(string name) =>
        Encoding.UTF8.GetBytes(string.Concat(File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Imports/data", name)).Take(8).Select(l => l + "\n")));

    private static (ImportKind Kind, byte[] File) Next(Random random)
    {
        var (kind, sample) = Samples[random.Next(Samples.Length)];
        var file = sample.ToList();
        for (var mutation = random.Next(1, 7); mutation > 0; mutation--)
        {
            Mutate(random, file);
        }

        var bytes = file.ToArray();
        return (random.Next(20) == 0 ? 1 - kind : kind, random.Next(12) switch
        {
            0 => [0xFF, 0xFE, .. Encoding.Convert(Encoding.UTF8, Encoding.Unicode, bytes)],
            1 => Encoding.Convert(Encoding.UTF8, Encoding.BigEndianUnicode, bytes),
            2 => Encoding.Convert(Encoding.UTF8, Encoding.Latin1, bytes),
            3 => [0xEF, 0xBB, 0xBF, .. bytes],
            _ => bytes,
        });
    }

    private static void Mutate(Random random, List<byte> file)
    {
        var at = random.Next(file.Count + 1);
        switch (random.Next(7))
        {
            case 0:
                file.InsertRange(at, Encoding.UTF8.GetBytes(Cells[random.Next(Cells.Length)]));
                break;
            case 1 when at < file.Count:
                file.RemoveRange(at, Math.Min(random.Next(1, 10), file.Count - at));
                break;
            case 2 when at < file.Count:
                file[at] = (byte)random.Next(256);
                break;
            case 3:
                var from = random.Next(file.Count + 1);
                file.InsertRange(at, file.GetRange(from, random.Next(Math.Min(400, file.Count - from) + 1)));
                break;
            case 4:
                file.Add((byte)random.Next(256));
                break;
            default:
                // A whole cell, of the header too.
                var start = file.FindLastIndex(Math.Max(0, at - 1), IsEdge) + 1;
                var end = file.FindIndex(Math.Min(start, file.Count), IsEdge);
                file.RemoveRange(start, Math.Max(0, (end < 0 ? file.Count : end) - start));
                file.InsertRange(start, Encoding.UTF8.GetBytes(Cells[random.Next(Cells.Length)]));
                break;
        }
    }

    private static bool IsEdge(byte b) => b is (byte)',' or (byte)';' or (byte)'\t' or (byte)'\n';
}
